"""The emulator's own token count: plain, deterministic, and unlike the router's on purpose."""

from __future__ import annotations

import json
import re
from typing import Any

from turnout.emulator.facts import Model

WIDE = re.compile(
    "[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)
"""Characters of scripts that take about a token each: Han, kana, hangul."""

TURN_TOKENS = 4
"""Overhead of one message."""

TOOLS_TOKENS = 300
"""Overhead of the hidden text that explains tool use."""

IMAGE_TOKENS = 1500
PDF_TOKENS = 3000


def text_tokens(text: str) -> float:
    """Base tokens of a text: a quarter per Latin letter, a half elsewhere, one if wide."""
    if text.isascii():
        return len(text) / 4
    wide = len(WIDE.findall(text))
    narrow = len(text.encode("ascii", "ignore"))
    return wide + narrow / 4 + (len(text) - wide - narrow) / 2


def block_tokens(block: dict[str, Any]) -> float:
    """Base tokens of one content block or tool."""
    kind = block.get("type")
    if kind == "text":
        return text_tokens(block["text"])
    if kind == "image":
        return IMAGE_TOKENS
    if kind == "document":
        source = block["source"]
        text = source.get("data") if source.get("type") == "text" else None
        return text_tokens(text) if text else PDF_TOKENS
    if kind == "fallback":
        return 0  # marks a place; it is not part of the prompt
    if kind == "thinking":
        return text_tokens(block["thinking"])
    if kind == "tool_result" and isinstance(block.get("content"), list):
        return TURN_TOKENS + sum(block_tokens(part) for part in block["content"])
    shown = {key: value for key, value in block.items() if key != "cache_control"}
    return text_tokens(json.dumps(shown, ensure_ascii=False, default=str))


def answer_tokens(text: str, model: Model) -> int:
    """Output tokens of a text, at least 1 for any text."""
    return max(1, model.tokens(text_tokens(text))) if text else 0
