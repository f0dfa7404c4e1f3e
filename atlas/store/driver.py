"""What the database's driver leaves open, closed: a socket whose connecting is cancelled.

The driver closes it on errors and when time is over, but not when its own monitor, or whoever waits for an answer, is cancelled
meanwhile; the garbage collector would find it some time. There is no public place for this, and where a later driver has no
such function any more nothing is changed.
"""

import asyncio
import socket
from typing import Any

from pymongo import pool_shared


def close_what_is_cancelled() -> None:
    """Have the driver close sockets whose connecting is cancelled. Once is enough, and again does no harm."""
    connect: Any = getattr(pool_shared, "_async_create_connection", None)
    if connect is None or hasattr(connect, "closes_when_cancelled"):
        return

    async def connected(*arguments: Any) -> socket.socket:
        connecting: asyncio.Task[socket.socket] = asyncio.create_task(connect(*arguments))
        try:
            return await asyncio.shield(connecting)
        except asyncio.CancelledError:
            await asyncio.wait({connecting})  # no longer than connectTimeoutMS
            if not connecting.cancelled() and connecting.exception() is None:
                connecting.result().close()
            raise

    connected.closes_when_cancelled = True  # type: ignore[attr-defined]
    pool_shared._async_create_connection = connected  # type: ignore[assignment]
