"""One request answered: the passes it takes, and the message they add up to."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from turnout.emulator.answers import Answer, compose, last_user_text
from turnout.emulator.cache import Part, PromptCache, PromptUsage, prompt_parts
from turnout.emulator.checks import check_window
from turnout.emulator.checks.fallbacks import attempt_body, chain
from turnout.emulator.credit import Redemption
from turnout.emulator.facts import CATEGORIES, Model, Models
from turnout.emulator.script import Ask, Do, Refusal, Script
from turnout.emulator.tokens import answer_tokens
from turnout.emulator.usage import Pass

MARKER = re.compile(r"\[\[refuse(?::([a-z_]+))?\]\]")
"""`[[refuse:cyber]]` in the last user message: refused by the models that refuse `cyber`.

`[[refuse]]` is refused by every model, without a category.
"""

STICKY = timedelta(hours=1)
Body = dict[str, Any]


@dataclass(slots=True)
class Memory:
    """What outlives a request: the prompt cache, and who serves a conversation."""

    cache: PromptCache = field(default_factory=PromptCache)
    sticky: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget everything."""
        self.cache.clear()
        self.sticky.clear()


@dataclass(frozen=True, slots=True)
class Turn:
    """How a request was answered."""

    passes: tuple[Pass, ...]
    do: Do
    """What the script said about the last pass."""

    sticky: bool = False
    """True when an earlier turn's fallback model served at once."""

    recommended: str | None = None
    """A fallback model that could not be tried just now."""


@dataclass(frozen=True, slots=True)
class Talk:
    """Everything around one request that its answer depends on."""

    models: Models
    script: Script
    memory: Memory
    now: datetime
    scope: str
    """Who shares the prompt cache: the workspace."""

    headers: Mapping[str, str]
    seed: int = 0
    recorded: Callable[[str, str], str | None] = lambda prompt, model: None
    """The recorded answer to a prompt by a model, if there is one."""


def make_ask(path: str, body: Body, model: Model, headers: Mapping[str, str]) -> Ask:
    """The facts of a request for `model` that script rules look at."""
    return Ask(
        path=path,
        names=frozenset((model.id, *model.aliases)),
        text=last_user_text(body["messages"]),
        headers=headers,
        stream=bool(body.get("stream")),
    )


def converse(
    body: Body,
    model: Model,
    parts: list[Part],
    do: Do,
    talk: Talk,
    credit: Redemption | None,
) -> Turn:
    """Answer with the model, and after a refusal with its fallbacks in turn.

    `parts` is the prompt as that model counts it, `do` what the script says about it.
    """
    entries = chain(body, model)
    pinned = _pinned(body, model, entries, talk)
    if pinned:
        target, entry = pinned
        attempt = attempt_body(body, entry, target, talk.now)
        return Turn((_fallback_pass(attempt, target, do, talk),), do, sticky=True)
    passes = [_pass(body, model, parts, do, talk, credit)]
    recommended = None
    for entry in entries:
        if not _retried(passes[-1].refusal, body, model):
            break
        target = _target(entry, talk)
        attempt = attempt_body(body, entry, target, talk.now)
        do = talk.script.pick(make_ask("/v1/messages", attempt, target, talk.headers))
        if do.error:
            recommended = target.id
            break
        passes.append(_fallback_pass(attempt, target, do, talk))
    if len(passes) > 1 and passes[-1].refusal is None:
        talk.memory.sticky[_conversation(body, talk)] = (passes[-1].model.id, talk.now + STICKY)
    return Turn(tuple(passes), do, recommended=recommended)


def _target(entry: Body, talk: Talk) -> Model:
    target = talk.models.find(entry["model"])
    assert target is not None
    return target


def _pinned(body: Body, model: Model, entries: list[Body], talk: Talk) -> tuple[Model, Body] | None:
    """The fallback that served this conversation within the last hour, and its entry."""
    followed = any(message["role"] == "assistant" for message in body["messages"])
    served, until = talk.memory.sticky.get(_conversation(body, talk), ("", talk.now))
    if not followed or talk.now >= until:
        return None
    for entry in entries:
        target = _target(entry, talk)
        if target.id == served:
            return target, entry
    return None


def _conversation(body: Body, talk: Talk) -> str:
    start = [talk.scope, body["model"], body.get("system"), body["messages"][0]]
    return hashlib.sha256(json.dumps(start, sort_keys=True).encode()).hexdigest()


def _retried(refusal: Refusal | None, body: Body, model: Model) -> bool:
    if refusal is None or refusal.category in model.never_retried:
        return False
    if body.get("fallbacks") == "default" and model.default_retries is not None:
        return refusal.category in model.default_retries
    return True


def _fallback_pass(body: Body, model: Model, do: Do, talk: Talk) -> Pass:
    parts = prompt_parts(body, model)
    check_window(parts[-1].tokens, body, model)
    return _pass(body, model, parts, do, talk, None)


def _pass(
    body: Body,
    model: Model,
    parts: list[Part],
    do: Do,
    talk: Talk,
    credit: Redemption | None,
) -> Pass:
    prompt = talk.memory.cache.use(talk.scope, model, parts, talk.now)
    if credit:
        prompt = _repriced(prompt, credit.warm_tokens)
    text = last_user_text(body["messages"])
    refusal = do.refuse or (None if do.reply or do.content else _marked(text, model))
    if refusal:
        return Pass(model, body, prompt, _refused(refusal, model), refusal)
    answer = compose(
        body,
        model,
        do,
        seed=talk.seed,
        prompt_tokens=prompt.total,
        recorded=talk.recorded(text, model.id),
    )
    return Pass(model, body, prompt, answer)


def _repriced(prompt: PromptUsage, warm_tokens: int) -> PromptUsage:
    """Cache writes of what was warm on the refusing model become reads."""
    short = min(prompt.written_5m, warm_tokens)
    long = min(prompt.written_1h, warm_tokens - short)
    return replace(
        prompt,
        read=prompt.read + short + long,
        written_5m=prompt.written_5m - short,
        written_1h=prompt.written_1h - long,
    )


def _marked(text: str, model: Model) -> Refusal | None:
    found = MARKER.search(text)
    if not found:
        return None
    category = found.group(1)
    if category is None:
        return Refusal()
    return Refusal(category) if category in CATEGORIES and category in model.refuses else None


def _refused(refusal: Refusal, model: Model) -> Answer:
    text = refusal.partial_text
    content = ({"type": "text", "text": text},) if text else ()
    return Answer(content, "refusal", answer_tokens(text, model))
