"""Fallback credit: tokens that a refusal hands out and a retry redeems."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from turnout.emulator.checks import values
from turnout.emulator.checks.conversation import blocks_of
from turnout.emulator.facts import CREDIT_BETAS, Model
from turnout.emulator.failure import ApiError, invalid

LIFETIME = timedelta(minutes=5)
FIELD = "fallback_credit_token"
FORM = re.compile(r"fct_[0-9a-f]{32}")
REDEEMED = {"type": "redeemed"}
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Redemption:
    """What came of a token."""

    status: Body
    warm_tokens: int = 0
    """Prompt tokens that were warm on the model that refused."""

    continues: bool = False
    """True when the token authorises the last assistant message."""


@dataclass(frozen=True, slots=True)
class _Credit:
    scope: str
    model: Model
    prompt: str
    partial: str
    warm_tokens: int
    expires: datetime


class Credits:
    """The tokens that were handed out."""

    def __init__(self) -> None:
        self._credits: dict[str, _Credit] = {}

    def clear(self) -> None:
        """Forget every token."""
        self._credits.clear()

    def mint(
        self, scope: str, model: Model, body: Body, partial: str, warm_tokens: int, now: datetime
    ) -> tuple[str, bool]:
        """A token for a refused body, and whether its partial answer may be continued."""
        seed = f"{len(self._credits)}:{model.id}:{_prompt(body)}"
        token = f"fct_{hashlib.sha256(seed.encode()).hexdigest()[:32]}"
        claim = partial.rstrip() if _can_continue(body) else ""
        self._credits[token] = _Credit(
            scope, model, _prompt(body), claim, warm_tokens, now + LIFETIME
        )
        return token, bool(claim)

    def redeem(
        self, body: Body, scope: str, model: Model, betas: frozenset[str], now: datetime
    ) -> Redemption | None:
        """Redeem the body's token, if it has one; a strict failure is a 400."""
        given = body.get(FIELD)
        if given is None:
            return None
        token, best_effort = _read(given, betas)
        problem, continues = self._judge(token, body, scope, model, now)
        if problem is None:
            return Redemption(REDEEMED, self._credits[token].warm_tokens, continues)
        if best_effort:
            return Redemption({"type": "not_applied", "reason": problem})
        raise invalid(FIELD, f"the token cannot be redeemed: {problem}")

    def _judge(
        self, token: str, body: Body, scope: str, model: Model, now: datetime
    ) -> tuple[str | None, bool]:
        """Why a token does not work (None when it does), and whether it continues a text."""
        credit = self._credits.get(token)
        if credit is None:
            return "wrong_organization", False
        if credit.scope != scope:
            return "wrong_workspace", False
        if now >= credit.expires:
            return "expired", False
        if model.id not in credit.model.fallback_targets:
            return "invalid_target_model", False
        if _prompt(body) == credit.prompt:
            return None, False
        continues = _continues(body, credit)
        return (None if continues else "body_mismatch"), continues


def _read(given: object, betas: frozenset[str]) -> tuple[str, bool]:
    mode = "strict"
    if isinstance(given, dict):
        if CREDIT_BETAS[1] not in betas:
            problem = f"the object form requires the `anthropic-beta: {CREDIT_BETAS[1]}` header"
            raise invalid(FIELD, problem)
        values.only(given, ("token", "mode"), FIELD)
        mode = given.get("mode") or "strict"
        values.one_of(mode, f"{FIELD}.mode", ("strict", "best_effort"))
        given = values.required(given, "token", FIELD)
    token = values.string(given, FIELD)
    if not FORM.fullmatch(token):
        raise ApiError(400, f"{FIELD}: malformed token")
    return token, mode == "best_effort"


def _prompt(body: Body) -> str:
    """The part of a body that a retry has to repeat."""
    kept = {key: body.get(key) for key in ("system", "messages", "tools", "tool_choice")}
    return json.dumps(kept, sort_keys=True)


def _can_continue(body: Body) -> bool:
    forced = (body.get("tool_choice") or {}).get("type") in ("any", "tool")
    return not forced and not (body.get("output_config") or {}).get("format")


def _continues(body: Body, credit: _Credit) -> bool:
    """True when the body is the refused one plus the partial answer."""
    *before, last = body["messages"]
    if last["role"] != "assistant" or not credit.partial:
        return False
    text = "".join(str(block.get("text", "")) for block in blocks_of(last["content"]))
    return text == credit.partial and _prompt({**body, "messages": before}) == credit.prompt
