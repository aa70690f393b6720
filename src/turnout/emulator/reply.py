"""Calls and replies, free of any transport: what came in, and what goes out when."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from turnout.emulator.failure import TYPES
from turnout.emulator.script import Do, StreamFailure
from turnout.emulator.sse import encode

Ending: TypeAlias = Literal["end", "cut", "hang"]
BROKEN = b'event: content_block_delta\ndata: {"type": "content_block_delta", "index": 0, "del\n\n'
"""An event whose JSON stops in the middle."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came in."""

    method: str
    path: str
    """Path as sent, percent-encoding and all."""

    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Header values by lower-case name."""

    body: bytes = field(default=b"", repr=False)


@dataclass(slots=True)
class RecordedRequest:
    """A request that the emulator received, for tests to look at."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    """Headers by lower-case name; keys are redacted."""

    raw: bytes = field(repr=False)
    """The body's bytes as received."""

    body: Any = field(default=None, repr=False)
    """The body as JSON; None when it is none."""

    status: int = 0
    """HTTP status that was sent."""

    request_id: str = ""
    error: str | None = None
    """The error message that was sent."""

    response: dict[str, Any] | None = field(default=None, repr=False)
    """The whole answer that was sent or streamed."""

    finished: bool = False
    """True once the whole response went out; False when cut, hung or left by the client."""


@dataclass(slots=True)
class Reply:
    """A response with its timing."""

    status: int
    headers: dict[str, str]
    chunks: tuple[bytes, ...] = ()
    delay_s: float = 0.0
    """Seconds before the headers."""

    chunk_delay_s: float = 0.0
    """Seconds before each chunk."""

    ending: Ending = "end"
    silent: bool = False
    """True when not even the headers are sent."""

    record: RecordedRequest | None = None

    def finish(self) -> None:
        """Note that the whole response went out."""
        if self.record is not None:
            self.record.finished = self.ending == "end"


def json_reply(status: int, document: object, headers: Mapping[str, str]) -> Reply:
    """A plain JSON response."""
    body = json.dumps(document).encode()
    typed = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    return Reply(status, typed, (body,))


def plain_reply(message: Mapping[str, Any], do: Do, headers: Mapping[str, str]) -> Reply:
    """A message in one piece, with the script's faults."""
    reply = json_reply(200, message, headers)
    body = reply.chunks[0]
    if do.malformed_after is not None:
        body = body[: len(body) // 2]
        reply.headers["content-length"] = str(len(body))
        reply.chunks = (body,)
    if do.cut_after is not None or do.hang_after is not None:
        reply.chunks = (body[: len(body) // 2],)
        reply.ending = "cut" if do.cut_after is not None else "hang"
    return _timed(reply, do)


def stream_reply(stream: Iterable[dict[str, Any]], do: Do, headers: Mapping[str, str]) -> Reply:
    """A message event by event, with the script's faults."""
    chunks = [encode(event) for event in stream]
    ending: Ending = "end"
    if do.malformed_after is not None:
        chunks.insert(do.malformed_after, BROKEN)
    if do.error_after is not None:
        chunks[do.error_after.events :] = [encode(error_event(do.error_after))]
    if do.end_after is not None:
        del chunks[do.end_after :]
    for after, fault in ((do.cut_after, "cut"), (do.hang_after, "hang")):
        if after is not None:
            del chunks[after:]
            ending = "cut" if fault == "cut" else "hang"
    typed = {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache",
        **headers,
    }
    return _timed(Reply(200, typed, tuple(chunks), do.delay_s, do.event_delay_s, ending), do)


def _timed(reply: Reply, do: Do) -> Reply:
    reply.delay_s = do.delay_s
    reply.headers.update(do.headers)
    if do.hang:
        reply.silent, reply.ending = True, "hang"
    return reply


def error_event(failure: StreamFailure) -> dict[str, Any]:
    """The event that a stream fails with."""
    return {"type": "error", "error": {"type": failure.type, "message": failure.message}}


def status_of(kind: str) -> int:
    """The HTTP status that goes with an error type; 500 for one that is unknown."""
    return next((status for status, name in TYPES.items() if name == kind), 500)
