"""record, feedback and report: what callers tell us, and what adds up."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from anthropic.types import Usage as SdkUsage

import turnout

if TYPE_CHECKING:
    from tests.execution.conftest import Clock, MakeCaller, MakeRouter, Upstream

HI = "Hello"
MILLION = Decimal(1_000_000)
API_USAGE = {
    "input_tokens": 1000,
    "output_tokens": 200,
    "cache_read_input_tokens": 5000,
    "cache_creation_input_tokens": 300,
    "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
}
OURS = turnout.Usage(1000, 200, 100, 200, 5000)
# opus 5.5: 4/20 · writes 5 and 8 · reads 0.20 a million
OPUS = (Decimal(1000 * 4 + 200 * 20 + 100 * 5 + 200 * 8) + Decimal("0.2") * 5000) / MILLION


@pytest.mark.parametrize(
    "usage", [API_USAGE, OURS, SdkUsage.model_validate(API_USAGE)], ids=["json", "ours", "sdk"]
)
def test_a_call_made_elsewhere_is_recorded_at_its_price(
    both: MakeCaller, upstream: Upstream, usage: Any
) -> None:
    caller = both()
    decision = caller.route(HI, tier="mid")
    attempt = caller.record(decision, usage=usage, latency_ms=1200.5, ttft_ms=90)
    assert attempt.cost_usd == OPUS
    assert (attempt.status, attempt.served_by) == ("accepted", "claude-opus-5-5")
    (outcome,) = caller.router.ledger.documents("outcome")
    assert Decimal(outcome["cost_usd"]) == OPUS
    assert (outcome["status"], outcome["latency_ms"], outcome["ttft_ms"]) == ("ok", 1200.5, 90)
    assert upstream.requests == []


def test_the_message_of_the_sdk_may_be_recorded_as_it_came(
    both: MakeCaller, upstream: Upstream
) -> None:
    caller = both()
    decision = caller.route(HI, tier="low")
    with upstream.client() as client:
        message = client.messages.create(
            model=decision.model, max_tokens=2000, messages=[{"role": "user", "content": HI}]
        )
    attempt = caller.record(decision, usage=message.usage)
    assert attempt.cost_usd == (
        Decimal(2 * message.usage.input_tokens + 10 * message.usage.output_tokens) / MILLION
    )


def test_who_served_decides_the_price(both: MakeCaller) -> None:
    caller = both()
    decision = caller.route(HI, tier="high")
    usage = {"input_tokens": 100, "output_tokens": 10}
    attempt = caller.record(decision, usage=usage, served_by="claude-opus-4-8")
    assert attempt.cost_usd == Decimal(100 * 5 + 10 * 25) / MILLION
    (outcome,) = caller.router.ledger.documents("outcome")
    assert (outcome["served_by"], outcome["fallback"]) == ("claude-opus-4-8", True)


def test_a_call_that_failed_is_recorded_as_one(both: MakeCaller) -> None:
    caller = both()
    error = ConnectionError("gone")
    attempt = caller.record(caller.route(HI), error=error, latency_ms=30)
    assert (attempt.status, attempt.error, attempt.served_by) == ("error", "gone", None)
    assert attempt.cost_usd == 0
    (outcome,) = caller.router.ledger.documents("outcome")
    assert outcome["status"] == "failed"


def test_an_error_without_words_is_named_by_its_kind(both: MakeCaller) -> None:
    caller = both()
    assert caller.record(caller.route(HI), error=TimeoutError()).error == "TimeoutError"


def test_a_refusal_is_recorded_as_one(both: MakeCaller) -> None:
    caller = both()
    usage = {"input_tokens": 100, "output_tokens": 0}
    attempt = caller.record(caller.route(HI), usage=usage, stop_reason="refusal")
    assert (attempt.status, attempt.cost_usd) == ("refused", Decimal(0))
    (outcome,) = caller.router.ledger.documents("outcome")
    assert outcome["status"] == "refused"


def test_a_truncated_answer_is_recorded_as_one(both: MakeCaller) -> None:
    caller = both()
    caller.record(caller.route(HI), usage={"output_tokens": 5}, stop_reason="max_tokens")
    (outcome,) = caller.router.ledger.documents("outcome")
    assert outcome["status"] == "truncated"


NAN = float("nan")


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"usage": {"input_tokens": -1}}, "input_tokens"),
        ({"usage": {"output_tokens": NAN}}, "output_tokens"),
        ({"usage": {"output_tokens": 1.5}}, "output_tokens"),
        ({"usage": {"output_tokens": "5"}}, "output_tokens"),
        ({"usage": {"output_tokens": True}}, "output_tokens"),
        ({"usage": {"cache_creation": {"ephemeral_5m_input_tokens": -3}}}, "ephemeral_5m"),
        ({"usage": {"cache_creation": {"ephemeral_1h_input_tokens": NAN}}}, "ephemeral_1h"),
        ({"usage": {"cache_creation": 3}}, "usage"),
        ({"usage": {"server_tool_use": {"web_search_requests": -1}}}, "web_search_requests"),
        ({"usage": {"iterations": [{"input_tokens": -1}]}}, "input_tokens"),
        ({"usage": {"iterations": 5}}, "usage"),
        ({"usage": {"iterations": ["x"]}}, "usage"),
        ({"usage": turnout.Usage(input_tokens=-1)}, "input_tokens"),
        ({"usage": turnout.Usage(output_tokens=NAN)}, "output_tokens"),  # type: ignore[arg-type]
        ({"usage": [1, 2]}, "usage"),
        ({"usage": "many"}, "usage"),
        ({"latency_ms": -1}, "latency_ms"),
        ({"latency_ms": NAN}, "latency_ms"),
        ({"latency_ms": float("inf")}, "latency_ms"),
        ({"latency_ms": "5"}, "latency_ms"),
        ({"ttft_ms": -1}, "ttft_ms"),
        ({"served_by": "gpt-99-nobody", "usage": {"input_tokens": 1}}, "gpt-99-nobody"),
    ],
    ids=str,
)
def test_numbers_that_cannot_be_are_refused_and_nothing_is_recorded(
    both: MakeCaller, facts: Any, field: str
) -> None:
    caller = both()
    decision = caller.route(HI)
    with pytest.raises(turnout.InvalidRequest, match=field):
        caller.record(decision, **facts)
    assert caller.router.ledger.documents("attempt") == []
    assert caller.report()["requests"] == 0


def test_only_decisions_can_be_recorded(both: MakeCaller) -> None:
    with pytest.raises(turnout.InvalidRequest, match="is not a turnout"):
        both().record("dec_1", usage=API_USAGE)  # type: ignore[arg-type]


# -- feedback


def test_feedback_is_kept(both: MakeCaller, upstream: Upstream, clock: Clock) -> None:
    caller = both()
    outcome = caller.run(HI)
    feedback = caller.feedback(outcome.decision.id, score=0.9)
    assert (feedback.score, feedback.success) == (0.9, None)
    clock.move(minutes=1)
    caller.feedback(outcome.decision, success=False, note="wrong date")
    documents = caller.router.ledger.documents("feedback")
    assert [(d["score"], d["success"]) for d in documents] == [(None, False), (0.9, None)]


def test_feedback_comes_from_another_router_after_a_restart(
    both: MakeCaller, upstream: Upstream
) -> None:
    first = both()
    decision = first.run(HI).decision.id
    first.close()
    second = both()
    assert second.feedback(decision, score=1).decision == decision


@pytest.mark.parametrize("score", [NAN, -0.1, 1.1, float("inf"), "good", True])
def test_a_score_is_from_0_to_1(both: MakeCaller, upstream: Upstream, score: Any) -> None:
    caller = both()
    decision = caller.run(HI).decision
    with pytest.raises(turnout.InvalidRequest, match="score"):
        caller.feedback(decision, score=score)
    assert caller.router.ledger.documents("feedback") == []


def test_feedback_for_nobody_is_refused(both: MakeCaller, upstream: Upstream) -> None:
    caller = both()
    with pytest.raises(turnout.InvalidRequest, match="dec_nobody"):
        caller.feedback("dec_nobody", score=0.5)
    with pytest.raises(turnout.InvalidRequest, match="dec_"):
        caller.feedback(caller.route(HI), score=0.5)  # routed, but never recorded


def test_feedback_says_something(both: MakeCaller, upstream: Upstream) -> None:
    caller = both()
    decision = caller.run(HI).decision
    with pytest.raises(turnout.InvalidRequest, match="score"):
        caller.feedback(decision)
    with pytest.raises(turnout.InvalidRequest, match="success"):
        caller.feedback(decision, success="yes")


# -- what is written


def test_route_writes_nothing(both: MakeCaller) -> None:
    caller = both()
    for _ in range(3):
        caller.route(HI)
    assert caller.router.ledger.decisions() == []


def test_a_run_leaves_decision_attempts_and_outcome(both: MakeCaller, upstream: Upstream) -> None:
    upstream.script({"when": {"model": "claude-haiku-5-5"}, "do": {"error": 529}})
    caller = both({"execution": {"max_retries": 0}})
    outcome = caller.run("My secret word is xyzzy", conversation="c1")
    found = caller.router.ledger.decision(outcome.decision.id)
    assert found["decision"] == {**outcome.decision.to_dict(), "source": "run"}
    assert {a["number"]: a["status"] for a in found["attempts"]} == {1: "error", 2: "accepted"}
    assert found["outcome"]["served_by"] == "claude-haiku-4-5"
    assert found["outcome"]["fallback"] is True
    assert Decimal(found["outcome"]["cost_usd"]) == outcome.cost_usd
    assert "xyzzy" not in str(found)


def test_prompts_are_kept_on_request(make: MakeRouter, upstream: Upstream, tmp_path: Any) -> None:
    router = make({"ledger": {"folder": str(tmp_path / "p"), "record_prompts": True}})
    router.run("My word is xyzzy")
    assert router.ledger is not None
    assert "xyzzy" in str(router.ledger.documents("prompt"))


def test_the_report_is_the_sum_of_the_outcomes(both: MakeCaller, upstream: Upstream) -> None:
    upstream.script(
        {"when": {"contains": "limited", "call": 1}, "do": {"error": 529}},
        {"when": {"contains": "declined", "model": "claude-haiku-*"}, "do": {"refuse": "cyber"}},
    )
    caller = both({"execution": {"max_retries": 0}})
    outcomes = [
        caller.run(HI),
        caller.run("limited"),
        caller.run("declined"),
        caller.run(HI, tier="high"),
        caller.run(HI, validate=lambda outcome: len(outcome.attempts) > 1),
        caller.stream(HI, tier="mid")[-1],
    ]
    done = [outcome for outcome in outcomes if isinstance(outcome, turnout.Outcome)]
    assert len(done) == 6
    report = caller.report()
    assert report["requests"] == 6
    assert Decimal(report["cost_usd"]) == sum(o.cost_usd or 0 for o in done)
    by_model = caller.report(by="model")
    assert sum(Decimal(row["cost_usd"]) for row in by_model["groups"]) == Decimal(
        report["cost_usd"]
    )


def test_every_count_of_an_outcome_is_recorded(both: MakeCaller, upstream: Upstream) -> None:
    upstream.script({"do": {"reply": "x", "usage": {
        "input_tokens": 11, "output_tokens": 13, "cache_read_input_tokens": 17,
        "cache_creation": {"ephemeral_5m_input_tokens": 19, "ephemeral_1h_input_tokens": 23},
        "web_search_requests": 2,
    }}})  # fmt: skip
    caller = both()
    outcome = caller.run(HI)
    (recorded,) = caller.router.ledger.documents("outcome")
    numbers = [f.name for f in fields(turnout.Usage) if f.name.endswith(("tokens", "searches"))]
    assert {name: recorded["usage"][name] for name in numbers} == {
        name: getattr(outcome.usage, name) for name in numbers
    }
    # haiku 5.5: 0.10/0.50 · writes 0.125 and 0.20 · reads 0.01; a search is one cent
    tokens = 11 * Decimal("0.1") + 13 * Decimal("0.5") + 17 * Decimal("0.01")
    tokens += 19 * Decimal("0.125") + 23 * Decimal("0.2")
    assert outcome.cost_usd == tokens / MILLION + Decimal("0.02")
