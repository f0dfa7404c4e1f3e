"""What a client's callback was given, as JSON: objects by their attributes, times as seconds since the epoch.

Runs in the environments of the clients: nothing but the standard library may be imported.
"""

import enum
from datetime import datetime
from decimal import Decimal


def plain(value):
    """`value` as JSON can say it."""
    if value is None or isinstance(value, (bool, int, str)):
        return value.value if isinstance(value, enum.Enum) else value
    if isinstance(value, (float, Decimal)):
        number = float(value)
        return number if abs(number) != float("inf") and number == number else repr(number)
    if isinstance(value, datetime):
        return {"epoch": value.timestamp()}
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if isinstance(value, (set, frozenset)):
        return [plain(one) for one in sorted(value)]
    if hasattr(value, "_asdict"):
        return {name: plain(one) for name, one in value._asdict().items()}
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    names = getattr(value, "__dataclass_fields__", None) or vars(value)
    return {name: plain(getattr(value, name)) for name in names}
