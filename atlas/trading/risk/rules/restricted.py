"""Instruments that are not opened."""

from fnmatch import fnmatchcase
from typing import ClassVar

from atlas.domain import Denial
from atlas.trading.risk.case import Case
from atlas.trading.risk.limits import Limits, described


class Restricted:
    """Nothing is opened in an instrument that the list `restricted` names; `*` in a name stands for anything."""

    name: ClassVar[str] = "restricted"

    def check(self, case: Case, scope: str, limits: Limits) -> Denial | None:
        """See `Rule`."""
        for number, pattern in enumerate(limits.restricted, 1):
            if fnmatchcase(case.order.instrument, pattern):
                text = f"{case.order.instrument} is on the list {self.name} of {described(scope)}, entry {number}: {pattern}"
                return Denial(self.name, text)
        return None
