"""What is written to the ledger, and when. Recording never fails a request."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from turnout.config import Settings, data_folder
from turnout.documents import attempt_dict, money, usage_dict
from turnout.errors import InvalidRequest, Refused, Truncated
from turnout.execution.bill import Reported, answer_usage
from turnout.types import LIMITS, Attempt, Clock, Decision, Feedback, Json, Outcome, Request, Usage
from turnout.wire.anthropic import add_usage, read_usage

if TYPE_CHECKING:
    from turnout.ledger import Ledger


class Recorder:
    """Turns nouns into ledger records; with no ledger it does nothing."""

    def __init__(self, ledger: Ledger | None, *, prompts: bool = False) -> None:
        self._ledger = ledger
        self._prompts = prompts

    def decision(self, decision: Decision, source: str, request: Request | None = None) -> None:
        """A decision that is about to be acted on."""
        if self._ledger is None:
            return
        self._ledger.record("decision", {**decision.to_dict(), "source": source})
        if self._prompts and request is not None:
            from turnout.ledger.redact import redact

            text = redact(human_text(request))
            at = decision.at.isoformat()
            self._ledger.record("prompt", {"id": decision.id, "at": at, "text": text})

    def attempt(self, decision: Decision, attempt: Attempt) -> None:
        """One upstream call that has ended."""
        if self._ledger is not None:
            self._ledger.record("attempt", {**attempt_dict(attempt), "decision": decision.id})

    def outcome(self, outcome: Outcome, at: datetime) -> None:
        """A request that was answered."""
        self.answered(
            outcome.decision,
            outcome.attempts,
            at,
            stop_reason=outcome.stop_reason,
            escalated=outcome.escalated,
        )

    def answered(
        self,
        decision: Decision,
        attempts: tuple[Attempt, ...],
        at: datetime,
        *,
        stop_reason: str | None,
        escalated: bool = False,
    ) -> None:
        """An answered request, from its attempts; the last of them was accepted."""
        if self._ledger is None:
            return
        last = attempts[-1]
        served_by = last.served_by or last.model
        document = _outcome(decision, attempts, at) | {
            "served_by": served_by,
            "served_tier": last.tier,
            "stop_reason": stop_reason,
            "status": "truncated" if stop_reason in LIMITS else "ok",
            "ttft_ms": last.ttft_ms,
            "escalated": escalated,
            "fallback": fell_back(attempts),
            "answer_usage": usage_dict(answer_usage(last.usage)),
            "answer_model": served_by,
        }
        self._ledger.record("outcome", document)

    def failure(
        self, decision: Decision, attempts: tuple[Attempt, ...], status: str, at: datetime
    ) -> None:
        """A request that got no answer: `refused`, `failed`, `truncated` or `cancelled`."""
        if self._ledger is not None:
            self._ledger.record("outcome", {**_outcome(decision, attempts, at), "status": status})

    def feedback(self, feedback: Feedback) -> None:
        """A score for an earlier decision."""
        if self._ledger is not None:
            document = {
                "id": feedback.id,
                "decision": feedback.decision,
                "at": feedback.at.isoformat(),
                "score": feedback.score,
                "success": feedback.success,
                "note": feedback.note,
            }
            self._ledger.record("feedback", document)


def fell_back(attempts: tuple[Attempt, ...]) -> bool:
    """True when a failure or a refusal, not a validator, gave the request to another model."""
    last = attempts[-1]
    lost = [a for a in attempts if a.status in ("error", "refused") and a.model != last.model]
    return bool(lost) or (last.served_by or last.model) != last.model


def open_ledger(
    given: str | os.PathLike[str] | Ledger | bool | None, settings: Settings, clock: Clock
) -> Ledger:
    """The ledger that `Router(ledger=…)` means: one of its own, a folder, a file or a URL.

    A file keeps its journal beside it, so that two ledgers never read each other's records.
    """
    from turnout.ledger import Ledger

    if isinstance(given, Ledger):
        return given
    if given is None or isinstance(given, bool):
        url, days = settings.ledger.url, settings.ledger.prompt_days
        if url is not None and "://" not in url:
            url = str(Path(url).expanduser())
        return Ledger(url, folder=data_folder(settings), clock=clock, prompt_days=days)
    name = os.fspath(given)
    if "://" in name:
        return Ledger(name, folder=data_folder(settings), clock=clock)
    path = Path(name).expanduser()
    if path.is_dir():
        return Ledger(folder=path, clock=clock)
    return Ledger(str(path), folder=path.with_name(f"{path.name}.d"), clock=clock)


def human_text(request: Request) -> str:
    """The text of the last user message; images and tool results are left aside."""
    for message in reversed(request.messages):
        if message["role"] != "user":
            continue
        content = message["content"]
        if isinstance(content, str):
            return content
        parts = [block["text"] for block in content if block["type"] == "text"]
        if parts:
            return "\n".join(parts)
    return ""


def _outcome(decision: Decision, attempts: tuple[Attempt, ...], at: datetime) -> Json:
    """The fields that every ended request has."""
    total, cost = Usage(), decision.classifier_cost_usd
    known = all(attempt.cost_usd is not None for attempt in attempts)
    for attempt in attempts:
        total = add_usage(total, attempt.usage)
        cost += attempt.cost_usd or Decimal(0)
    return {
        "id": decision.id,
        "at": at.isoformat(),
        "served_by": None,
        "served_tier": None,
        "stop_reason": None,
        "usage": usage_dict(total),
        "cost_usd": money(cost) if known else None,
        "classifier_cost_usd": money(decision.classifier_cost_usd),
        "latency_ms": sum(attempt.latency_ms for attempt in attempts),
        "ttft_ms": None,
        "escalated": False,
        "fallback": False,
        "answer_usage": None,
        "answer_model": None,
        "attempts": len(attempts),
    }


def ending(error: BaseException) -> str:
    """The status of a request that ended in this error."""
    if isinstance(error, Refused):
        return "refused"
    if isinstance(error, Truncated):
        return "truncated"
    return "failed" if isinstance(error, Exception) else "cancelled"


def deadline(seconds: object) -> float:
    """Seconds that a request may take, or InvalidRequest."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise InvalidRequest("deadline_s", f"{seconds!r} must be seconds above zero")
    return float(seconds)


