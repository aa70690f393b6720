"""The plan by hand: answers and failures are sent in, nothing is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any

import pytest

import turnout
from turnout.catalog.ladders import ladder
from turnout.catalog.store import bundled
from turnout.execution.bill import Biller
from turnout.execution.plan import Answer, Call, Failure, Flow, Job, Reply, Wait, plan
from turnout.execution.shape import Body
from turnout.policy.chain import Option
from turnout.types import Target

CATALOG = bundled()
LADDER = ladder("claude", CATALOG)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
OVERLOADED = Failure(ConnectionError("overloaded"), "overloaded_error: Overloaded", status=529)
LIMITED = Failure(ConnectionError("slow down"), "rate_limit_error: Slow down", status=429)
BROKEN = Failure(ConnectionResetError("reset"), "ConnectionResetError: reset")
LAST_RESORT = Failure(ConnectionError("no"), "authentication_error: invalid x-api-key", status=401)


class Scene:
    """A job over these models, driven step by step, with a clock that moves by hand."""

    def __init__(self, *models: str, above: Sequence[str] = (), **facts: Any) -> None:
        self.seconds = 0.0
        self.credits: list[str | None] = []
        self.rescuers: list[Option] = []
        options = [option(name) for name in models]
        numbers = count(1)
        decision = turnout.Decision(
            id="dec_1",
            at=NOON,
            model=options[0].target.model,
            provider="anthropic",
            tier=options[0].tier,
            effort=None,
            confidence=1.0,
            tier_probabilities={},
            classifier="fixed",
            original_tier=options[0].tier,
        )
        plain: dict[str, Any] = {
            "decision": decision,
            "queue": options,
            "above": lambda rung: [o for o in map(option, above) if o.rung > rung],
            "rescue": lambda refused: self.rescuers,
            "body": self._body,
            "bill": Biller(CATALOG, LADDER, new_id=lambda: f"att_{next(numbers)}"),
            "observe": self._observe,
            "now": self._now,
            "rng": Random(1),
            "deadline_s": 60.0,
            "max_retries": 2,
            "elapsed_s": lambda: self.seconds,
        }
        self.observed: list[turnout.Attempt] = []
        self.job = Job(**{**plain, **facts})
        self.flow: Flow = plan(self.job)
        self.waits: list[float] = []

    def _now(self) -> datetime:
        from datetime import timedelta

        return NOON + timedelta(seconds=self.seconds)

    def _observe(self, attempt: turnout.Attempt) -> None:
        self.observed.append(attempt)

    def _body(self, option: Option, credit: str | None) -> Body:
        self.credits.append(credit)
        return Body({"model": option.model.id, "max_tokens": 1000, "messages": []})

    def send(self, reply: Reply = None) -> str:
        """Send a reply, sleep as told, and say which model is called next."""
        step = self.flow.send(reply)
        while isinstance(step, Wait):
            self.waits.append(step.seconds)
            self.seconds += step.seconds
            step = self.flow.send(None)
        assert isinstance(step, Call)
        return str(step.body["model"])

    def end(self, reply: Reply) -> turnout.Outcome:
        """Send the last reply; the outcome, or what is raised."""
        with pytest.raises(StopIteration) as stop:
            self.flow.send(reply)
        outcome: turnout.Outcome = stop.value.value
        return outcome

    def tried(self) -> list[tuple[str, str]]:
        return [(attempt.model, attempt.status) for attempt in self.observed]


def option(name: str) -> Option:
    """A model as a target of the tier that its line stands for."""
    model = CATALOG.get(name)
    rung = ["haiku", "sonnet", "opus", "fable"].index(model.line or "")
    return Option(rung, LADDER.names[rung], Target(model.id), model, 10, 0, None, True)


def said(text: str = "4", model: str = "claude-haiku-5-5", **fields: Any) -> Answer:
    """An answer with this text: ten tokens in, five out."""
    content = [{"type": "text", "text": text}] if text else []
    usage = {"input_tokens": 10, "output_tokens": 5}
    message = {"model": model, "content": content, "stop_reason": "end_turn", "usage": usage}
    return Answer({**message, **fields}, latency_ms=1.0)


def declined(model: str, token: str | None = None, text: str = "") -> Answer:
    """A refusal, with a credit token perhaps."""
    details = {"type": "refusal", "category": "cyber", "fallback_credit_token": token}
    return said(text, model, stop_reason="refusal", stop_details=details)


def test_a_target_is_tried_again_after_a_failure_that_may_pass() -> None:
    scene = Scene("claude-haiku-5-5", "claude-sonnet-5-5")
    assert scene.send() == "claude-haiku-5-5"
    assert scene.send(OVERLOADED) == "claude-haiku-5-5"
    outcome = scene.end(said())
    assert outcome.text == "4"
    assert [attempt.number for attempt in outcome.attempts] == [1, 2]
    assert scene.tried() == [("claude-haiku-5-5", "error"), ("claude-haiku-5-5", "accepted")]


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_retries_are_capped_and_then_the_next_target_is_asked(retries: int) -> None:
    scene = Scene("claude-haiku-5-5", "claude-sonnet-5-5", max_retries=retries)
    assert scene.send() == "claude-haiku-5-5"
    for _ in range(retries):
        assert scene.send(OVERLOADED) == "claude-haiku-5-5"
    assert scene.send(OVERLOADED) == "claude-sonnet-5-5"
    assert len(scene.waits) == retries


def test_each_target_has_retries_of_its_own() -> None:
    scene = Scene("claude-haiku-5-5", "claude-sonnet-5-5", max_retries=1)
    asked = [scene.send(), scene.send(BROKEN), scene.send(BROKEN), scene.send(BROKEN)]
    assert asked == ["claude-haiku-5-5"] * 2 + ["claude-sonnet-5-5"] * 2
    with pytest.raises(turnout.AllAttemptsFailed) as failed:
        scene.send(BROKEN)
    assert len(failed.value.causes) == len(failed.value.attempts) == 4


def test_pauses_grow_with_jitter_between_a_half_and_the_whole() -> None:
    for seed in range(50):
        scene = Scene("claude-haiku-5-5", rng=Random(seed), max_retries=7, deadline_s=1e6)
        scene.send()
        for _ in range(7):
            scene.send(OVERLOADED)
        for pause, ceiling in zip(scene.waits, [0.5, 1, 2, 4, 8, 8, 8], strict=True):
            assert ceiling / 2 <= pause <= ceiling


def test_the_same_seed_pauses_alike() -> None:
    def pauses() -> list[float]:
        scene = Scene("claude-haiku-5-5", rng=Random(3))
        scene.send()
        scene.send(OVERLOADED)
        scene.send(OVERLOADED)
        return scene.waits

    assert pauses() == pauses()


def test_x_should_retry_false_goes_to_the_next_target_at_once() -> None:
    scene = Scene("claude-haiku-5-5", "claude-sonnet-5-5")
    scene.send()
    assert scene.send(replace(OVERLOADED, should_retry=False)) == "claude-sonnet-5-5"
    assert scene.waits == []


def test_x_should_retry_true_retries_what_would_not_be_retried() -> None:
    scene = Scene("claude-haiku-5-5")
    scene.send()
    conflict = Failure(ConnectionError("no"), "not_found_error: gone", status=404)
    assert scene.send(replace(conflict, should_retry=True)) == "claude-haiku-5-5"


def test_retry_after_is_waited_for_exactly() -> None:
    scene = Scene("claude-haiku-5-5")
    scene.send()
    scene.send(replace(LIMITED, retry_after_s=7.25))
    assert scene.waits == [7.25]


def test_retry_after_zero_retries_at_once() -> None:
    scene = Scene("claude-haiku-5-5")
    scene.send()
    scene.send(replace(LIMITED, retry_after_s=0.0))
    assert scene.waits == [0.0]


def test_a_long_retry_after_asks_the_next_target_instead_of_waiting() -> None:
    scene = Scene("claude-haiku-5-5", "claude-sonnet-5-5", deadline_s=600)
    scene.send()
    assert scene.send(replace(LIMITED, retry_after_s=90.0)) == "claude-sonnet-5-5"
    assert scene.waits == []


def test_retry_after_is_not_waited_for_beyond_the_deadline() -> None:
    scene = Scene("claude-haiku-5-5", "claude-sonnet-5-5", deadline_s=5)
    scene.send()
    assert scene.send(replace(LIMITED, retry_after_s=6.0)) == "claude-sonnet-5-5"
    assert scene.waits == []


def test_the_time_that_a_failed_call_took_counts_against_the_pause() -> None:
    """The pause was once compared with what was left before the call, and overran."""
    scene = Scene("claude-haiku-5-5", "claude-sonnet-5-5", deadline_s=5)
    scene.send()
    scene.seconds = 4.0
    assert scene.send(replace(LIMITED, retry_after_s=2.0)) == "claude-sonnet-5-5"
    assert scene.waits == []


def test_the_deadline_covers_retries_and_fallbacks_together() -> None:
    scene = Scene("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5", deadline_s=10)
    scene.send()
    scene.seconds = 4.0
    assert scene.send(replace(OVERLOADED, should_retry=False)) == "claude-sonnet-5-5"
    scene.seconds = 10.0
    with pytest.raises(turnout.AllAttemptsFailed, match="within 10 s") as failed:
        scene.send(replace(OVERLOADED, should_retry=False))
    assert len(failed.value.attempts) == 2
    assert isinstance(failed.value.causes[-1], TimeoutError)


def test_each_call_gets_what_is_left_of_the_deadline() -> None:
    scene = Scene("claude-haiku-5-5", deadline_s=10)
    first = scene.flow.send(None)
    assert isinstance(first, Call)
    scene.seconds = 4.0
    wait = scene.flow.send(OVERLOADED)
    assert isinstance(wait, Wait)
    scene.seconds += wait.seconds
    second = scene.flow.send(None)
    assert isinstance(second, Call)
    assert first.timeout_s == 10.0
    assert second.timeout_s == pytest.approx(6.0 - wait.seconds, abs=1e-5)


def test_a_spend_cap_is_not_retried_anywhere() -> None:
    scene = Scene("claude-haiku-5-5", "claude-sonnet-5-5")
    scene.send()
    capped = replace(LIMITED, code="enforced_spend_limit_reached", text="rate_limit_error: cap")
    with pytest.raises(turnout.AllAttemptsFailed, match="cap") as failed:
        scene.send(capped)
    assert len(failed.value.attempts) == 1
    assert scene.waits == []


@pytest.mark.parametrize(
    ("limited", "sibling", "other"),
    [
        ("claude-fable-5", "claude-fable-5-1", "claude-fable-5-2"),
        ("claude-opus-4-8", "claude-opus-4-7", "claude-opus-5"),
        ("claude-opus-4-6", "claude-opus-4-5", "claude-haiku-5-5"),
        ("claude-sonnet-4-6", "claude-sonnet-4-5", "claude-sonnet-5"),
    ],
)
def test_a_rate_limit_skips_those_that_share_the_pool(
    limited: str, sibling: str, other: str
) -> None:
    scene = Scene(limited, sibling, other, max_retries=0)
    scene.send()
    assert scene.send(LIMITED) == CATALOG.get(other).id


def test_an_overload_does_not_skip_the_pool() -> None:
    scene = Scene("claude-fable-5", "claude-fable-5-1", max_retries=0)
    scene.send()
    assert scene.send(OVERLOADED) == "claude-fable-5-1"


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529, None])
def test_what_may_pass_goes_to_the_next_target(status: int | None) -> None:
    scene = Scene("claude-haiku-5-5", "claude-sonnet-5-5", max_retries=0)
    scene.send()
    assert scene.send(replace(OVERLOADED, status=status)) == "claude-sonnet-5-5"


@pytest.mark.parametrize("status", [403, 404])
def test_a_model_that_is_not_there_goes_to_the_next_target_without_retrying(status: int) -> None:
    scene = Scene("claude-haiku-5-5", "claude-sonnet-5-5")
    scene.send()
    assert scene.send(replace(OVERLOADED, status=status)) == "claude-sonnet-5-5"
    assert scene.waits == []


@pytest.mark.parametrize("status", [400, 401, 402, 413, 422])
def test_what_no_target_can_mend_is_raised_at_once_with_the_apis_message(status: int) -> None:
    scene = Scene("claude-haiku-5-5", "claude-sonnet-5-5")
    scene.send()
    with pytest.raises(turnout.AllAttemptsFailed, match="invalid x-api-key") as failed:
        scene.send(replace(LAST_RESORT, status=status))
    assert failed.value.attempts[0].http_status == status
    assert failed.value.__cause__ is LAST_RESORT.cause


def test_a_prompt_that_is_too_long_goes_only_to_larger_windows() -> None:
    scene = Scene("claude-haiku-4-5", "claude-sonnet-4-5", "claude-sonnet-5-5")
    scene.send()
    long = Failure(ValueError("long"), "invalid_request_error: prompt is too long", status=400)
    assert scene.send(long) == "claude-sonnet-5-5"


def test_a_prompt_that_is_too_long_for_all_is_an_error() -> None:
    scene = Scene("claude-sonnet-5-5", "claude-opus-5-5")
    scene.send()
    long = Failure(ValueError("long"), "invalid_request_error: prompt is too long", status=400)
    with pytest.raises(turnout.AllAttemptsFailed, match="prompt is too long"):
        scene.send(long)


def test_no_work_is_done_after_the_caller_has_gone() -> None:
    scene = Scene("claude-haiku-5-5", "claude-sonnet-5-5")
    call = scene.flow.send(None)
    assert isinstance(call, Call)
    usage = {"input_tokens": 1000, "output_tokens": 3}
    call.progress.message = {"model": "claude-haiku-5-5", "content": [], "usage": usage}
    with pytest.raises(KeyboardInterrupt):
        scene.flow.throw(KeyboardInterrupt())
    (attempt,) = scene.observed
    assert (attempt.status, attempt.error) == ("error", "cancelled by the caller")
    assert attempt.cost_usd == Decimal("0.0001015")  # 1000 × 0.10 + 3 × 0.50 a million
    with pytest.raises(StopIteration):
        scene.flow.send(None)


def test_a_caller_who_leaves_during_a_pause_ends_the_plan() -> None:
    scene = Scene("claude-haiku-5-5", "claude-sonnet-5-5")
    scene.flow.send(None)
    assert isinstance(scene.flow.send(OVERLOADED), Wait)
    with pytest.raises(KeyboardInterrupt):
        scene.flow.throw(KeyboardInterrupt())
    assert len(scene.observed) == 1


def test_a_failure_on_our_side_is_not_called_a_cancellation() -> None:
    """A missing key was once recorded as "cancelled by the caller"."""
    scene = Scene("claude-haiku-5-5")
    scene.flow.send(None)
    with pytest.raises(turnout.ConfigError):
        scene.flow.throw(turnout.ConfigError("no API key"))
    assert scene.observed[0].error == "no API key"


def test_nothing_is_tried_again_once_part_of_an_answer_was_shown() -> None:
    scene = Scene("claude-haiku-5-5", "claude-sonnet-5-5", streaming=True)
    scene.send()
    with pytest.raises(turnout.AllAttemptsFailed):
        scene.send(replace(OVERLOADED, seen=True))
    assert scene.tried() == [("claude-haiku-5-5", "error")]


def test_a_stream_that_nobody_sees_is_tried_again_even_after_content() -> None:
    """`run` streams large answers under the hood; a break in them once ended the request."""
    scene = Scene("claude-haiku-5-5", "claude-sonnet-5-5", max_retries=1)
    scene.send()
    assert scene.send(replace(BROKEN, seen=True)) == "claude-haiku-5-5"
    assert scene.send(replace(BROKEN, seen=True)) == "claude-sonnet-5-5"


# -- refusals


def test_a_refusal_asks_the_next_target() -> None:
    scene = Scene("claude-haiku-5-5", "claude-sonnet-5-5")
    scene.send()
    assert scene.send(declined("claude-haiku-5-5")) == "claude-sonnet-5-5"
    outcome = scene.end(said(model="claude-sonnet-5-5"))
    assert [a.status for a in outcome.attempts] == ["refused", "accepted"]
    assert outcome.cost_usd == Decimal("0.00007") + Decimal("0.0000035")


def test_when_everyone_declines_the_error_holds_everything() -> None:
    scene = Scene("claude-haiku-5-5", "claude-sonnet-5-5")
    scene.send()
    scene.send(declined("claude-haiku-5-5"))
    with pytest.raises(turnout.Refused, match=r"cyber.*claude-haiku-5-5, claude-sonnet-5-5") as no:
        scene.send(declined("claude-sonnet-5-5"))
    assert no.value.details["category"] == "cyber"
    assert no.value.decision is scene.job.decision
    assert [a.model for a in no.value.attempts] == ["claude-haiku-5-5", "claude-sonnet-5-5"]
    assert (no.value.usage.input_tokens, no.value.usage.output_tokens) == (20, 10)


def test_a_refusal_stays_one_when_the_fallbacks_fail() -> None:
    """Refused, then overloaded elsewhere: the caller hears both."""
    scene = Scene("claude-haiku-5-5", "claude-sonnet-5-5", max_retries=0)
    scene.send()
    scene.send(declined("claude-haiku-5-5"))
    with pytest.raises(turnout.TurnoutError, match="cyber") as failed:
        scene.send(OVERLOADED)
    assert "overloaded" in str(failed.value)


def test_the_credit_goes_to_the_providers_own_fallback_and_is_used_once() -> None:
    scene = Scene("claude-opus-5-5", "claude-sonnet-5-5", max_retries=1)
    scene.rescuers = [option("claude-opus-5"), option("claude-opus-4-8")]
    scene.send()
    assert scene.send(declined("claude-opus-5-5", token="t1")) == "claude-opus-5"
    assert scene.send(OVERLOADED) == "claude-opus-5"
    scene.rescuers = []
    assert scene.send(declined("claude-opus-5")) == "claude-opus-4-8"
    assert scene.credits == [None, "t1", "t1", None]


def test_no_credit_is_presented_to_a_model_that_it_is_not_for() -> None:
    scene = Scene("claude-haiku-5-5", "claude-sonnet-5-5")
    scene.send()
    scene.send(declined("claude-haiku-5-5", token="t1"))
    assert scene.credits == [None, None]


def test_a_refusal_after_text_was_shown_is_not_begun_anew() -> None:
    scene = Scene("claude-haiku-5-5", "claude-sonnet-5-5", streaming=True)
    scene.send()
    shown = replace(declined("claude-haiku-5-5", text="First, take"), ttft_ms=5.0)
    with pytest.raises(turnout.Refused):
        scene.send(shown)


def test_an_empty_answer_after_something_was_shown_is_not_begun_anew() -> None:
    """Thinking had been relayed, then a second message_start followed."""
    scene = Scene("claude-haiku-5-5", streaming=True, above=["claude-sonnet-5-5"])
    scene.send()
    with pytest.raises(turnout.AllAttemptsFailed, match="empty"):
        scene.send(replace(said(""), ttft_ms=5.0))


# -- validators and empty answers


def accept(*texts: str) -> Callable[[turnout.Outcome], bool | str]:
    return lambda outcome: outcome.text in texts or f"{outcome.text} is wrong"


def test_a_rejected_answer_climbs_tier_by_tier_and_every_answer_is_judged() -> None:
    tiers = ["claude-sonnet-5-5", "claude-opus-5-5", "claude-fable-5-2"]
    scene = Scene("claude-haiku-5-5", "claude-haiku-4-5", above=tiers, validate=accept("good"))
    scene.send()
    assert scene.send(said("bad")) == "claude-sonnet-5-5"
    assert scene.send(said("worse", "claude-sonnet-5-5")) == "claude-opus-5-5"
    outcome = scene.end(said("good", "claude-opus-5-5"))
    assert outcome.escalated
    assert [(a.status, a.error) for a in outcome.attempts] == [
        ("rejected", "bad is wrong"),
        ("rejected", "worse is wrong"),
        ("accepted", None),
    ]
    assert outcome.usage.output_tokens == 15
    # 10 in, 5 out: haiku 0.10/0.50, sonnet 2/10, opus 4/20 a million.
    assert outcome.cost_usd == Decimal("0.0000035") + Decimal("0.00007") + Decimal("0.00014")


def test_when_the_ladder_ends_every_rejection_is_named() -> None:
    scene = Scene("claude-opus-5-5", above=["claude-fable-5-2"], validate=accept("good"))
    scene.send()
    scene.send(said("bad", "claude-opus-5-5"))
    with pytest.raises(turnout.AllAttemptsFailed, match="validator rejected every answer") as end:
        scene.send(said("worse", "claude-fable-5-2"))
    assert "bad is wrong" in str(end.value)
    assert "worse is wrong" in str(end.value)


def test_a_validator_that_raises_leaves_its_attempt_behind() -> None:
    """What the answer cost was once lost with the exception."""

    def broken(outcome: turnout.Outcome) -> bool:
        raise ZeroDivisionError("oops")

    scene = Scene("claude-haiku-5-5", validate=broken)
    scene.send()
    with pytest.raises(ZeroDivisionError):
        scene.send(said())
    (attempt,) = scene.observed
    assert attempt.cost_usd == Decimal("0.0000035")
    assert (attempt.status, attempt.error) == ("rejected", "the validator raised ZeroDivisionError")


@pytest.mark.parametrize("verdict", [False, None, ""])
def test_a_validator_that_gives_no_reason_still_rejects(verdict: Any) -> None:
    scene = Scene("claude-haiku-5-5", validate=lambda outcome: verdict)
    scene.send()
    with pytest.raises(turnout.AllAttemptsFailed, match="the validator said no"):
        scene.send(said())


def test_an_empty_answer_is_tried_elsewhere() -> None:
    scene = Scene("claude-haiku-5-5", above=["claude-sonnet-5-5"])
    scene.send()
    assert scene.send(said(" \n")) == "claude-sonnet-5-5"


def test_an_empty_answer_at_the_top_goes_to_the_fallbacks() -> None:
    scene = Scene("claude-fable-5-2", "claude-opus-5-5")
    scene.send()
    assert scene.send(said("", "claude-fable-5-2")) == "claude-opus-5-5"


def test_empty_answers_everywhere_are_an_error_that_blames_no_validator() -> None:
    scene = Scene("claude-haiku-5-5")
    scene.send()
    with pytest.raises(turnout.AllAttemptsFailed, match="the answer is empty") as failed:
        scene.send(said(""))
    assert "validator" not in str(failed.value)


def test_thinking_that_eats_the_limit_is_truncation_not_success() -> None:
    scene = Scene("claude-haiku-5-5", "claude-sonnet-5-5")
    scene.send()
    thinking = [{"type": "thinking", "thinking": "Hm.", "signature": "s"}]
    with pytest.raises(turnout.Truncated, match="raise max_tokens") as cut:
        scene.send(said(content=thinking, stop_reason="max_tokens"))
    assert cut.value.limit == "max_tokens"
    assert cut.value.attempts[0].cost_usd == Decimal("0.0000035")


@pytest.mark.parametrize("stop", ["max_tokens", "model_context_window_exceeded"])
def test_text_that_stops_at_a_limit_is_an_answer_marked_truncated(stop: str) -> None:
    scene = Scene("claude-haiku-5-5")
    scene.send()
    outcome = scene.end(said("Once upon", stop_reason=stop))
    assert (outcome.text, outcome.truncated, outcome.stop_reason) == ("Once upon", True, stop)


def test_tool_use_alone_is_an_answer_without_text() -> None:
    scene = Scene("claude-haiku-5-5")
    scene.send()
    call = {"type": "tool_use", "id": "t1", "name": "look", "input": {}}
    outcome = scene.end(said(content=[call], stop_reason="tool_use"))
    assert (outcome.text, outcome.tool_uses) == ("", (call,))


def test_a_paused_turn_is_visible() -> None:
    scene = Scene("claude-haiku-5-5")
    scene.send()
    search = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}}
    outcome = scene.end(said(content=[search], stop_reason="pause_turn"))
    assert outcome.stop_reason == "pause_turn"


def test_all_text_blocks_are_the_text() -> None:
    scene = Scene("claude-haiku-5-5")
    scene.send()
    blocks = [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "text", "text": "One, "},
        {"type": "text", "text": "two."},
    ]
    assert scene.end(said(content=blocks)).text == "One, two."


def test_an_answer_by_a_model_that_nobody_knows_is_kept_and_unpriced() -> None:
    """The answer was paid for; a gap in the price table once threw it away."""
    scene = Scene("claude-fable-5-2")
    scene.send()
    passes = [
        {"type": "message", "model": "claude-fable-5-2", "input_tokens": 10, "output_tokens": 0},
        {"type": "fallback_message", "model": "claude-new-9", "input_tokens": 10,
         "output_tokens": 5},
    ]  # fmt: skip
    usage = {"input_tokens": 10, "output_tokens": 5, "iterations": passes}
    outcome = scene.end(said("Hello", "claude-new-9", usage=usage))
    assert (outcome.text, outcome.served_by, outcome.cost_usd) == ("Hello", "claude-new-9", None)
