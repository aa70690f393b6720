"""The nouns: Request → Signals → Prediction → Decision → Attempt → Outcome → Feedback.

Everything here is a frozen record without behaviour worth the name; reading this file is
reading the architecture. Money is `Decimal` US dollars, time is an aware UTC `datetime`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, Protocol, TypeAlias

LEVELS = ("trivial", "low", "mid", "high")
"""The one difficulty scale that labels and classifiers speak on, easiest first."""

LIMITS = ("max_tokens", "model_context_window_exceeded")
"""The stop reasons of an answer that was cut short."""

Json: TypeAlias = dict[str, Any]
Effort: TypeAlias = str | None
Clock: TypeAlias = Callable[[], datetime]


# -- what the caller sent ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """What the caller sent, in the Messages vocabulary."""

    messages: tuple[Mapping[str, Any], ...]
    system: str | Sequence[Mapping[str, Any]] | None = None
    tools: tuple[Mapping[str, Any], ...] = ()
    max_tokens: int | None = None
    """Output limit the caller asked for; None leaves it to the target."""

    metadata: Mapping[str, Any] = field(default_factory=dict)
    """For routing rules; of it only `user_id` is sent upstream, the one key the API takes."""

    options: Mapping[str, Any] = field(default_factory=dict)
    """Every other field of the caller's body, passed on if the target accepts it."""


@dataclass(frozen=True, slots=True)
class Signals:
    """Facts read off a request without I/O. Never stored: `ask` is the caller's text."""

    ask: str = field(repr=False)
    """The human's own words, without pasted matter; a head and tail window when long."""

    ask_chars: int
    """Length of the human's own words, in characters, before any window was cut."""

    pasted_chars: int
    """Characters of quoted, fenced, attached or tool-returned matter."""

    base_tokens: int
    """Estimated input tokens of the whole request in the older (`base`) Claude tokenizer."""

    prefix_base_tokens: int
    """Estimated `base` tokens of the stable prefix: tools, system, all turns but the last."""

    script: str
    """Dominant script of the ask: latin, cyrillic, han, kana, hangul, arabic, …"""

    language: str
    """ISO 639-1 guess of the ask's language, or `und`."""

    code: bool = False
    maths: bool = False
    images: int = 0
    documents: int = 0
    tools: int = 0
    turns: int = 1
    """User turns that carry human text."""

    in_tool_loop: bool = False
    """True when the last message returns tool results."""

    previous_ask: str = field(default="", repr=False)
    """The human's ask before this one, for follow-ups such as "yes, do it"."""

    needs: frozenset[str] = frozenset()
    """Abilities that the request itself demands: vision, pdf, tools, forced_tool, …"""


# -- what the router concludes -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prediction:
    """A classifier's estimate of how hard a request is."""

    adequate: tuple[float, float, float, float]
    """For each of `LEVELS`, the probability that work of that level suffices.

    Never falls from left to right, and ends in 1.
    """

    classifier: str
    evidence: tuple[str, ...] = ()
    """Why, in words that never quote the prompt."""

    cost_usd: Decimal = Decimal(0)
    """What the classification itself cost."""


@dataclass(frozen=True, slots=True)
class Target:
    """One way to serve a tier: a model, and how hard it should think."""

    model: str
    effort: Effort = None


@dataclass(frozen=True, slots=True)
class Tier:
    """A rung of a ladder."""

    name: str
    targets: tuple[Target, ...]
    """The first is used; the rest stand in."""

    covers: float
    """The hardest difficulty this tier is meant for, 0 < covers ≤ 4 on the `LEVELS` scale."""

    fallbacks: tuple[Target, ...] = ()
    """The user's own fallback chain; empty means the stand-ins, then the tiers above."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """An ordered list of tiers, cheapest first."""

    name: str
    tiers: tuple[Tier, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The tier names in order."""
        return tuple(tier.name for tier in self.tiers)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a step changed or refused something."""

    step: str
    text: str
    before: str | None = None
    after: str | None = None


class Fallback(NamedTuple):
    """A target to try when the ones before it failed."""

    model: str
    effort: Effort
    tier: str


class Alternative(NamedTuple):
    """What another tier would have cost for the same request."""

    tier: str
    model: str
    estimated_cost_usd: Decimal | None
    cost_ratio: float | None
    """That cost divided by the decision's; None when either is unpriced or free."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """The arm of an experiment, with the true probability of having drawn it."""

    name: str
    arm: str
    propensity: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What the caller ruled out; the choice and every fallback stay within it."""

    min_tier: str | None = None
    max_tier: str | None = None
    capabilities: frozenset[str] = frozenset()
    max_cost_usd: Decimal | None = None


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Decision:
    """Which model answers a request, and the whole reason."""

    id: str
    at: datetime
    model: str
    provider: str
    tier: str
    effort: Effort
    confidence: float
    """Probability that `tier` is adequate, 0..1; 1 for a pinned choice."""

    tier_probabilities: Mapping[str, float]
    """For each tier the probability that it is the lowest adequate one; they sum to 1."""

    classifier: str
    original_tier: str
    """The single most likely tier, before `quality` was weighed in."""

    evidence: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    fallbacks: tuple[Fallback, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    estimated_input_tokens: int = 0
    estimated_output_tokens: int = 0
    estimated_cost_usd: Decimal | None = None
    """None only for an unpriced model that the user allowed."""

    classifier_cost_usd: Decimal = Decimal(0)
    escalated: bool = False
    experiment: Assignment | None = None
    sla: Mapping[str, Any] | None = None
    conversation: str | None = None
    elapsed_us: float = 0.0
    limits: Limits = NO_LIMITS
    """Kept for follow-ups on the same route; not part of the JSON."""

    def to_dict(self) -> Json:
        """The decision as plain JSON: the CLI's, the gateway's and the ledger's document."""
        from turnout.documents import decision_dict

        return decision_dict(self)

    def explain(self) -> str:
        """The decision in plain English, a few lines."""
        from turnout.explain import explain

        return explain(self)


