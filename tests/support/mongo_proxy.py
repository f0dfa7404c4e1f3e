"""Between a client and a database server: answers change streams with the errors that only some servers give."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from typing import Any

import bson

_HEADER = struct.Struct("<iiii")
_OP_MSG = 2013


class MongoProxy:
    """Passes everything on, but for change streams: `errors` are (code, name) with which the next ones are answered."""

    def __init__(self, upstream_port: int) -> None:
        self.errors: list[tuple[int, str]] = []
        self.resumed_with: list[dict[str, Any] | None] = []
        self.port = 0
        self._upstream = upstream_port
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        back = asyncio.create_task(self._pass_back(up_reader, writer))
        self._tasks.add(back)
        try:
            while True:
                head = await reader.readexactly(_HEADER.size)
                length, request, _, code = _HEADER.unpack(head)
                body = await reader.readexactly(length - _HEADER.size)
                reply = self._reply(code, request, body)
                if reply is None:
                    up_writer.write(head + body)
                else:
                    writer.write(reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            back.cancel()
            for one in (up_writer, writer):
                one.close()
                with contextlib.suppress(ConnectionError):
                    await one.wait_closed()

    async def _pass_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)

    def _reply(self, code: int, request: int, body: bytes) -> bytes | None:
        if code != _OP_MSG or body[4] != 0:
            return None
        command = bson.decode(body[5 : 5 + struct.unpack_from("<i", body, 5)[0]])
        stages = command.get("pipeline") or [{}]
        if "aggregate" not in command or "$changeStream" not in stages[0]:
            return None
        self.resumed_with.append(stages[0]["$changeStream"].get("resumeAfter"))
        if not self.errors:
            return None
        number, name = self.errors.pop(0)
        answer = b"\0\0\0\0\0" + bson.encode({"ok": 0.0, "code": number, "codeName": name, "errmsg": name})
        return _HEADER.pack(_HEADER.size + len(answer), 1, request, _OP_MSG) + answer


@contextlib.asynccontextmanager
async def mongo_proxy(upstream_port: int) -> AsyncIterator[MongoProxy]:
    """A running proxy in front of the server at `upstream_port`."""
    proxy = MongoProxy(upstream_port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await server.wait_closed()
