"""A message as the events of a stream, in the API's order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from turnout.emulator.usage import Pass

PIECE = 24
"""Characters of one text delta."""

Event = dict[str, Any]


def events(message: Event, first: Pass) -> Iterator[Event]:
    """message_start, ping, the blocks, message_delta, message_stop.

    A stream starts before any refusal, so when the content holds a `fallback` block,
    message_start names the model that was asked and its input; the block says who took over.
    """
    usage = message["usage"]
    opening = {k: v for k, v in usage.items() if k not in CLOSING}
    has_seam = any(block["type"] == "fallback" for block in message["content"])
    if has_seam:
        opening.update(first.counts())
    start = {
        **message,
        "model": first.model.id if has_seam else message["model"],
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "usage": {**opening, "output_tokens": min(1, usage["output_tokens"])},
    }
    yield {"type": "message_start", "message": start}
    yield {"type": "ping"}
    for index, block in enumerate(message["content"]):
        yield from _block_events(index, block)
    stop = {key: message[key] for key in ("stop_reason", "stop_sequence", "stop_details")}
    final = {k: v for k, v in usage.items() if k in FINAL}
    yield {"type": "message_delta", "delta": stop, "usage": final}
    yield {"type": "message_stop"}


CLOSING = ("iterations", "fallback_credit", "output_tokens_details")
FINAL = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "cache_creation",
    "output_tokens",
    "server_tool_use",
    *CLOSING,
)


def _block_events(index: int, block: Event) -> Iterator[Event]:
    kind = block["type"]
    yield {"type": "content_block_start", "index": index, "content_block": _opened(block)}
    for delta in _deltas(kind, block):
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def _opened(block: Event) -> Event:
    """The block as its start event shows it: without what the deltas bring."""
    empty: dict[str, Event] = {
        "text": {"text": ""},
        "thinking": {"thinking": "", "signature": ""},
        "tool_use": {"input": {}},
        "server_tool_use": {"input": {}},
    }
    return {**block, **empty.get(block["type"], {})}


def _deltas(kind: str, block: Event) -> Iterator[Event]:
    if kind == "text":
        for piece in pieces(str(block.get("text", ""))):
            yield {"type": "text_delta", "text": piece}
    elif kind == "thinking":
        for piece in pieces(str(block.get("thinking", ""))):
            yield {"type": "thinking_delta", "thinking": piece}
        yield {"type": "signature_delta", "signature": block.get("signature", "")}
    elif kind in ("tool_use", "server_tool_use"):
        yield {"type": "input_json_delta", "partial_json": ""}
        for piece in pieces(json.dumps(block.get("input", {}))):
            yield {"type": "input_json_delta", "partial_json": piece}


def pieces(text: str) -> Iterator[str]:
    """A text cut into pieces of at most `PIECE` characters."""
    for start in range(0, len(text), PIECE):
        yield text[start : start + PIECE]


def encode(event: Event) -> bytes:
    """One event as it goes over the wire."""
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
