"""Rules about `system` and `messages`: roles, blocks, and the pairing of tool calls."""

from __future__ import annotations

import re
from typing import Any

from turnout.emulator.checks import values
from turnout.emulator.checks.caching import check_marker
from turnout.emulator.facts import Model
from turnout.emulator.failure import ApiError, invalid
from turnout.emulator.signature import is_unmodified

USER_BLOCKS = [
    "text",
    "image",
    "document",
    "search_result",
    "tool_result",
    "container_upload",
    "browser_state",
    "mcp_tool_listing",
    "tool_addition",
    "tool_removal",
]
ASSISTANT_BLOCKS = [
    "text",
    "thinking",
    "redacted_thinking",
    "tool_use",
    "server_tool_use",
    "mcp_tool_use",
    "mcp_tool_result",
    "web_search_tool_result",
    "web_fetch_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "advisor_tool_result",
    "compaction",
    "fallback",
    "connector_text",
]
BLOCKS = {
    "user": USER_BLOCKS,
    "assistant": ASSISTANT_BLOCKS,
    "system": ["text", "tool_addition", "tool_removal"],
}
RESULT_BLOCKS = ("text", "image", "document", "search_result", "tool_reference")
IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
TURN_BETAS = {
    "output_config": "mid-conversation-output-config-2026-07-01",
    "clear_at": "mid-conversation-system-clear-at-2026-08-21",
}
"""Keys of a message that need a beta header."""

TOOL_ID = re.compile(r"[a-zA-Z0-9_-]+")
Block = dict[str, Any]


