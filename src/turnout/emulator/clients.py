"""HTTP clients that call an emulator in process, for the vendor's own client to use."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import httpx2

from turnout.emulator.reply import Call, Reply

if TYPE_CHECKING:
    from turnout.emulator.app import Emulator

URL = "http://emulator"
CUT = "peer closed connection without sending complete message body"
HUNG = "the emulator was told to hang"


def client(emulator: Emulator) -> httpx2.Client:
    """A sync client on the emulator."""
    return httpx2.Client(transport=_Transport(emulator), base_url=URL)


def async_client(emulator: Emulator) -> httpx2.AsyncClient:
    """An async client on the emulator."""
    return httpx2.AsyncClient(transport=_AsyncTransport(emulator), base_url=URL)


def _call(request: httpx2.Request, body: bytes) -> Call:
    path, _, query = request.url.raw_path.decode("latin-1").partition("?")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Call(request.method, path, query, headers, body)


def _fail(reply: Reply, request: httpx2.Request) -> None:
    """Fail as a real connection would; nobody waits for a hung one in process."""
    if reply.ending == "cut":
        raise httpx2.RemoteProtocolError(CUT, request=request)
    if reply.ending == "hang":
        raise httpx2.ReadTimeout(HUNG, request=request)
    reply.finish()


class _Body(httpx2.SyncByteStream):
    def __init__(self, reply: Reply, request: httpx2.Request) -> None:
        self._reply = reply
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._reply.chunks:
            time.sleep(self._reply.chunk_delay_s)
            yield chunk
        _fail(self._reply, self._request)


class _Transport(httpx2.BaseTransport):
    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        reply = self._emulator.handle(_call(request, request.read()))
        time.sleep(reply.delay_s)
        if reply.silent:
            _fail(reply, request)
        return httpx2.Response(
            reply.status, headers=reply.headers, stream=_Body(reply, request), request=request
        )


class _AsyncBody(httpx2.AsyncByteStream):
    def __init__(self, reply: Reply, request: httpx2.Request) -> None:
        self._reply = reply
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._reply.chunks:
            await asyncio.sleep(self._reply.chunk_delay_s)
            yield chunk
        _fail(self._reply, self._request)


class _AsyncTransport(httpx2.AsyncBaseTransport):
    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        reply = self._emulator.handle(_call(request, await request.aread()))
        await asyncio.sleep(reply.delay_s)
        if reply.silent:
            _fail(reply, request)
        return httpx2.Response(
            reply.status, headers=reply.headers, stream=_AsyncBody(reply, request), request=request
        )
