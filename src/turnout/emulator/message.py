"""A `Turn` as the message the API returns."""

from __future__ import annotations

from typing import Any

from turnout.emulator.credit import Credits, Redemption
from turnout.emulator.facts import CREDIT_BETAS
from turnout.emulator.turn import Talk, Turn
from turnout.emulator.usage import Pass, iterations, usage_of

Body = dict[str, Any]


def build_message(
    turn: Turn,
    body: Body,
    message_id: str,
    talk: Talk,
    betas: frozenset[str],
    purse: Credits,
    credit: Redemption | None,
) -> Body:
    """The whole message, content of every pass in order."""
    last = turn.passes[-1]
    usage = usage_of(last, turn.do.usage)
    if body.get("fallbacks") is not None:
        usage.setdefault("iterations", iterations(turn.passes, sticky=turn.sticky))
    if credit:
        usage["fallback_credit"] = {"status": credit.status}
    return {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": last.model.id,
        "content": _content(turn, body),
        "stop_reason": last.answer.stop_reason,
        "stop_sequence": last.answer.stop_sequence,
        "stop_details": _stop_details(turn, body, talk, betas, purse),
        "container": None,
        "usage": usage,
    }


def _content(turn: Turn, body: Body) -> list[Body]:
    content: list[Body] = []
    for index, one in enumerate(turn.passes):
        if index:
            content.append(_seam(turn.passes[index - 1], one, body if index == 1 else None))
        content.extend(dict(block) for block in one.answer.content)
    return content


def _seam(declined: Pass, to: Pass, body: Body | None) -> Body:
    """The `fallback` block; the first hop is named as the caller named it."""
    refusal = declined.refusal
    return {
        "type": "fallback",
        "from": {"model": body["model"] if body else declined.model.id},
        "to": {"model": to.model.id},
        "trigger": {"type": "refusal", "category": refusal.category if refusal else None},
    }


def _stop_details(
    turn: Turn, body: Body, talk: Talk, betas: frozenset[str], purse: Credits
) -> Body | None:
    refused = turn.passes[-1]
    if refused.refusal is None:
        return None
    details: Body = {
        "type": "refusal",
        "category": refused.refusal.category,
        "explanation": refused.refusal.explanation,
    }
    if betas & set(CREDIT_BETAS):
        details.update(_credit_details(refused, body, talk, purse))
        details["recommended_model"] = None
    if turn.recommended:
        details["recommended_model"] = turn.recommended
    return details


def _credit_details(refused: Pass, body: Body, talk: Talk, purse: Credits) -> Body:
    if not refused.model.fallback_targets:
        return {"fallback_credit_token": None}
    partial = "".join(str(block.get("text", "")) for block in refused.answer.content)
    token, claim = purse.mint(
        talk.scope, refused.model, body, partial, refused.prompt.read, talk.now
    )
    return {"fallback_credit_token": token, "fallback_has_prefill_claim": claim}
