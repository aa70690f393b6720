"""From a JSON document to checked columns. Whatever cannot be right is `Rejected` at the door."""

from __future__ import annotations


from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

import msgspec

from turnout.types import Json

Columns = dict[str, Any]

KINDS = ("decision", "outcome", "attempt", "feedback")
STATUSES = ("ok", "refused", "failed", "truncated", "cancelled")
TOKENS = (
    "input_tokens",
    "output_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "cache_read_tokens",
    "web_searches",
)
"""The counts of a usage, in the order of the columns."""

LARGEST = 2**63 - 1
"""The largest whole number that a column holds; in pico-USD, about 9.2 million dollars."""

_PICO_STEP = Decimal("1e-12")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


class Rejected(ValueError):  # noqa: N818 - it says what happened to the record
    """A record that cannot be stored; the text says why."""


class Line(msgspec.Struct):
    """One line of a journal or an export."""

    kind: str
    document: msgspec.Raw


@dataclass(slots=True)
class Entry:
    """One checked record, ready to be stored."""

    kind: str
    id: str
    decision: str
    """Id of the decision it belongs to; a decision's own id."""

    at_ms: int
    columns: Columns
    body: str
    """The document as JSON, exactly as it was written."""

    tags: dict[str, str]


_line = msgspec.json.Decoder(Line).decode
_document = msgspec.json.Decoder(dict[str, Any]).decode


def parse_line(line: bytes) -> Entry:
    """Check one line. Raises Rejected."""
    try:
        item = _line(line)
        document = _document(item.document)
        body = str(memoryview(item.document), "utf-8")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected(f"not a record: {error}") from None
    reader = _READERS.get(item.kind)
    if reader is None:
        raise Rejected(f"unknown kind {item.kind!r}; known: {', '.join(KINDS)}")
    at_ms, columns = time_ms(document, "at"), reader(document)
    own_id = _id(document, "id")
    parent = own_id if item.kind in ("decision", "outcome") else _id(document, "decision")
    tags = _tags(document) if item.kind == "decision" else {}
    return Entry(item.kind, own_id, parent, at_ms, columns, body, tags)


# -- the four kinds ------------------------------------------------------------------------


def _decision(document: Json) -> Columns:
    experiment = document.get("experiment") or {}
    if not isinstance(experiment, dict):
        raise Rejected("experiment: must be an object or null")
    return {
        "decided": 1,
        "tier": _need(document, "tier"),
        "model": _need(document, "model"),
        "provider": _text(document, "provider"),
        "effort": _text(document, "effort"),
        "classifier": _text(document, "classifier"),
        "source": _text(document, "source"),
        "key": _text(document, "key"),
        "conversation": _text(document, "conversation"),
        "experiment": _text(experiment, "name"),
        "arm": _text(experiment, "arm"),
        "escalated": _flag(document, "escalated"),
        "decision_pico": pico(document, "classifier_cost_usd") or 0,
        "estimated_pico": pico(document, "estimated_cost_usd"),
    }


def _outcome(document: Json) -> Columns:
    status = _need(document, "status")
    if status not in STATUSES:
        raise Rejected(f"status: {status!r} is none of {', '.join(STATUSES)}")
    usage, answer = _usage(document, "usage"), _usage(document, "answer_usage")
    raw = document.get("answer_usage") or {}
    columns: Columns = {
        "finished": 1,
        "status": status,
        "served_by": _text(document, "served_by"),
        "served_tier": _text(document, "served_tier"),
        "stop_reason": _text(document, "stop_reason"),
        "answer_model": _text(document, "answer_model"),
        "speed": " ".join(name for name in ("batch", "fast", "us_only") if raw.get(name)),
        "cost_pico": pico(document, "cost_usd"),
        "classifier_pico": pico(document, "classifier_cost_usd"),
        "latency_us": _micros(document, "latency_ms"),
        "ttft_us": _micros(document, "ttft_ms"),
        "validator_escalated": _flag(document, "escalated"),
        "fallback": _flag(document, "fallback"),
        "attempts": _attempts(document),
    }
    columns.update(zip(TOKENS, usage, strict=True))
    columns.update(zip(ANSWER_TOKENS, answer, strict=True))
    return columns


ANSWER_TOKENS = tuple(f"answer_{name}" for name in TOKENS)


def _attempt(document: Json) -> Columns:
    usage = _usage(document, "usage")
    columns: Columns = {
        "number": _count(document, "number"),
        "model": _need(document, "model"),
        "effort": _text(document, "effort"),
        "tier": _text(document, "tier"),
        "status": _need(document, "status"),
        "served_by": _text(document, "served_by"),
        "cost_pico": pico(document, "cost_usd"),
        "latency_us": _micros(document, "latency_ms"),
        "ttft_us": _micros(document, "ttft_ms"),
        "http_status": _count(document, "http_status") or None,
    }
    columns.update(zip(TOKENS, usage, strict=True))
    return columns


