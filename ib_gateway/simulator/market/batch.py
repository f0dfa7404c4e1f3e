"""Batches of ticks: most are quotes of one instrument, which can be looked at all at once."""

from collections.abc import Sequence
from typing import cast

from atlas.domain import Quote, Trade


def quotes_of_one(events: Sequence[Quote | Trade]) -> Sequence[Quote]:
    """The events if they are quotes of one instrument and more than one, else nothing."""
    count = len(events)
    if count < 2 or list(map(type, events)).count(Quote) < count:
        return ()
    names = [event.instrument for event in events]
    return cast("Sequence[Quote]", events) if names.count(names[0]) == count else ()
