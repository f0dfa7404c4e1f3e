"""The HTTP control API: the gateway's faults, clock, clients and orders, for programs in any language and for people."""

from ib_gateway.simulator.control.app import build_app
from ib_gateway.simulator.control.http import ControlServer

__all__ = ["ControlServer", "build_app"]
