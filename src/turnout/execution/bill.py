"""From answers to attempts and outcomes: who served, what it cost, what it would have cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from turnout.catalog.prices import cost
from turnout.catalog.store import Catalog
from turnout.errors import UnknownModel, UnpricedModel
from turnout.signals.tokens import estimate
from turnout.types import Attempt, Cost, Decision, Json, Ladder, Outcome, Reason, Usage
from turnout.wire.anthropic import add_usage, billed_usage, read_usage, served_by, text_of

if TYPE_CHECKING:
    from turnout.execution.plan import Answer, Call, Failure, Job
    from turnout.policy.chain import Option


@dataclass(frozen=True, slots=True)
class Reported:
    """What a caller says of a call of their own."""

    usage: Usage
    latency_ms: float
    ttft_ms: float | None
    error: str | None
    served_by: str | None
    stop_reason: str


@dataclass(slots=True)
class Biller:
    """Prices what happened. One per request; `details` keeps the last refusal's."""

    catalog: Catalog
    ladder: Ladder
    new_id: Callable[[], str]
    allow_unpriced: bool = False
    bill_refusals: bool = False
    details: Json = field(default_factory=dict)
    changes: tuple[Reason, ...] = ()
    """What shaping adapted for the call under way."""

    def answered(self, job: Job, option: Option, answer: Answer, status: str) -> Attempt:
        """The attempt of a complete answer."""
        message = answer.message
        usage = read_usage(message.get("usage"))
        if status == "refused":
            details = message.get("stop_details")
            self.details = dict(details) if isinstance(details, Mapping) else {}
        now = job.now()
        bill = self._paid(message, option, usage, now, refused=status == "refused")
        return Attempt(
            id=self.new_id(),
            number=len(job.attempts) + 1,
            at=now,
            model=option.target.model,
            effort=option.target.effort,
            tier=option.tier,
            status=status,
            served_by=self.canonical(served_by(message)),
            stop_reason=message.get("stop_reason"),
            usage=billed_usage(usage),
            cost_usd=None if bill is None else bill.total_usd,
            cost_lines=bill.lines if bill else (),
            latency_ms=answer.latency_ms,
            ttft_ms=answer.ttft_ms,
            error=_refusal(self.details) if status == "refused" else None,
            http_status=200,
            request_id=answer.request_id,
            changes=self.changes,
        )

    def failed(self, call: Call, failure: Failure, decision: Decision, now: datetime) -> Attempt:
        """The attempt of a call without a complete answer, billed for what had arrived."""
        message = call.progress.close()
        usage = received(message, read_usage(message.get("usage")), call)
        bill = self._paid(message, call.option, usage, now) if message else Cost(Decimal(0))
        return Attempt(
            id=self.new_id(),
            number=call.number,
            at=now,
            model=call.option.target.model,
            effort=call.option.target.effort,
            tier=call.option.tier,
            status="error",
            served_by=self.canonical(served_by(message)) if message else None,
            usage=billed_usage(usage),
            cost_usd=None if bill is None else bill.total_usd,
            cost_lines=bill.lines if bill else (),
            latency_ms=failure.latency_ms,
            error=failure.text,
            http_status=failure.status,
            request_id=failure.request_id,
            changes=self.changes,
        )

    def reported(self, decision: Decision, call: Reported, at: datetime) -> Attempt:
        """The attempt of a call that the caller made."""
        model = self.canonical(call.served_by) or decision.model
        refused = call.stop_reason == "refusal"
        bill = self._cost(call.usage, model, at, refused=refused)
        answered = "refused" if refused else "accepted"
        return Attempt(
            id=self.new_id(),
            number=1,
            at=at,
            model=decision.model,
            effort=decision.effort,
            tier=decision.tier,
            status="error" if call.error else answered,
            served_by=None if call.error else model,
            stop_reason=None if call.error else call.stop_reason,
            usage=billed_usage(call.usage),
            cost_usd=None if bill is None else bill.total_usd,
            cost_lines=bill.lines if bill else (),
            latency_ms=call.latency_ms,
            ttft_ms=call.ttft_ms,
            error=call.error,
        )

    def marked(self, attempt: Attempt, status: str, why: Any) -> Attempt:
        """The attempt with its verdict."""
        if status == attempt.status:
            return attempt
        return replace(attempt, status=status, error=None if why is None else str(why))

    def outcome(self, job: Job, attempts: tuple[Attempt, ...], answer: Answer) -> Outcome:
        """What the caller gets: the last attempt's answer, every attempt's cost."""
        last, decision = attempts[-1], job.decision
        costs = [attempt.cost_usd for attempt in attempts]
        total: Decimal | None = decision.classifier_cost_usd
        for amount in costs:
            total = None if total is None or amount is None else total + amount
        return Outcome(
            decision=decision,
            text=text_of(answer.message),
            served_by=last.served_by or last.model,
            stop_reason=str(answer.message.get("stop_reason") or ""),
            message=answer.message,
            attempts=attempts,
            usage=self.usage(attempts),
            cost_usd=total,
            baseline_usd=self.baseline(last, job.now()),
            latency_ms=sum(attempt.latency_ms for attempt in attempts),
            ttft_ms=last.ttft_ms,
            escalated=any(attempt.status == "rejected" for attempt in attempts[:-1]),
        )

    def usage(self, attempts: tuple[Attempt, ...]) -> Usage:
        """The tokens of every attempt, added up."""
        total = Usage()
        for attempt in attempts:
            total = add_usage(total, attempt.usage)
        return total

    def baseline(self, attempt: Attempt, at: datetime) -> Decimal | None:
        """The attempt's answer at the ladder's dearest first target, same cache behaviour.

        Token counts are converted between tokenizers; searches, region, batch and speed count
        as they did. None when no target with a known price could have taken the prompt.
        """
        answered = self.catalog.find(attempt.served_by or attempt.model)
        if answered is None:
            return None
        usage = answer_usage(attempt.usage)
        prices = []
        for tier in self.ladder.tiers:
            model = self.catalog.get(tier.targets[0].model)
            converted = convert(usage, model.token_ratio / answered.token_ratio)
            if converted.prompt_tokens <= (model.context_window or converted.prompt_tokens):
                bill = self._priced(converted, model.id, at)
                prices += [bill.total_usd] if bill else []
        return max(prices, default=None)

    def canonical(self, name: str | None) -> str | None:
        """The catalog's id of a model as a response spells it."""
        model = self.catalog.find(name) if name else None
        return model.id if model else name

    def _paid(
        self, message: Json, option: Option, usage: Usage, at: datetime, refused: bool = False
    ) -> Cost | None:
        """The bill of an answer that is there already, at the price of who gave it.

        None when that is not known, or the answer does not say what it used: a gap must not
        lose the answer, and it is no $0 either.
        """
        if not isinstance(message.get("usage"), Mapping):
            return None
        return self._priced(usage, served_by(message) or option.target.model, at, refused)

    def _priced(self, usage: Usage, model: str, at: datetime, refused: bool = False) -> Cost | None:
        try:
            return self._cost(usage, model, at, refused)
        except (UnpricedModel, UnknownModel):
            return None

    def _cost(self, usage: Usage, model: str, at: datetime, refused: bool = False) -> Cost | None:
        try:
            return cost(
                usage, model, self.catalog, at, refused=refused, bill_refusals=self.bill_refusals
            )
        except UnpricedModel:
            if self.allow_unpriced:
                return None
            raise


