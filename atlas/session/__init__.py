"""A desk on one machine without containers: supervised local processes."""

from atlas.session.supervisor import Process, Supervisor

__all__ = ["Process", "Supervisor"]
