"""The ASGI side: read a call, send a reply with its timing, notice when the client leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from turnout.emulator.reply import Call, Reply

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Handle: TypeAlias = Callable[[Call], Reply]


async def answer(handle: Handle, largest: int, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one ASGI scope."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    if scope["type"] != "http":
        return
    body = await _body(receive, largest)
    if body is None:
        return
    reply = handle(_call(scope, body))
    await _send(reply, receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _body(receive: Receive, largest: int) -> bytes | None:
    """The body, cut just beyond the largest allowed; None when the client left."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part = message.get("body", b"")
        if size <= largest:
            parts.append(part)
            size += len(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _call(scope: Scope, body: bytes) -> Call:
    raw = scope.get("raw_path") or scope["path"].encode()
    headers = {name.decode("latin-1").lower(): v.decode("latin-1") for name, v in scope["headers"]}
    return Call(
        scope["method"],
        raw.decode("latin-1").partition("?")[0],
        scope.get("query_string", b"").decode("latin-1"),
        headers,
        body,
    )


async def _send(reply: Reply, receive: Receive, send: Send) -> None:
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        if await _left_during(reply.delay_s, gone):
            return
        if not reply.silent:
            await _send_parts(reply, gone, send)
        if reply.ending == "hang":
            await gone
    finally:
        gone.cancel()


async def _send_parts(reply: Reply, gone: asyncio.Future[None], send: Send) -> None:
    headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in reply.headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    last = len(reply.chunks) - 1 if reply.ending == "end" else None
    for index, chunk in enumerate(reply.chunks):
        if await _left_during(reply.chunk_delay_s, gone):
            return
        if index == last:
            reply.finish()  # before the client can act on the last byte
        await send({"type": "http.response.body", "body": chunk, "more_body": index != last})
    # A cut reply is left unfinished: the server then drops the connection.
    if reply.ending == "end" and not reply.chunks:
        reply.finish()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _left_during(seconds: float, gone: asyncio.Future[None]) -> bool:
    """Wait; True when the client left meanwhile."""
    if seconds > 0:
        await asyncio.wait({gone}, timeout=seconds)
    return gone.done()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
