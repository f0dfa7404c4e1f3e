"""When an order ends, as people say it on the command line. Pure."""

from datetime import datetime

from atlas.domain import NS_PER_SECOND, BadInput, TimeInForce

_FORM = "write it as 2026-12-18T17:00-05:00"


def order_end(tif: TimeInForce, until: str) -> tuple[TimeInForce, int]:
    """The time in force, and when the order ends in UTC nanoseconds; 0 where the time in force says when.

    Raises:
        BadInput: the one does not go with the other, or `until` is no time with a zone.

    >>> order_end(TimeInForce.GTD, "1970-01-01T01:00:01+01:00")
    (<TimeInForce.GTD: 'gtd'>, 1000000000)
    """
    if not until:
        if tif is TimeInForce.GTD:
            raise BadInput("--tif gtd needs --until TIME")
        return tif, 0
    if tif not in (TimeInForce.DAY, TimeInForce.GTD):
        raise BadInput(f"--until goes with --tif gtd, not with {tif.value}")
    try:
        at = datetime.fromisoformat(until)
    except ValueError:
        raise BadInput(f"--until {until!r} is no time; {_FORM}") from None
    if at.tzinfo is None:
        raise BadInput(f"--until {until!r} has no zone; {_FORM}")
    return TimeInForce.GTD, int(at.timestamp()) * NS_PER_SECOND
