"""What a paper account is made with. The defaults are the plainest exchange there is.

First bid or ask, whatever size it displays, at once, no slippage, no fees. A market order fills at the ask (buy) or the bid
(sell); a limit order once the ask is at or below its limit, or the bid at or above it, at that price; what is triggered follows
the same rules from then on. Everything more lifelike is switched on one by one.
"""

import msgspec

from atlas.domain import NS_PER_MS, BadInput
from atlas.domain._struct import Value
from atlas.exchange import FIXED_PRICING, Terms


class PaperTerms(Value, frozen=True, kw_only=True):
    """The terms of one paper account. Each may change from start to start; cash counts when the account is opened.

    Attributes:
        account: Its name. It begins with D, as a broker's own paper accounts do.
        base_currency: In which it is valued.
        cash: What it begins with, by currency.
        margin: An order is rejected that the account could not carry; False lets it do so.
        fees: "none", or "ib": the broker's fixed price list (`atlas.exchange.FIXED_PRICING`).
        slippage_ticks: Ticks by which a fill is worse than the first level; never worse than a limit.
        slippage_percent: Percent of the price, likewise, on top.
        latency_ms: Milliseconds from the sending of a request to its arrival at the exchange, in the market's time.
        partial_fills: A quote fills no more than it displays; False fills every order whole.
        hours: "real": instruments trade while their broker says so, and day orders end with their session. "always": a quote
            fills whenever it comes, and day orders stand like those good till cancelled.
        reference_rates: Units of the base currency for one of another, until a pair of the two is quoted.
        client_id: Under which orders are reported.
    """

    account: str = "DUPAPER"
    base_currency: str = "USD"
    cash: dict[str, float] = msgspec.field(default_factory=lambda: {"USD": 1_000_000.0})
    margin: bool = True
    fees: str = "none"
    slippage_ticks: float = 0.0
    slippage_percent: float = 0.0
    latency_ms: float = 0.0
    partial_fills: bool = False
    hours: str = "real"
    reference_rates: dict[str, float] = msgspec.field(default_factory=dict)
    client_id: int = 1

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            BadInput: it does not.
        """
        if not self.account.startswith("D") or not self.account.isalnum() or not self.account.isascii():
            raise BadInput(f"paper account {self.account!r} must begin with D and consist of letters and digits, as DUPAPER")
        if min(self.slippage_ticks, self.slippage_percent, self.latency_ms) < 0:
            raise BadInput("slippage and latency of a paper account must be 0 or more")
        if self.fees not in ("none", "ib") or self.hours not in ("real", "always"):
            raise BadInput('fees of a paper account are "none" or "ib", hours "real" or "always"')

    @property
    def latency_ns(self) -> int:
        """The latency in nanoseconds."""
        return round(self.latency_ms * NS_PER_MS)

    def at_the_exchange(self, born_ns: int) -> Terms:
        """What the exchange is to ask. Ids count from `born_ns`, when the account was opened.

        Two accounts of one name, opened one after the other, so never give out the same id twice.
        """
        ms = born_ns // NS_PER_MS
        return Terms(
            base_currency=self.base_currency,
            check_margin=self.margin,
            commissions=dict(FIXED_PRICING) if self.fees == "ib" else {},
            reference_rates=dict(self.reference_rates),
            first_perm_id=_FIRST_PERM_ID + ms // 10 % _FIRST_PERM_ID,
            execution_prefix=f"{ms & 0xFFFFFFFF:08x}",
            first_execution=ms // 1000,
            use_sizes=self.partial_fills,
            slippage_ticks=self.slippage_ticks,
            slippage_percent=self.slippage_percent,
        )


_FIRST_PERM_ID = 1_000_000_000  # twice as much fits into the broker's 31 bits