# -- what happened -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and extras that one answer was billed for. All counts are ≥ 0."""

    input_tokens: int = 0
    """Uncached input tokens only, as the API counts them."""

    output_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    cache_read_tokens: int = 0
    web_searches: int = 0
    batch: bool = False
    fast: bool = False
    us_only: bool = False
    iterations: tuple[Iteration, ...] = ()
    """One entry per model that ran; when present, they are what is billed."""

    fallback_credit: str | None = None
    """`redeemed`, `not_applied: REASON`, or None when no credit was presented."""

    @property
    def prompt_tokens(self) -> int:
        """Size of the prompt: uncached input, cache writes and cache reads."""
        return (
            self.input_tokens
            + self.cache_write_5m_tokens
            + self.cache_write_1h_tokens
            + self.cache_read_tokens
        )


@dataclass(frozen=True, slots=True)
class Iteration:
    """One sampling pass inside an answer, billed at its own model's price."""

    kind: str
    """`message`, `fallback_message`, `compaction` or `advisor_message`."""

    model: str | None
    usage: Usage


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line of a bill."""

    model: str
    usage: Usage
    cost_usd: Decimal
    note: str = ""
    """`long card`, `fast`, `refused before output, not billed`, …"""


@dataclass(frozen=True, slots=True)
class Cost:
    """An exact bill: lines that sum to the total."""

    total_usd: Decimal
    lines: tuple[CostLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One upstream call and what came of it."""

    id: str
    number: int
    """1 for the first call of a request."""

    at: datetime
    model: str
    effort: Effort
    tier: str
    status: str
    """`accepted`, `rejected` (by a validator), `refused`, `truncated` or `error`."""

    served_by: str | None = None
    """The model that answered, from the response; None when nothing did."""

    stop_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    cost_usd: Decimal | None = Decimal(0)
    cost_lines: tuple[CostLine, ...] = ()
    latency_ms: float = 0.0
    ttft_ms: float | None = None
    """Milliseconds to the first event that carried content; None when not streamed."""

    error: str | None = None
    """What went wrong, in one line; None when the attempt was accepted."""

    http_status: int | None = None
    request_id: str | None = None
    changes: tuple[Reason, ...] = ()
    """What shaping adapted in the caller's request for this model, and why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the caller got."""

    decision: Decision
    text: str
    """All text blocks, joined; empty only when the answer is tool use."""

    served_by: str
    stop_reason: str
    message: Json = field(repr=False)
    """The whole answer as the API sent it."""

    attempts: tuple[Attempt, ...]
    usage: Usage
    """The tokens of every attempt, added up."""

    cost_usd: Decimal | None
    """Every attempt and the classification; None when any of it is unpriced."""

    baseline_usd: Decimal | None
    """What the accepted answer's tokens would have cost at the ladder's dearest target."""

    latency_ms: float
    ttft_ms: float | None = None
    escalated: bool = False
    """True when a validator sent the request above the decision's tier."""

    @property
    def savings_usd(self) -> Decimal | None:
        """Baseline minus cost; negative when routing cost more."""
        if self.cost_usd is None or self.baseline_usd is None:
            return None
        return self.baseline_usd - self.cost_usd

    @property
    def tool_uses(self) -> tuple[Json, ...]:
        """The tool calls the model asked for."""
        return tuple(b for b in self.message.get("content", ()) if b.get("type") == "tool_use")

    @property
    def truncated(self) -> bool:
        """True when the answer stops at an output or context limit."""
        return self.stop_reason in LIMITS

    def to_dict(self) -> Json:
        """The outcome as plain JSON, as `turnout run --json` prints it."""
        from turnout.documents import outcome_dict

        return outcome_dict(self)


@dataclass(frozen=True, slots=True)
class Feedback:
    """A score that arrives later for a decision."""

    id: str
    decision: str
    at: datetime
    score: float | None = None
    """How good the answer was, 0..1; None when only success was reported."""

    success: bool | None = None
    note: str = ""


# -- protocols -----------------------------------------------------------------------------


class Classifier(Protocol):
    """Estimates how hard a request is."""

    name: str

    def predict(self, request: Request, signals: Signals) -> Prediction:
        """The probability that each level is adequate. Must not raise on odd text."""
        ...


Verdict: TypeAlias = bool | str
"""True to accept an answer; False or a reason to reject it."""

Validator: TypeAlias = Callable[[Outcome], Verdict]
