"""Prompt caching: mark the stable prefix, and choose how long it should live."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

import msgspec

from turnout.catalog.model import Model
from turnout.types import Request

SHORT, LONG = timedelta(minutes=5), timedelta(hours=1)


class Prefixes:
    """Remembers when each stable prefix was last seen, to choose a TTL by expected reuse.

    A prefix that comes back after more than five minutes but within the hour pays for the
    dearer one-hour write; every other one gets five minutes. Bounded; safe from many threads.
    """

    def __init__(self, most: int = 4096) -> None:
        self._most = most
        self._seen: OrderedDict[tuple[str, bytes], tuple[datetime, str]] = OrderedDict()
        self._lock = Lock()

    def ttl(self, request: Request, model: Model, prefix_tokens: int, at: datetime) -> str | None:
        """`5m`, `1h`, or None when the prefix is too short for this model to cache."""
        if model.min_cacheable_tokens is None or prefix_tokens < model.min_cacheable_tokens:
            return None
        key = (model.id, _digest(request))
        with self._lock:
            last, ttl = self._seen.pop(key, (None, "5m"))
            if last is not None and SHORT < at - last <= LONG:
                ttl = "1h"
            self._seen[key] = (at, ttl)
            if len(self._seen) > self._most:
                self._seen.popitem(last=False)
        return ttl


def _digest(request: Request) -> bytes:
    """Tools, system and the first message: what a conversation keeps from turn to turn."""
    first = request.messages[0] if len(request.messages) > 1 else None
    raw = msgspec.json.encode([request.tools, request.system, first], enc_hook=repr)
    return hashlib.blake2b(raw, digest_size=16).digest()


def marked(request: Request) -> bool:
    """True when the caller marks cache breakpoints already; then they are left alone."""
    if "cache_control" in request.options:
        return True
    system = request.system if isinstance(request.system, (list, tuple)) else ()
    blocks = [*request.tools, *system]
    for message in request.messages:
        if isinstance(message["content"], (list, tuple)):
            blocks += message["content"]
    return any("cache_control" in block for block in blocks)


def mark(body: dict[str, Any], conversation: bool, ttl: str) -> None:
    """Mark the stable prefix of a body.

    In a conversation the last block is marked (top-level), so that the next turn reads this
    one; otherwise only what other requests share: the system text, else the tools.
    """
    control = {"type": "ephemeral"} if ttl == "5m" else {"type": "ephemeral", "ttl": ttl}
    if conversation:
        body["cache_control"] = control
    elif body.get("system"):
        body["system"] = _with_mark(_blocks(body["system"]), control)
    elif body.get("tools"):
        body["tools"] = _with_mark(body["tools"], control)


def _blocks(system: Any) -> list[Mapping[str, Any]]:
    return [{"type": "text", "text": system}] if isinstance(system, str) else list(system)


def _with_mark(blocks: list[Mapping[str, Any]], control: Mapping[str, str]) -> list[Any]:
    return [*blocks[:-1], {**blocks[-1], "cache_control": control}]
