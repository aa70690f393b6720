"""What the emulated model says: thinking, then text or a tool call, within `max_tokens`."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from turnout.emulator.checks.conversation import blocks_of
from turnout.emulator.checks.model_rules import effort_of, thinking_of
from turnout.emulator.checks.tools import forces_tool
from turnout.emulator.facts import Model
from turnout.emulator.instance import instance
from turnout.emulator.script import Do
from turnout.emulator.signature import sign
from turnout.emulator.tokens import answer_tokens, block_tokens, text_tokens

THINKING_TOKENS = {"low": 50, "medium": 200, "high": 800, "xhigh": 4000, "max": 12000}
"""What thinking costs at each effort; it is paid out of `max_tokens` before any text."""

SENTENCES = (
    "The first point is the one that decides the matter.",
    "Each step follows from the one before it.",
    "Two cases remain, and both are short.",
    "The numbers agree with the estimate.",
    "Nothing in the input speaks against it.",
    "A small example makes this plain.",
    "The simplest form is also the fastest here.",
    "That settles the question.",
)
Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """One sampling pass of a model."""

    content: tuple[Block, ...]
    stop_reason: str
    output_tokens: int
    thinking_tokens: int = 0
    stop_sequence: str | None = None


def last_user_text(messages: Sequence[Block]) -> str:
    """The text of the last user message, tool results left out."""
    for message in reversed(messages):
        if message.get("role") == "user":
            blocks = blocks_of(message.get("content"))
            return "\n".join(b["text"] for b in blocks if b.get("type") == "text")
    return ""


def compose(
    body: Block, model: Model, do: Do, *, seed: int, prompt_tokens: int, recorded: str | None
) -> Answer:
    """The answer to a valid request."""
    if body.get("max_tokens") == 0:
        return Answer((), "max_tokens", 0)
    said = _said(body, model, do, seed, recorded)
    thought = _thought(body, model, do)
    room = model.max_input_tokens - prompt_tokens
    limit = min(int(body["max_tokens"]), max(1, room))
    full = "max_tokens" if body["max_tokens"] <= room else "model_context_window_exceeded"
    answer = _within(said, thought, limit, full, model, body.get("stop_sequences") or ())
    return replace(answer, stop_reason=do.stop_reason) if do.stop_reason else answer


def _said(body: Block, model: Model, do: Do, seed: int, recorded: str | None) -> list[Block]:
    """The blocks that would be said if there were no limit."""
    if do.content is not None:
        return [dict(block) for block in do.content]
    blocks = [_text(do.reply)] if do.reply is not None else []
    calls = list(do.tool_use)
    if not calls and not blocks and forces_tool(body):
        calls = [{"name": _forced_name(body)}]
    blocks += [_tool_use(call, body, n) for n, call in enumerate(calls)]
    if blocks:
        return blocks
    wanted = (body.get("output_config") or {}).get("format") or body.get("output_format")
    if wanted:
        return [_text(json.dumps(instance(wanted["schema"])))]
    return [_text(recorded or _canned(body, model, seed))]


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _forced_name(body: Block) -> str:
    choice = body["tool_choice"]
    return str(choice["name"] if choice["type"] == "tool" else body["tools"][0]["name"])


def _tool_use(call: Block, body: Block, number: int) -> Block:
    tools = {tool.get("name"): tool for tool in body.get("tools") or ()}
    schema = tools.get(call["name"], {}).get("input_schema", {"type": "object"})
    given = call.get("input", instance(schema))
    marked = _digest(len(body["messages"]), number, call["name"], given)
    return {"type": "tool_use", "id": f"toolu_{marked[:24]}", "name": call["name"], "input": given}


def _canned(body: Block, model: Model, seed: int) -> str:
    chance = random.Random(_digest(seed, model.id, body["messages"]))  # noqa: S311 - not secret
    sentences = [chance.choice(SENTENCES) for _ in range(chance.randint(1, 8))]
    return f"{model.display_name} answers. {' '.join(sentences)}"


def _digest(*values: object) -> str:
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _thought(body: Block, model: Model, do: Do) -> tuple[Block, int] | None:
    """The thinking block and what it costs; None when the model does not think."""
    kind = thinking_of(body, model)
    if kind not in ("adaptive", "enabled") or do.thinking is False or forces_tool(body):
        return None
    asked = body.get("thinking") or {}
    effort = effort_of(body, model) or "high"
    cost = THINKING_TOKENS[effort]
    if kind == "enabled":
        cost = min(cost, asked["budget_tokens"])
    text = do.thinking if isinstance(do.thinking, str) else f"Thinking at {effort} effort."
    shown = "" if asked.get("display") == "omitted" else text
    return {"type": "thinking", "thinking": shown, "signature": sign(text, model.id)}, cost


def _within(
    said: list[Block],
    thought: tuple[Block, int] | None,
    limit: int,
    full: str,
    model: Model,
    stops: Sequence[str],
) -> Answer:
    """Fit thinking and text into `limit` tokens, thinking first."""
    kept = [thought[0]] if thought else []
    spent = thinking = min(thought[1], limit) if thought else 0
    for block in said:
        block, stop = _stopped(block, stops)
        cost = _cost(block, model)
        if spent + cost > limit:
            kept += _shortened(block, limit - spent, model)
            return Answer(tuple(kept), full, limit, thinking)
        kept.append(block)
        spent += cost
        if stop is not None:
            return Answer(tuple(kept), "stop_sequence", spent, thinking, stop)
    reason = "tool_use" if any(b["type"] == "tool_use" for b in kept) else "end_turn"
    return Answer(tuple(kept), reason, spent, thinking)


def _cost(block: Block, model: Model) -> int:
    if block["type"] == "text":
        return answer_tokens(str(block.get("text", "")), model)
    return max(1, model.tokens(block_tokens(block)))


def _stopped(block: Block, stops: Sequence[str]) -> tuple[Block, str | None]:
    """A text block up to the first stop sequence in it."""
    text = str(block.get("text", "")) if block["type"] == "text" else ""
    found = [(text.index(stop), stop) for stop in stops if stop in text]
    if not found:
        return block, None
    at, stop = min(found)
    return {**block, "text": text[:at]}, stop


def _shortened(block: Block, tokens: int, model: Model) -> list[Block]:
    """As much of a text block as fits into `tokens`; nothing of any other block."""
    if block["type"] != "text" or tokens <= 0:
        return []
    text = str(block["text"])
    share = tokens / (text_tokens(text) * model.tokenizer_ratio)
    text = text[: int(len(text) * share)]
    while text and answer_tokens(text, model) > tokens:
        text = text[:-1]
    return [{**block, "text": text}] if text.strip() else []
