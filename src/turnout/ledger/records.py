"""From a line of JSON to checked columns. Whatever cannot be right is `Rejected` at the door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

Columns: TypeAlias = dict[str, Any]

KINDS = ("decision", "outcome", "attempt", "feedback", "prompt")

TOKENS = (
    "input_tokens",
    "output_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "cache_read_tokens",
    "web_searches",
)
"""The counts of a usage, in the order of the columns."""

ANSWER_TOKENS = tuple(f"answer_{name}" for name in TOKENS)

LARGEST = 2**63 - 1
"""The largest whole number that a column holds; in pico-USD, about 9.2 million dollars."""

MAX_TAGS = 64

_PICO_STEP = Decimal("1e-12")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)

# 400 characters: an index of PostgreSQL takes no entry much longer than 2,700 bytes.
_Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=400)]
_Text: TypeAlias = Annotated[str, Meta(max_length=400)] | None
_Count: TypeAlias = Annotated[int, Meta(ge=0, le=LARGEST)]
_Ms: TypeAlias = Annotated[float, Meta(ge=0, le=1e12)] | None
_Money: TypeAlias = str | int | float | None
_Status: TypeAlias = Literal["ok", "refused", "failed", "truncated", "cancelled"]


class Rejected(ValueError):  # noqa: N818 - it says what happened to the record
    """A record that cannot be stored; the text says why."""


class Entry(Struct, gc=False):
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


# -- what the documents must look like; fields not named here are kept but not checked --------


class _Usage(Struct, gc=False):
    input_tokens: _Count = 0
    output_tokens: _Count = 0
    cache_write_5m_tokens: _Count = 0
    cache_write_1h_tokens: _Count = 0
    cache_read_tokens: _Count = 0
    web_searches: _Count = 0
    batch: bool = False
    fast: bool = False
    us_only: bool = False

    def counts(self) -> tuple[int, ...]:
        return (
            self.input_tokens,
            self.output_tokens,
            self.cache_write_5m_tokens,
            self.cache_write_1h_tokens,
            self.cache_read_tokens,
            self.web_searches,
        )

    def speed(self) -> str:
        """What changes the price besides the tokens, as one word or more."""
        if not (self.batch or self.fast or self.us_only):
            return ""
        return " ".join(name for name in ("batch", "fast", "us_only") if getattr(self, name))


_NO_USAGE = _Usage()


class _Experiment(Struct, gc=False):
    name: _Text = None
    arm: _Text = None


_NO_EXPERIMENT = _Experiment()


class _Decision(Struct, gc=False):
    id: _Id
    at: str
    model: _Id
    tier: _Id
    provider: _Text = None
    effort: _Text = None
    classifier: _Text = None
    source: _Text = None
    key: _Text = None
    conversation: _Text = None
    experiment: _Experiment | None = None
    escalated: bool | None = None
    classifier_cost_usd: _Money = None
    estimated_cost_usd: _Money = None
    tags: dict[str, Any] | None = None

    def parent(self) -> str:
        return self.id

    def columns(self) -> Columns:
        experiment = self.experiment or _NO_EXPERIMENT
        return {
            "decided": 1,
            "tier": self.tier,
            "model": self.model,
            "provider": self.provider,
            "effort": self.effort,
            "classifier": self.classifier,
            "source": self.source,
            "key": self.key,
            "conversation": self.conversation,
            "experiment": experiment.name,
            "arm": experiment.arm,
            "escalated": int(bool(self.escalated)),
            "decision_pico": pico(self.classifier_cost_usd, "classifier_cost_usd") or 0,
            "estimated_pico": pico(self.estimated_cost_usd, "estimated_cost_usd"),
        }


class _Outcome(Struct, gc=False):
    id: _Id
    at: str
    status: _Status
    served_by: _Text = None
    served_tier: _Text = None
    stop_reason: _Text = None
    usage: _Usage | None = None
    cost_usd: _Money = None
    classifier_cost_usd: _Money = None
    latency_ms: _Ms = None
    ttft_ms: _Ms = None
    escalated: bool | None = None
    fallback: bool | None = None
    answer_usage: _Usage | None = None
    answer_model: _Text = None
    attempts: _Count | list[Any] | None = None

    def parent(self) -> str:
        return self.id

    def columns(self) -> Columns:
        answer, tries = self.answer_usage or _NO_USAGE, self.attempts
        columns: Columns = {
            "finished": 1,
            "status": self.status,
            "served_by": self.served_by,
            "served_tier": self.served_tier,
            "stop_reason": self.stop_reason,
            "answer_model": self.answer_model,
            "speed": answer.speed(),
            "cost_pico": pico(self.cost_usd, "cost_usd"),
            "classifier_pico": pico(self.classifier_cost_usd, "classifier_cost_usd"),
            "latency_us": _micros(self.latency_ms),
            "ttft_us": _micros(self.ttft_ms),
            "validator_escalated": int(bool(self.escalated)),
            "fallback": int(bool(self.fallback)),
            "attempts": len(tries) if isinstance(tries, list) else tries or 0,
        }
        columns.update(zip(TOKENS, (self.usage or _NO_USAGE).counts(), strict=True))
        columns.update(zip(ANSWER_TOKENS, answer.counts(), strict=True))
        return columns


class _Attempt(Struct, gc=False):
    id: _Id
    decision: _Id
    at: str
    model: _Id
    status: _Id
    number: _Count = 0
    effort: _Text = None
    tier: _Text = None
    served_by: _Text = None
    usage: _Usage | None = None
    cost_usd: _Money = None
    latency_ms: _Ms = None
    ttft_ms: _Ms = None
    http_status: _Count | None = None

    def parent(self) -> str:
        return self.decision

    def columns(self) -> Columns:
        columns: Columns = {
            "number": self.number,
            "model": self.model,
            "effort": self.effort,
            "tier": self.tier,
            "status": self.status,
            "served_by": self.served_by,
            "cost_pico": pico(self.cost_usd, "cost_usd"),
            "latency_us": _micros(self.latency_ms),
            "ttft_us": _micros(self.ttft_ms),
            "http_status": self.http_status,
        }
        columns.update(zip(TOKENS, (self.usage or _NO_USAGE).counts(), strict=True))
        return columns


class _Feedback(Struct, gc=False):
    id: _Id
    decision: _Id
    at: str
    score: Annotated[float, Meta(ge=0, le=1)] | None = None
    success: bool | None = None

    def parent(self) -> str:
        return self.decision

    def columns(self) -> Columns:
        if self.score is None and self.success is None:
            raise Rejected("feedback says neither score nor success")
        return {
            "score": self.score,
            "success": None if self.success is None else int(self.success),
        }


class _Prompt(Struct, gc=False):
    id: _Id
    at: str
    text: str

    def parent(self) -> str:
        return self.id

    def columns(self) -> Columns:
        """A prompt is a document only: no table has its text, so it can be forgotten alone."""
        return {}


class _Line(Struct, gc=False):
    kind: str
    document: msgspec.Raw


_Document: TypeAlias = _Decision | _Outcome | _Attempt | _Feedback | _Prompt

_line = msgspec.json.Decoder(_Line).decode
_DECODERS: dict[str, msgspec.json.Decoder[_Document]] = {
    "decision": msgspec.json.Decoder(_Decision),
    "outcome": msgspec.json.Decoder(_Outcome),
    "attempt": msgspec.json.Decoder(_Attempt),
    "feedback": msgspec.json.Decoder(_Feedback),
    "prompt": msgspec.json.Decoder(_Prompt),
}


def parse_line(line: bytes) -> Entry:
    """Check one line. Raises Rejected."""
    try:
        item = _line(line)
        decoder = _DECODERS.get(item.kind)
        if decoder is None:
            raise Rejected(f"unknown kind {item.kind!r}; known: {', '.join(KINDS)}")
        document = decoder.decode(item.document)
        body = str(memoryview(item.document), "utf-8")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected(str(error)) from None
    columns = document.columns()
    if "\\u0000" in body:
        _refuse_nul(document.id, document.parent(), *columns.values())
    tags = _tags(document.tags) if isinstance(document, _Decision) and document.tags else {}
    at_ms = time_ms(document.at)
    return Entry(item.kind, document.id, document.parent(), at_ms, columns, body, tags)


def pico(raw: str | float | None, name: str) -> int | None:
    """A decimal string of dollars in whole pico-USD, finer amounts rounded half to even."""
    if raw is None:
        return None
    try:
        amount = Decimal(str(raw)).quantize(_PICO_STEP, ROUND_HALF_EVEN)
        whole = int(amount.scaleb(12))
    except (InvalidOperation, ValueError, OverflowError):
        raise Rejected(f"{name}: {raw!r:.80} is not an amount that can be stored") from None
    if not 0 <= whole <= LARGEST:
        raise Rejected(f"{name}: {raw!r:.80} is negative or too large")
    return whole


def time_ms(raw: str) -> int:
    """An ISO 8601 time as milliseconds since 1970 UTC; without a zone it counts as UTC."""
    try:
        moment = datetime.fromisoformat(raw)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // _MS
    except (ValueError, OverflowError):
        raise Rejected(f"at: {raw!r:.80} is not a time") from None


def _micros(ms: float | None) -> int | None:
    return None if ms is None else round(ms * 1000)


def _tags(raw: dict[str, Any]) -> dict[str, str]:
    if len(raw) > MAX_TAGS:
        raise Rejected(f"tags: {len(raw)} of them; at most {MAX_TAGS} are kept")
    tags = {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in raw.items()
    }
    for name, value in tags.items():
        if len(name) > 400 or len(value) > 400:
            raise Rejected(f"tags.{name:.40}: longer than 400 characters")
        _refuse_nul(name, value)
    return tags


def _refuse_nul(*values: object) -> None:
    if any(isinstance(value, str) and "\0" in value for value in values):
        raise Rejected("a NUL character in a short text")
