"""Times as clients write them."""

from datetime import datetime
from zoneinfo import ZoneInfo

from atlas.domain import from_datetime


def client_time(text: str, zone: str) -> int:
    """The moment that "yyyymmdd-hh:mm:ss" (UTC) or "yyyymmdd hh:mm:ss[ zone]" means, by default in `zone`.

    Raises:
        ValueError: it is not written so, or there is no such zone; the text says so in words for the client.
    """
    try:
        if "-" in text.split(maxsplit=1)[0]:
            return from_datetime(datetime.strptime(text.strip(), "%Y%m%d-%H:%M:%S").replace(tzinfo=ZoneInfo("UTC")))
        date, time, *named = text.split()
        moment = datetime.strptime(f"{date} {time}", "%Y%m%d %H:%M:%S")  # noqa: DTZ007 - the zone follows
        return from_datetime(moment.replace(tzinfo=ZoneInfo(named[0] if named else zone)))
    except (ValueError, KeyError, IndexError, OSError):
        raise ValueError(f"Invalid time '{text}'; write yyyymmdd-hh:mm:ss") from None
