"""What is known of an instrument beside its quotes and trades: how it closed, and how its year was."""

from typing import NamedTuple, Protocol


class Year(NamedTuple):
    """The last year of an instrument: lows and highs of 13, 26 and 52 weeks, average daily volume, volatility per year."""

    low_13: float
    high_13: float
    low_26: float
    high_26: float
    low_52: float
    high_52: float
    average_volume: float
    volatility: float


class Facts(Protocol):
    """Where the desk asks for what was before today."""

    def close_before(self, instrument: str, at_ns: int) -> float:
        """The last price of the trading day before that of `at_ns`; 0.0 if nobody knows."""
        ...

    def year(self, instrument: str, at_ns: int) -> Year | None:
        """The year up to `at_ns`; None if nobody knows."""
        ...


class NoFacts:
    """Nothing is known, as of a recording that begins today."""

    def close_before(self, instrument: str, at_ns: int) -> float:  # noqa: ARG002 - the interface
        """Unknown."""
        return 0.0

    def year(self, instrument: str, at_ns: int) -> Year | None:  # noqa: ARG002 - the interface
        """Unknown."""
        return None
