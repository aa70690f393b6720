"""Turns, attachments, tools and the stable prefix of a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from turnout.signals.text import strip_machine_text
from turnout.signals.tokens import TURN_TOKENS, Tally, estimate
from turnout.types import Request

_SERVER_TOOLS = (
    "web_search",
    "web_fetch",
    "code_execution",
    "tool_search",
    "mcp_toolset",
    "advisor",
)
_PREVIOUS_ASK_TURNS = 12
"""How many human turns back to look for an ask that is more than "yes"."""

_TAG_CHARS = 200
"""A turn without human words begins with a client's tag within so many characters."""

_FULL_ASK_WORDS = 6
_FULL_ASK_CHARS = 48


@dataclass(slots=True)
class Turns:
    """What the messages hold, counted in one pass."""

    human: list[int]
    """Indexes of the user messages that carry human text, oldest first."""

    images: int = 0
    documents: int = 0
    pdfs: int = 0
    tool_result_chars: int = 0
    """Characters of tool results in the last message."""

    in_tool_loop: bool = False
    system_messages: bool = False
    prefill: bool = False


def read_turns(messages: Sequence[Mapping[str, Any]]) -> Turns:
    """Count turns and attachments."""
    turns = Turns(human=[])
    for index, message in enumerate(messages):
        role = message.get("role")
        content = message.get("content")
        if role == "system":
            turns.system_messages = True
        elif role == "user" and _carries_human_text(content):
            turns.human.append(index)
        if not isinstance(content, str):
            _count_attachments(content, turns)
    if messages:
        last = messages[-1]
        turns.prefill = last.get("role") == "assistant" and _ends_in_text(last.get("content"))
        if not isinstance(last.get("content"), str):
            turns.in_tool_loop = any(b.get("type") == "tool_result" for b in blocks(last))
        if turns.in_tool_loop:
            turns.tool_result_chars = sum(map(len, _result_texts(last.get("content"))))
    return turns


def _ends_in_text(content: object) -> bool:
    """True for words to go on from; a turn that a server tool paused is only sent back."""
    if isinstance(content, str) or not isinstance(content, Sequence) or not content:
        return True
    return isinstance(content[-1], Mapping) and content[-1].get("type") == "text"


def blocks(message: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The content blocks of a message; none when its content is a string."""
    content = message.get("content")
    if isinstance(content, list | tuple):
        yield from (block for block in content if isinstance(block, Mapping))


def human_text(message: Mapping[str, Any]) -> str:
    """The text blocks of a user message, without what a client program put in."""
    content = message.get("content")
    if isinstance(content, str):
        return strip_machine_text(content)
    texts = [b.get("text") for b in blocks(message) if b.get("type") == "text"]
    kept = [strip_machine_text(text) for text in texts if isinstance(text, str)]
    return "\n\n".join(text for text in kept if text)


def previous_asks(messages: Sequence[Mapping[str, Any]], turns: Turns) -> Iterator[str]:
    """The human texts before the last one, newest first, the first that says something whole."""
    for index in reversed(turns.human[-_PREVIOUS_ASK_TURNS - 1 : -1]):
        yield human_text(messages[index])


def says_something(ask: str) -> bool:
    """True when an ask can stand alone, unlike "yes" or "go on"."""
    return (
        len(ask) >= _FULL_ASK_CHARS
        or len(ask.split()) >= _FULL_ASK_WORDS
        or (not ask.isascii() and len(ask) >= 12)
    )


def count_tokens(request: Request, turns: Turns) -> tuple[int, int]:
    """Estimated `base` tokens of the whole request, and of its stable prefix."""
    only = request.messages[0].get("content") if len(request.messages) == 1 else None
    if isinstance(only, str) and not request.tools and request.system is None:
        return estimate(only) + TURN_TOKENS, 0
    split = turns.human[-1] if turns.human else len(request.messages) - 1
    prefix, rest = Tally(), Tally()
    prefix.tools(request.tools)
    prefix.content(request.system)
    for index, message in enumerate(request.messages):
        tally = prefix if index < split else rest
        tally.fixed += TURN_TOKENS
        tally.content(message.get("content"))
    prefix_tokens = prefix.total()
    return prefix_tokens + rest.total(), prefix_tokens


def needed(request: Request, turns: Turns) -> frozenset[str]:
    """Abilities that the request itself demands of a model."""
    found = []
    if turns.images:
        found.append("vision")
    if turns.pdfs:
        found.append("pdf")
    if request.tools:
        found.append("tools")
        if any(_is_server_tool(tool) for tool in request.tools):
            found.append("server_tools")
    if turns.prefill:
        found.append("prefill")
    if turns.system_messages:
        found.append("system_messages")
    if request.options:
        found.extend(_needed_by_options(request.options))
    return frozenset(found)


def _needed_by_options(options: Mapping[str, Any]) -> Iterator[str]:
    choice = options.get("tool_choice")
    if isinstance(choice, Mapping) and choice.get("type") in ("any", "tool"):
        yield "forced_tool"
    output = options.get("output_config")
    if isinstance(output, Mapping) and output.get("format"):
        yield "structured_outputs"
    if options.get("mcp_servers"):
        yield "server_tools"


def _is_server_tool(tool: Mapping[str, Any]) -> bool:
    kind = tool.get("type")
    return isinstance(kind, str) and kind.startswith(_SERVER_TOOLS)


def _carries_human_text(content: object) -> bool:
    if isinstance(content, str):
        if "<" not in content[:_TAG_CHARS]:
            return bool(content) and not content.isspace()
        return bool(strip_machine_text(content))
    if not isinstance(content, list | tuple):
        return False
    for block in content:
        if isinstance(block, Mapping) and block.get("type") == "text":
            text = block.get("text")
            if isinstance(text, str) and strip_machine_text(text):
                return True
    return False


def _count_attachments(content: object, turns: Turns) -> None:
    if not isinstance(content, list | tuple):
        return
    for block in content:
        if not isinstance(block, Mapping):
            continue
        kind = block.get("type")
        if kind == "image":
            turns.images += 1
        elif kind == "document":
            turns.documents += 1
            turns.pdfs += _is_pdf(block)
        elif kind == "tool_result":
            _count_attachments(block.get("content"), turns)


def _is_pdf(block: Mapping[str, Any]) -> bool:
    source = block.get("source")
    if not isinstance(source, Mapping):
        return False
    kind = source.get("media_type")
    return kind == "application/pdf" or (kind is None and source.get("type") in ("url", "file"))


def _result_texts(content: object) -> Iterator[str]:
    if not isinstance(content, list | tuple):
        return
    for block in content:
        if not isinstance(block, Mapping) or block.get("type") != "tool_result":
            continue
        inner = block.get("content")
        if isinstance(inner, str):
            yield inner
        elif isinstance(inner, list | tuple):
            yield from (
                part["text"]
                for part in inner
                if isinstance(part, Mapping) and isinstance(part.get("text"), str)
            )