def _feedback(document: Json) -> Columns:
    score, success = document.get("score"), document.get("success")
    if score is not None:
        number = isinstance(score, (int, float)) and not isinstance(score, bool)
        if not number or not 0 <= score <= 1:  # NaN fails the comparison too
            raise Rejected(f"score: {score!r} is not a number from 0 to 1")
        score = float(score)
    if success is not None and not isinstance(success, bool):
        raise Rejected(f"success: {success!r} is not true, false or null")
    if score is None and success is None:
        raise Rejected("feedback says neither score nor success")
    return {"score": score, "success": None if success is None else int(success)}


_READERS: dict[str, Callable[[Json], Columns]] = {
    "decision": _decision,
    "outcome": _outcome,
    "attempt": _attempt,
    "feedback": _feedback,
}


# -- single values -------------------------------------------------------------------------


def pico(document: Json, name: str) -> int | None:
    """A decimal string of dollars in whole pico-USD, finer amounts rounded half to even."""
    raw = document.get(name)
    if raw is None:
        return None
    if isinstance(raw, bool) or not isinstance(raw, (str, int, float)):
        raise Rejected(f"{name}: {raw!r} is not an amount")
    try:
        amount = Decimal(str(raw)).quantize(_PICO_STEP, ROUND_HALF_EVEN)
        whole = int(amount.scaleb(12))
    except (InvalidOperation, ValueError, OverflowError):
        raise Rejected(f"{name}: {raw!r} is not an amount that can be stored") from None
    if not 0 <= whole <= LARGEST or amount.is_signed():
        raise Rejected(f"{name}: {raw!r} is negative or too large")
    return whole


def time_ms(document: Json, name: str) -> int:
    """An ISO 8601 time as milliseconds since 1970 UTC; without a zone it counts as UTC."""
    raw = document.get(name)
    if not isinstance(raw, str):
        raise Rejected(f"{name}: {raw!r} is not a time")
    try:
        moment = datetime.fromisoformat(raw)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // _MS
    except (ValueError, OverflowError):
        raise Rejected(f"{name}: {raw!r} is not a time") from None


def _text(document: Json, name: str, longest: int = 400) -> str | None:
    raw = document.get(name)
    if raw is None:
        return None
    if not isinstance(raw, str) or len(raw) > longest or "\0" in raw:
        raise Rejected(f"{name}: {raw!r:.80} is not a short text")
    return raw


def _need(document: Json, name: str) -> str:
    raw = _text(document, name)
    if not raw:
        raise Rejected(f"{name}: missing")
    return raw


_id = _need


def _flag(document: Json, name: str) -> int:
    raw = document.get(name)
    if raw is not None and not isinstance(raw, bool):
        raise Rejected(f"{name}: {raw!r} is not true or false")
    return int(bool(raw))


def _count(document: Json, name: str) -> int:
    raw = document.get(name)
    if raw is None:
        return 0
    if isinstance(raw, bool) or not isinstance(raw, int) or not 0 <= raw <= LARGEST:
        raise Rejected(f"{name}: {raw!r} is not a whole number, 0 or more")
    return raw


def _attempts(document: Json) -> int:
    """The number of attempts; a caller may also send the list of them."""
    raw = document.get("attempts")
    return len(raw) if isinstance(raw, list) else _count(document, "attempts")


def _usage(document: Json, name: str) -> list[int]:
    raw = document.get(name)
    if raw is None:
        return [0] * len(TOKENS)
    if not isinstance(raw, dict):
        raise Rejected(f"{name}: must be an object or null")
    return [_count(raw, field) for field in TOKENS]


def _micros(document: Json, name: str) -> int | None:
    """Milliseconds as whole microseconds."""
    raw = document.get(name)
    if raw is None:
        return None
    number = isinstance(raw, (int, float)) and not isinstance(raw, bool)
    if not number or not 0 <= raw <= 1e12:
        raise Rejected(f"{name}: {raw!r} is not a duration in milliseconds")
    return round(raw * 1000)


def _tags(document: Json) -> dict[str, str]:
    raw = document.get("tags")
    if raw is None:
        return {}
    if not isinstance(raw, dict) or len(raw) > 64:
        raise Rejected("tags: must be an object of at most 64 names")
    tags = {}
    for name, value in raw.items():
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        tags[str(_text({"tags": name}, "tags"))] = str(_text({"tags": text}, "tags"))
    return tags
