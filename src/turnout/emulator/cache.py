"""The prompt as a row of blocks, and the cache of its prefixes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from turnout.emulator.checks.conversation import blocks_of
from turnout.emulator.checks.model_rules import effort_of, thinking_of
from turnout.emulator.facts import Model
from turnout.emulator.tokens import TOOLS_TOKENS, TURN_TOKENS, block_tokens

LOOKBACK = 20
"""How many blocks before a breakpoint are tried for a hit."""

LIFETIMES = {"5m": timedelta(minutes=5), "1h": timedelta(hours=1)}


@dataclass(frozen=True, slots=True)
class Part:
    """The end of one block of the prompt."""

    prefix: str
    """Digest of everything up to and including this block."""

    tokens: int
    """Prompt tokens up to and including this block."""

    ttl: str | None
    """`5m` or `1h` when a breakpoint stands here."""


@dataclass(frozen=True, slots=True)
class PromptUsage:
    """How the tokens of one prompt are billed."""

    input_tokens: int = 0
    read: int = 0
    written_5m: int = 0
    written_1h: int = 0

    @property
    def total(self) -> int:
        """Size of the whole prompt in tokens."""
        return self.input_tokens + self.read + self.written_5m + self.written_1h


@dataclass(slots=True)
class _Entry:
    ttl: str
    expires: datetime


def prompt_parts(body: dict[str, Any], model: Model) -> list[Part]:
    """The blocks of the prompt in order: tools, system, messages."""
    digest = hashlib.sha256()
    base = float(TOOLS_TOKENS if body.get("tools") else 0)
    rows = list(_rows(body, model))
    last = max((i for i, row in enumerate(rows) if _cacheable(row[1])), default=-1)
    top = body.get("cache_control")
    parts = []
    for index, (place, block, overhead) in enumerate(rows):
        marker = block.get("cache_control") or (top if index == last else None)
        shown = {key: value for key, value in block.items() if key != "cache_control"}
        digest.update(f"{place}{json.dumps(shown, sort_keys=True, default=str)}\n".encode())
        base += block_tokens(block) + overhead
        ttl = (marker.get("ttl") or "5m") if marker else None
        parts.append(Part(digest.hexdigest(), model.tokens(base), ttl))
    return parts


def _rows(body: dict[str, Any], model: Model) -> Iterator[tuple[str, dict[str, Any], int]]:
    for tool in body.get("tools") or ():
        yield "tool:", {"type": "tool", **tool}, 0
    for block in blocks_of(body.get("system")):
        yield "system:", block, 0
    # Effort, thinking and tool choice are rendered with the messages: changing them keeps
    # what was cached of tools and system, and misses everything after.
    render = json.dumps([effort_of(body, model), thinking_of(body, model), body.get("tool_choice")])
    for message in body["messages"]:
        for index, block in enumerate(blocks_of(message["content"])):
            yield f"{render}{message['role']}{index}:", block, 0 if index else TURN_TOKENS


def _cacheable(block: dict[str, Any]) -> bool:
    return block.get("type") not in ("thinking", "redacted_thinking", "fallback")


class PromptCache:
    """Prefixes that were written, each until its time is over."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str, str], _Entry] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def use(self, scope: str, model: Model, parts: list[Part], now: datetime) -> PromptUsage:
        """Read the longest warm prefix, write the rest up to each breakpoint."""
        total = parts[-1].tokens if parts else 0
        points = [
            i for i, p in enumerate(parts) if p.ttl and p.tokens >= model.min_cacheable_tokens
        ]
        hit = self._hit(scope, model, parts, points, now)
        read = parts[hit].tokens if hit >= 0 else 0
        written = {"5m": 0, "1h": 0}
        done = read
        for index in points:
            if index > hit:
                ttl = parts[index].ttl or "5m"
                written[ttl] += parts[index].tokens - done
                done = parts[index].tokens
                self._write(scope, model, parts[index], ttl, now)
        return PromptUsage(total - done, read, written["5m"], written["1h"])

    def _hit(
        self, scope: str, model: Model, parts: list[Part], points: list[int], now: datetime
    ) -> int:
        """Index of the longest warm prefix that a breakpoint can reach; -1 for none."""
        for point in reversed(points):
            for index in range(point, max(-1, point - LOOKBACK - 1), -1):
                entry = self._entries.get((scope, model.id, parts[index].prefix))
                if entry is not None and entry.expires > now:
                    entry.expires = now + LIFETIMES[entry.ttl]
                    return index
        return -1

    def _write(self, scope: str, model: Model, part: Part, ttl: str, now: datetime) -> None:
        self._entries[(scope, model.id, part.prefix)] = _Entry(ttl, now + LIFETIMES[ttl])