def answer_usage(usage: Usage) -> Usage:
    """The tokens of the answer that was returned, without the hops that declined.

    An answer may take several passes of the model that served it, and compactions.
    """
    if not usage.iterations:
        return usage
    served, total = usage.iterations[-1].model, Usage()
    for item in usage.iterations:
        if item.model in (None, served):
            total = add_usage(total, item.usage)
    return replace(
        total,
        web_searches=usage.web_searches,
        batch=usage.batch,
        fast=usage.fast,
        us_only=usage.us_only,
        iterations=(),
    )


def received(message: Json, usage: Usage, call: Call) -> Usage:
    """The usage of a broken answer, with output estimated from what had arrived.

    The API counts output at the end of a stream; until then it says next to nothing.
    """
    blocks = message.get("content") or ()
    texts = [str(block.get("text") or block.get("thinking") or "") for block in blocks]
    ratio = float(call.option.model.token_ratio)
    seen = int(estimate("".join(texts)) * ratio)
    return replace(usage, output_tokens=seen) if seen > usage.output_tokens else usage


def convert(usage: Usage, ratio: Decimal) -> Usage:
    """Token counts as another tokenizer would have given them, to the nearest token."""
    if ratio == 1:
        return usage
    names = ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read")
    counts = {f"{n}_tokens": round(getattr(usage, f"{n}_tokens") * ratio) for n in names}
    return replace(usage, **counts, iterations=())


def _refusal(details: Json) -> str:
    return f"refused ({details.get('category') or 'no category given'})"
