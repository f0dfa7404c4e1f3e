"""What a position is worth once its instrument is past its last trading moment. Pure.

Everything is settled in cash: a future at its last known price, an option at what exercising it would bring at the last known
price of its underlying, which is nothing out of the money. Options on shares are delivered at Interactive Brokers; in cash the
account is worth the same, without the shares.

Source: IBKR Knowledge Base, "Exercise and delivery": clearing houses exercise by themselves what is in the money at expiration
by as little as 0.01.
"""

from atlas.domain import Instrument, OptionRight, exact

CONTRACT_EXPIRED = "This contract has expired."


def settlement_price(instrument: Instrument, own: float | None, underlying: float | None) -> float | None:
    """The price at which a position in `instrument` ends; None while no price is known that could say so.

    `own` and `underlying` are the last known prices of the instrument and of what it is written on. Where the underlying's is
    not known, an option ends at its own.
    """
    if instrument.right is None or underlying is None:
        return own
    spot, strike = exact(underlying), exact(instrument.strike)
    return float(max(spot - strike if instrument.right is OptionRight.CALL else strike - spot, exact(0.0)))
