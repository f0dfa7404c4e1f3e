"""What the gateway lists: a file of instruments, their hours, and how clients name them."""

from ib_gateway.simulator.instruments.calendar import ListedHours
from ib_gateway.simulator.instruments.catalogue import Catalogue, OptionClass, Symbol
from ib_gateway.simulator.instruments.file import load
from ib_gateway.simulator.instruments.hours import Hours, Session
from ib_gateway.simulator.instruments.listing import Listing, MarketModel

__all__ = ["Catalogue", "Hours", "ListedHours", "Listing", "MarketModel", "OptionClass", "Session", "Symbol", "load"]
