"""What the gateway lists: a file of instruments, their hours, and how clients name them."""

from ib_gateway.simulator.instruments.calendar import ListedHours
from ib_gateway.simulator.instruments.catalogue import Catalogue, Listing
from ib_gateway.simulator.instruments.file import MarketModel, load
from ib_gateway.simulator.instruments.hours import Hours, Session

__all__ = ["Catalogue", "Hours", "ListedHours", "Listing", "MarketModel", "Session", "load"]
