import msgspec
from support.risk import FLAT, STOCK, Gatekeeper, buy, holding, sell

from atlas.domain import Denial, InstrumentKind

INDEX = msgspec.structs.replace(STOCK, kind=InstrumentKind.INDEX)


def test_nobody_trades_an_index():
    denial = Denial("instrument", "AAPL@SMART is an index: it has a price, and nobody trades it")
    assert Gatekeeper().gate.check(buy(), INDEX, FLAT, 0) == denial
    assert Gatekeeper().gate.check(sell(), INDEX, holding(100), 0) == denial


def test_an_instrument_that_nobody_defined_is_denied():
    denial = Denial("instrument", "AAPL@SMART is not an instrument of this desk")
    assert Gatekeeper().gate.check(sell(), None, holding(100), 0) == denial
