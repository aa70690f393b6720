"""Attempts without I/O: retries, fallbacks, refusals, credit, validators and the deadline.

`plan` is a generator. It yields a `Call` or a `Wait`, is sent an `Answer` or a `Failure` (None
after a wait), and returns the Outcome. Nothing else decides whether to try again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random
from typing import TypeAlias

from turnout.errors import AllAttemptsFailed, Refused, Truncated
from turnout.execution.bill import Biller
from turnout.execution.shape import STREAM_ABOVE, Body
from turnout.policy.chain import Option
from turnout.types import LIMITS, Attempt, Decision, Json, Outcome, Validator
from turnout.wire.anthropic import Assembly, read_usage

RETRY_STATUSES = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
OTHER_TARGET_STATUSES = RETRY_STATUSES | {403, 404}
"""Statuses that another model may not share: overload, limits, a model that is not there."""

FIRST_DELAY_S, MOST_DELAY_S = 0.5, 8.0
PATIENCE_S = 60.0
"""A longer `retry-after` is not waited for: another target is asked, or the caller told."""


@dataclass(slots=True)
class Call:
    """Send this body, as attempt `number`, within `timeout_s`."""

    option: Option
    body: Body
    number: int
    stream: bool
    timeout_s: float
    progress: Assembly = field(default_factory=Assembly)
    """What has arrived so far; filled in by whoever makes the call."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Sleep this long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP 200 answer."""

    message: Json
    latency_ms: float
    ttft_ms: float | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that gave no complete answer."""

    cause: BaseException
    text: str
    latency_ms: float = 0.0
    status: int | None = None
    """HTTP status; None when the connection failed."""

    code: str | None = None
    """The API's `details.error_code`, where there is one."""

    should_retry: bool | None = None
    """The server's `x-should-retry`."""

    retry_after_s: float | None = None
    request_id: str | None = None
    seen: bool = False
    """True when the caller has been given part of the answer already."""


Step: TypeAlias = Call | Wait
Reply: TypeAlias = Answer | Failure | None
Flow: TypeAlias = Generator[Step, Reply, Outcome]


@dataclass(slots=True)
class Job:
    """Everything that one request's execution needs, handed in."""

    decision: Decision
    queue: list[Option]
    """Targets to try, in order; the first is the decision's."""

    above: Callable[[int], list[Option]]
    """Eligible targets above a rung, one per tier, for escalation."""

    rescue: Callable[[Option], list[Option]]
    """Where a refusal of a target may go, by the provider's own list."""

    body: Callable[[Option, str | None], Body]
    """Shapes the request for a target, redeeming a credit token if there is one."""

    bill: Biller
    observe: Callable[[Attempt], None]
    now: Callable[[], datetime]
    rng: Random
    deadline_s: float
    max_retries: int
    streaming: bool = False
    validate: Validator | None = None
    elapsed_s: Callable[[], float] = time.monotonic
    """Runs evenly whatever the wall clock does; the deadline is measured with it."""

    attempts: list[Attempt] = field(default_factory=list)
    causes: list[BaseException] = field(default_factory=list)


def plan(job: Job) -> Flow:
    """Walk the targets until an answer is accepted.

    Raises Refused, Truncated, or AllAttemptsFailed with every attempt.
    """
    started = job.elapsed_s()
    credit: str | None = None
    while job.queue:
        option = job.queue.pop(0)
        reply = yield from _target(job, option, credit, started)
        credit = None
        if isinstance(reply, Answer):
            if (done := _judge(job, option, reply)) is not None:
                return done
            credit = _credit(reply, option, job)
        elif _hopeless(reply, option, job):
            break
    raise _verdict(job) from (job.causes[-1] if job.causes else None)


def _target(
    job: Job, option: Option, credit: str | None, started: float
) -> Generator[Step, Reply, Answer | Failure]:
    """One target, with its retries."""
    tries = 0
    while True:
        if (left_s := _left_s(job, started)) <= 0:
            return _too_late(job)
        call = _call(job, option, credit, left_s)
        reply = yield from _ask(job, call)
        if isinstance(reply, Answer):
            return reply
        job.causes.append(reply.cause)
        _observe(job, job.bill.failed(call, reply, job.decision, job.now()))
        delay_s = _delay(reply, tries, job)
        if delay_s is None or tries >= job.max_retries or delay_s >= _left_s(job, started):
            return reply
        yield Wait(delay_s)
        tries += 1


def _left_s(job: Job, started: float) -> float:
    return job.deadline_s - (job.elapsed_s() - started)


def _too_late(job: Job) -> Failure:
    cause = TimeoutError(f"the deadline of {job.deadline_s:g} s has passed")
    job.causes.append(cause)
    return Failure(cause, str(cause), should_retry=False)


def _call(job: Job, option: Option, credit: str | None, left_s: float) -> Call:
    body = job.body(option, credit)
    job.bill.changes = tuple(body.changes)
    stream = job.streaming or body["max_tokens"] > STREAM_ABOVE
    if stream:
        body["stream"] = True
    return Call(option, body, len(job.attempts) + 1, stream, left_s)