def blocks_of(content: object) -> list[Block]:
    """Content as a list of blocks, whichever way it was written."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return content if isinstance(content, list) else []


def check_system(system: object) -> None:
    """`system` is a string or a list of non-empty text blocks."""
    if isinstance(system, str):
        return
    for index, block in enumerate(values.array(system, "system")):
        path = f"system.{index}"
        values.tagged(block, path, ("text",))
        _check_text(block, path, "system")


def check_messages(messages: object, model: Model, betas: frozenset[str]) -> None:
    """Roles, blocks and tool pairs of the whole conversation."""
    listed = values.array(messages, "messages")
    if not listed:
        raise invalid("messages", "at least one message is required")
    for index, message in enumerate(listed):
        path = f"messages.{index}"
        _check_message(message, path, model, betas, last=index == len(listed) - 1)
    if listed[0]["role"] == "assistant":
        raise invalid("messages", 'first message must use the "user" role')
    if all(message["role"] == "system" for message in listed):
        raise invalid("messages", "at least one user message is required")
    _check_tool_pairs(listed)


def _check_message(
    message: object, path: str, model: Model, betas: frozenset[str], *, last: bool
) -> None:
    item = values.mapping(message, path)
    role = values.one_of(values.required(item, "role", path), f"{path}.role", tuple(BLOCKS))
    content = values.required(item, "content", path)
    extra = [key for key, beta in TURN_BETAS.items() if beta in betas and role != "assistant"]
    values.only(item, ("role", "content", *extra), path)
    if role == "system" and not model.system_role:
        raise invalid(f"{path}.role", "system messages are not supported by this model")
    if not isinstance(content, str | list):
        raise invalid(f"{path}.content", "Input should be a valid string or list")
    if not content and not (last and role == "assistant"):
        raise invalid(path, f"{role} messages must have non-empty content")
    if isinstance(content, list):
        for index, block in enumerate(content):
            _check_block(block, f"{path}.content.{index}", role, model)
        _check_fallback_echo(content, path)
    elif content and not content.strip():
        raise invalid("messages", "text content blocks must contain non-whitespace text")


def _check_block(block: object, path: str, role: str, model: Model) -> None:
    kind = values.tagged(block, path, BLOCKS[role])
    item = values.mapping(block, path)
    if kind == "text":
        _check_text(item, path, "messages")
    elif kind in ("image", "document"):
        _check_source(item, path, kind, model)
    elif kind in ("tool_use", "server_tool_use"):
        _check_tool_use(item, path)
    elif kind == "tool_result":
        _check_tool_result(item, path, model)
    elif kind == "thinking":
        _check_thinking(item, path)
    if item.get("cache_control") is not None:
        if kind in ("thinking", "redacted_thinking"):
            raise invalid(f"{path}.cache_control", f"cannot be set on {kind} blocks")
        check_marker(item["cache_control"], f"{path}.cache_control")


def _check_thinking(block: Block, path: str) -> None:
    text = values.string(values.required(block, "thinking", path), f"{path}.thinking")
    given = values.required(block, "signature", path)
    signature = values.string(given, f"{path}.signature", empty=False)
    if not is_unmodified(text, signature):
        raise invalid(
            path,
            "`thinking` or `redacted_thinking` blocks cannot be modified. These blocks must "
            "remain as they were in the original response.",
        )


def _check_text(block: Block, path: str, where: str) -> None:
    text = values.string(values.required(block, "text", path), f"{path}.text")
    allowed = ("type", "text", "cache_control", "citations", "parsed_output")
    values.only(block, allowed, path)
    if not text:
        raise invalid(where, "text content blocks must be non-empty")
    if where == "messages" and not text.strip():
        raise invalid(where, "text content blocks must contain non-whitespace text")
    if block.get("cache_control") is not None:
        check_marker(block["cache_control"], f"{path}.cache_control")


def _check_source(block: Block, path: str, kind: str, model: Model) -> None:
    if kind == "image" and not model.vision:
        raise invalid(path, "image input is not supported by this model")
    source = values.required(block, "source", path)
    types = ("base64", "url", "file") if kind == "image" else SOURCES
    how = values.tagged(source, f"{path}.source", types)
    if how == "base64":
        _check_base64(source, f"{path}.source", kind, model)
    for key in {"url": ("url",), "file": ("file_id",), "text": ("data",)}.get(how, ()):
        values.string(values.required(source, key, f"{path}.source"), f"{path}.source.{key}")


SOURCES = ("base64", "text", "content", "url", "file")


def _check_base64(source: Block, path: str, kind: str, model: Model) -> None:
    media = values.required(source, "media_type", path)
    expected = IMAGE_TYPES if kind == "image" else ("application/pdf",)
    values.one_of(media, f"{path}.media_type", expected)
    data = values.string(values.required(source, "data", path), f"{path}.data", empty=False)
    if len(data) % 4 or not re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", data):
        raise invalid(f"{path}.data", f"{kind} data is not valid base64")
    if kind == "document" and not model.pdf:
        raise invalid(path, "PDF input is not supported by this model")


def _check_tool_use(block: Block, path: str) -> None:
    given = values.string(values.required(block, "id", path), f"{path}.id")
    if not TOOL_ID.fullmatch(given):
        raise invalid(f"{path}.id", f"String should match pattern '^{TOOL_ID.pattern}$'")
    values.string(values.required(block, "name", path), f"{path}.name", empty=False)
    values.mapping(values.required(block, "input", path), f"{path}.input")


def _check_tool_result(block: Block, path: str, model: Model) -> None:
    named = values.required(block, "tool_use_id", path)
    values.string(named, f"{path}.tool_use_id", empty=False)
    values.only(block, RESULT_KEYS, path)
    content = block.get("content")
    if content is None or isinstance(content, str):
        return
    for index, part in enumerate(values.array(content, f"{path}.content")):
        inner = f"{path}.content.{index}"
        kind = values.tagged(part, inner, RESULT_BLOCKS)
        if kind == "text":
            _check_text(part, inner, "messages")
        elif kind in ("image", "document"):
            _check_source(part, inner, kind, model)
        if part.get("cache_control") is not None:
            check_marker(part["cache_control"], f"{inner}.cache_control")


RESULT_KEYS = ("type", "tool_use_id", "content", "is_error", "cache_control")


def _check_fallback_echo(content: list[Block], path: str) -> None:
    """Thinking and client tool calls of a model that declined must not be echoed."""
    seams = [i for i, block in enumerate(content) if block.get("type") == "fallback"]
    for index, block in enumerate(content[: seams[-1]] if seams else ()):
        if block.get("type") in ("thinking", "redacted_thinking", "tool_use"):
            problem = f"`{block['type']}` blocks before the last `fallback` block must be left out"
            raise invalid(f"{path}.content.{index}", problem)


def _check_tool_pairs(messages: list[dict[str, Any]]) -> None:
    """Each call is answered in the next user turn, and each answer has its call."""
    open_ids: list[str] = []
    asked_at = 0
    seen: set[str] = set()
    for index, role, blocks in _merged(messages):
        if role == "assistant":
            _no_open_calls(open_ids, asked_at)
            open_ids = [b["id"] for b in blocks if b.get("type") == "tool_use"]
            asked_at = index
            _check_unique(open_ids, seen)
        else:
            answers = [b["tool_use_id"] for b in blocks if b.get("type") == "tool_result"]
            _check_answers(answers, open_ids, index)
            open_ids = [i for i in open_ids if i not in answers]
            _no_open_calls(open_ids, asked_at)
    _no_open_calls(open_ids, asked_at)


def _merged(messages: list[dict[str, Any]]) -> list[tuple[int, str, list[Block]]]:
    """Messages with neighbours of one role merged; system messages do not part them."""
    merged: list[tuple[int, str, list[Block]]] = []
    for index, message in enumerate(messages):
        if message["role"] == "system":
            continue
        blocks = blocks_of(message["content"])
        if merged and merged[-1][1] == message["role"]:
            merged[-1][2].extend(blocks)
        else:
            merged.append((index, message["role"], list(blocks)))
    return merged


def _check_unique(ids: list[str], seen: set[str]) -> None:
    for given in ids:
        if given in seen:
            raise invalid("messages", f"`tool_use` ids must be unique: {given}")
        seen.add(given)


def _check_answers(answers: list[str], open_ids: list[str], index: int) -> None:
    for answer in answers:
        if answer not in open_ids:
            raise invalid(
                f"messages.{index}",
                f"unexpected `tool_use_id` found in `tool_result` blocks: {answer}. Each "
                "`tool_result` block must have a corresponding `tool_use` block in the "
                "previous message.",
            )
    if len(set(answers)) < len(answers):
        raise invalid(f"messages.{index}", "each tool_use must have a single result")


def _no_open_calls(ids: list[str], index: int) -> None:
    if ids:
        raise invalid(
            f"messages.{index}",
            "`tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(ids)}. Each `tool_use` block must have a corresponding `tool_result` "
            "block in the next message.",
        )


def check_ending(messages: list[dict[str, Any]], model: Model, *, thinking: bool) -> None:
    """A last assistant message is a prefill, which most models refuse."""
    last = messages[-1]
    if last["role"] != "assistant":
        return
    blocks = blocks_of(last["content"])
    if blocks and blocks[-1].get("type") not in ("text", "thinking", "redacted_thinking"):
        return  # resumes a paused turn of server tools, which is no prefill
    if not model.prefill:
        raise ApiError(
            400,
            "messages: This model does not support assistant message prefill. "
            "The conversation must end with a user message.",
        )
    if thinking and blocks and blocks[0].get("type") == "text":
        raise invalid(
            f"messages.{len(messages) - 1}.content.0.type",
            "Expected `thinking` or `redacted_thinking`, but found `text`. When `thinking` is "
            "enabled, a final `assistant` message must start with a thinking block.",
        )
    text = str(blocks[-1].get("text", "")) if blocks else ""
    if text != text.rstrip():
        raise invalid("messages", "final assistant content cannot end with trailing whitespace")
