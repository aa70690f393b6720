"""Bills that were once wrong: each of these lost or invented money."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

import turnout
from turnout.execution.validators import one_of

if TYPE_CHECKING:
    from tests.execution.conftest import MakeCaller, MakeRouter, Upstream

ASK = "Check my firewall rules."
COUNTS = {"input_tokens": 1000, "output_tokens": 200}


def answers(upstream: Upstream, **usage: Any) -> None:
    upstream.script({"do": {"reply": "Done.", "thinking": False, "usage": {**COUNTS, **usage}}})


def test_every_call_recorded_for_one_decision_counts(make: MakeRouter) -> None:
    """3 × 1,000,000 tokens × $4 per million; once only the first was in the report."""
    router = make()
    decision = router.route(ASK, model="claude-opus-5-5")
    for _ in range(3):
        router.record(decision, usage={"input_tokens": 1_000_000, "output_tokens": 0})
    report = router.report()
    assert (report["cost_usd"], report["attempts"], report["requests"]) == ("12", 3, 3)


def test_a_retry_that_succeeds_is_not_hidden_by_the_failure(make: MakeRouter) -> None:
    router = make()
    decision = router.route(ASK)
    router.record(decision, error="boom")
    router.record(decision, usage=COUNTS)
    report = router.report()
    assert (report["failed"], report["ok"]) == (1, 1)
    assert Decimal(report["cost_usd"]) > 0


@pytest.mark.parametrize("usage", [None, {}, {"total_tokens": 7}])
def test_a_call_of_unknown_cost_is_not_recorded_as_free(make: MakeRouter, usage: Any) -> None:
    router = make()
    with pytest.raises(turnout.InvalidRequest, match="usage"):
        router.record(router.route(ASK), usage=usage)


def test_the_usage_of_a_chat_completion_is_understood(make: MakeRouter) -> None:
    router = make()
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 200,
        "prompt_tokens_details": {"cached_tokens": 400},
    }
    attempt = router.record(router.route(ASK, model="openai:gpt-5"), usage=usage)
    seen = attempt.usage
    assert (seen.input_tokens, seen.cache_read_tokens, seen.output_tokens) == (600, 400, 200)


def test_no_hop_of_a_chain_that_declines_as_a_whole_is_billed(router: turnout.Router) -> None:
    with pytest.raises(turnout.Refused) as refused:
        router.run(f"[[refuse]] {ASK}", tier="mid", max_tier="mid")
    lines = [line for attempt in refused.value.attempts for line in attempt.cost_lines]
    assert len(lines) >= 3
    assert {line.note for line in lines} == {"refused before output, not billed"}


@pytest.mark.parametrize(
    ("extra", "baseline"),
    [
        # the top model: 1,000 × $8 + 200 × $40 per million = $0.016
        ({}, "0.016"),
        ({"web_search_requests": 3}, "0.046"),  # + 3 × $0.01
        ({"inference_geo": "us"}, "0.0176"),  # × 1.1
        ({"speed": "fast"}, "0.032"),  # $16 and $80
    ],
)
def test_outcome_and_report_agree_on_the_baseline(
    make: MakeRouter, upstream: Upstream, extra: dict[str, Any], baseline: str
) -> None:
    answers(upstream, **extra)
    router = make()
    outcome = router.run(ASK, tier="trivial")
    assert outcome.baseline_usd == Decimal(baseline)
    dearest = router.report()["savings"]["dearest"]
    assert Decimal(dearest["baseline_usd"]) == outcome.baseline_usd
    assert Decimal(dearest["savings_usd"]) == outcome.savings_usd


def test_an_answer_in_several_passes_is_compared_as_a_whole(
    make: MakeRouter, upstream: Upstream
) -> None:
    """A compaction and two passes: 3 × (1,000 in, 200 out) on Haiku, $0.048 on the top model."""
    passes = [
        {"type": "compaction", **COUNTS},
        {"type": "message", "model": "claude-haiku-5-5", **COUNTS},
        {"type": "message", "model": "claude-haiku-5-5", **COUNTS},
    ]
    answers(upstream, iterations=passes)
    outcome = make().run(ASK, tier="trivial")
    assert outcome.cost_usd == Decimal("0.0006")
    assert outcome.baseline_usd == Decimal("0.048")


def test_a_validators_escalation_is_no_fallback(make: MakeRouter, upstream: Upstream) -> None:
    upstream.script(
        {"when": {"model": "claude-haiku-*"}, "do": {"reply": "perhaps"}}, {"do": {"reply": "yes"}}
    )
    router = make()
    router.run(ASK, tier="trivial", validate=one_of(["yes", "no"]))
    report = router.report()
    assert (report["fallback_rate"], report["validator_escalation_rate"]) == (0.0, 1.0)


def test_a_stream_that_is_closed_early_is_billed_for_what_had_arrived(
    make: MakeRouter, upstream: Upstream
) -> None:
    upstream.script({"do": {"reply": "word " * 2000, "thinking": False}})
    router = make()
    stream = router.stream(ASK, tier="mid")
    for _ in range(100):
        next(stream)
    stream.close()
    report = router.report()
    assert report["cancelled"] == 1
    assert report["output_tokens"] > 100


def test_a_coroutine_is_no_validator(both: MakeCaller, upstream: Upstream) -> None:
    async def validate(outcome: turnout.Outcome) -> bool:
        return True

    for wrong in (validate, 5):
        with pytest.raises(turnout.InvalidRequest, match="validate"):
            both().run(ASK, validate=wrong)
    assert upstream.requests == []


@pytest.mark.parametrize("content", ["lone \ud800", [{"type": "text", "text": "lone \ud800"}]])
def test_what_cannot_be_sent_is_refused_at_once(
    make: MakeRouter, upstream: Upstream, content: Any
) -> None:
    with pytest.raises(turnout.InvalidRequest, match="surrogate"):
        make().run([{"role": "user", "content": content}])
    assert upstream.requests == []