def milliseconds(field: str, value: object) -> float:
    """A time that a caller measured, or InvalidRequest."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e12:
        raise InvalidRequest(field, f"{value!r} must be milliseconds, 0 or more")
    return float(value)


def reported(
    *,
    usage: Any = None,
    latency_ms: float = 0.0,
    ttft_ms: float | None = None,
    error: str | BaseException | None = None,
    served_by: str | None = None,
    stop_reason: str = "end_turn",
) -> Reported:
    """What a caller says of a call of their own, checked. Raises InvalidRequest."""
    for field, value in (("stop_reason", stop_reason), ("served_by", served_by)):
        if value is not None and not isinstance(value, str):
            raise InvalidRequest(field, f"{value!r} is not text")
    call = Reported(
        usage=as_usage(usage),
        latency_ms=milliseconds("latency_ms", latency_ms),
        ttft_ms=None if ttft_ms is None else milliseconds("ttft_ms", ttft_ms),
        error=None if error is None else str(error) or type(error).__name__,
        served_by=served_by,
        stop_reason=stop_reason,
    )
    if usage is None and error is None:
        raise InvalidRequest("usage", "needed for a call that gave an answer; else say error=")
    return call


def as_usage(given: Any) -> Usage:
    """A Usage from ours, the API's JSON or the SDK's object. Raises InvalidRequest."""
    if given is None:
        return Usage()
    if isinstance(given, Usage):
        return given
    if hasattr(given, "model_dump"):
        given = given.model_dump()
    if not isinstance(given, Mapping):
        raise InvalidRequest("usage", f"{given!r} is not a usage")
    for name, value in _counts(given):
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_TOKENS:
            raise InvalidRequest(f"usage.{name}", f"{value!r} must be a whole number, 0 or more")
    given = _from_chat(given)
    if not {"input_tokens", "output_tokens"} & given.keys():
        raise InvalidRequest("usage", "holds neither input_tokens nor output_tokens")
    try:
        return read_usage(given)
    except (AttributeError, TypeError) as error:
        raise InvalidRequest("usage", f"{given!r} is not a usage: {error}") from error


MOST_TOKENS = 10**10
"""More than any call can use; larger counts are mistakes."""


def _from_chat(usage: Mapping[str, Any]) -> Mapping[str, Any]:
    """The usage of a Chat Completions answer, whose prompt count includes what was cached."""
    if "prompt_tokens" not in usage:
        return usage
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return {
        "input_tokens": max(0, usage["prompt_tokens"] - cached),
        "output_tokens": usage.get("completion_tokens") or 0,
        "cache_read_input_tokens": cached,
    }


def _counts(usage: Any) -> Iterator[tuple[str, Any]]:
    """Every token and search count of the API's JSON, nested ones too."""
    if isinstance(usage, (list, tuple)):
        for item in usage:
            yield from _counts(item)
    elif isinstance(usage, Mapping):
        for name, value in usage.items():
            if isinstance(value, (Mapping, list, tuple)):
                yield from _counts(value)
            elif (
                isinstance(name, str)
                and name.endswith(("_tokens", "_requests"))
                and value is not None
            ):
                yield name, value