def _ask(job: Job, call: Call) -> Generator[Step, Reply, Answer | Failure]:
    """Yield the call; a caller who goes away still leaves an attempt with what was used."""
    try:
        reply = yield call
    except BaseException as error:
        ours = isinstance(error, Exception)
        gone = Failure(error, str(error) if ours else "cancelled by the caller")
        _observe(job, job.bill.failed(call, gone, job.decision, job.now()))
        raise
    assert reply is not None, "a call is answered"
    if isinstance(reply, Failure) and reply.seen and not job.streaming:
        return replace(reply, seen=False)
    return reply


def _delay(failure: Failure, tries: int, job: Job) -> float | None:
    """Seconds until the same target may be tried again; None for not at all."""
    if failure.seen or failure.should_retry is False or failure.code == SPEND_LIMIT:
        return None
    passing = failure.status is None or failure.status in RETRY_STATUSES
    if not passing and not failure.should_retry:
        return None
    if failure.retry_after_s is not None:
        return failure.retry_after_s if failure.retry_after_s <= PATIENCE_S else None
    ceiling: float = min(MOST_DELAY_S, FIRST_DELAY_S * 2**tries)
    return ceiling * (0.5 + job.rng.random() / 2)


SPEND_LIMIT = "enforced_spend_limit_reached"
"""The account's own cap: no target and no waiting helps."""


def _hopeless(failure: Failure, option: Option, job: Job) -> bool:
    """True when no other target can do better; otherwise drops those that share the trouble."""
    if failure.seen or failure.code == SPEND_LIMIT or isinstance(failure.cause, TimeoutError):
        return True
    if failure.status is None or failure.status in OTHER_TARGET_STATUSES:
        if failure.status == 429:
            job.queue[:] = [o for o in job.queue if o.model.pool != option.model.pool]
        return False
    if failure.status == 400 and "prompt is too long" in failure.text:
        window = option.model.context_window or 0
        job.queue[:] = [o for o in job.queue if (o.model.context_window or 0) > window]
        return False
    return True


def _judge(job: Job, option: Option, answer: Answer) -> Outcome | None:
    """The outcome if the answer is accepted; None to go on with the queue."""
    status, why = _status(answer.message), None
    attempt = job.bill.answered(job, option, answer, status)
    if status == "accepted" and job.validate is not None:
        status, why = _validated(job, attempt, answer)
    if status == "empty":
        status, why = "rejected", EMPTY
    attempt = job.bill.marked(attempt, status, why)
    _observe(job, attempt)
    if status == "accepted":
        return job.bill.outcome(job, tuple(job.attempts), answer)
    if status == "truncated":
        raise Truncated(job.decision, tuple(job.attempts), answer.message["stop_reason"])
    if job.streaming and answer.ttft_ms is not None:
        job.queue.clear()  # the caller has been shown part of this answer
    elif status == "rejected":
        job.queue[:] = job.above(option.rung) or (job.queue if why == EMPTY else [])
    else:
        job.queue[:] = _after_refusal(job, option, answer.message)
    return None


EMPTY = "the answer is empty"


def _validated(job: Job, attempt: Attempt, answer: Answer) -> tuple[str, str | None]:
    """Status and reason as the caller's validator sees it; one that raises leaves an attempt."""
    assert job.validate is not None
    try:
        verdict = job.validate(job.bill.outcome(job, (*job.attempts, attempt), answer))
    except BaseException as error:
        why = f"the validator raised {type(error).__name__}"
        _observe(job, job.bill.marked(attempt, "rejected", why))
        raise
    if verdict is True:
        return "accepted", None
    return "rejected", str(verdict or "the validator said no")


def _status(message: Json) -> str:
    stop, content = message.get("stop_reason"), message.get("content") or ()
    if stop == "refusal":
        return "refused"
    telling = [b for b in content if b["type"] not in ("thinking", "redacted_thinking", "fallback")]
    if any(b["type"] != "text" or b["text"].strip() for b in telling):
        return "accepted"
    return "truncated" if stop in LIMITS else "empty"


def _credit(answer: Answer, refused: Option, job: Job) -> str | None:
    """The token for the next target, if it is one that the refusing model's credit is for."""
    details = answer.message.get("stop_details") or {}
    token = details.get("fallback_credit_token")
    if token is None or not job.queue:
        return None
    return str(token) if job.queue[0].target.model in refused.model.fallback_targets else None


def _after_refusal(job: Job, option: Option, message: Json) -> list[Option]:
    """The provider's own rescuers first, those that have declined already left out."""
    declined = {item.model for item in read_usage(message.get("usage")).iterations}
    fresh = [o for o in job.rescue(option) if o.target.model not in declined]
    known = {o.target.model for o in fresh} | declined
    return [*fresh, *(o for o in job.queue if o.target.model not in known)]


def _observe(job: Job, attempt: Attempt) -> None:
    job.attempts.append(attempt)
    job.observe(attempt)


def _verdict(job: Job) -> Exception:
    """What to raise when every target has been tried."""
    attempts = tuple(job.attempts)
    last = attempts[-1] if attempts else None
    if last is not None and last.status == "refused":
        return Refused(job.bill.details, job.decision, attempts, job.bill.usage(attempts))
    return AllAttemptsFailed(job.decision, attempts, tuple(job.causes), _note(job, last))


def _note(job: Job, last: Attempt | None) -> str:
    """What the attempts' own errors do not say."""
    if last is not None and last.status == "rejected" and last.error != EMPTY:
        return "the validator rejected every answer"
    late = job.causes and isinstance(job.causes[-1], TimeoutError)
    return f"within {job.deadline_s:g} s" if late else ""
