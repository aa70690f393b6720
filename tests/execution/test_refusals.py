"""Refusals: rescued by the API or by us, at the right price, and never below a floor."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

import turnout
from turnout.emulator import Emulator, serve

if TYPE_CHECKING:
    from tests.execution.conftest import Clock, Json, MakeCaller, MakeRouter, Upstream

ASK = "Check my firewall rules."
CYBER = f"{ASK} [[refuse:cyber]]"
MILLION = Decimal(1_000_000)
CLIENT_SIDE = {"execution": {"server_fallbacks": False}}


def test_the_api_falls_back_and_each_pass_has_its_own_price(
    both: MakeCaller, upstream: Upstream
) -> None:
    upstream.script(
        {"when": {"model": "claude-fable-5-2"}, "do": {"refuse": {"category": "cyber",
                                                                  "partial_text": "First, take"}}},
        {"do": {"reply": "Here you are.", "thinking": False}},
    )  # fmt: skip
    outcome = both().run(ASK, tier="high")
    assert len(upstream.requests) == 1
    assert (outcome.decision.model, outcome.served_by) == ("claude-fable-5-2", "claude-opus-4-8")
    assert outcome.text.endswith("Here you are.")
    assert [item.kind for item in outcome.usage.iterations] == ["message", "fallback_message"]
    first, second = outcome.usage.iterations
    hand = (
        first.usage.input_tokens * Decimal(8)
        + first.usage.output_tokens * Decimal(40)
        + second.usage.input_tokens * Decimal(5)
        + second.usage.output_tokens * Decimal(25)
    ) / MILLION
    assert outcome.cost_usd == hand
    assert [line.model for line in outcome.attempts[0].cost_lines] == [
        "claude-fable-5-2",
        "claude-opus-4-8",
    ]


def test_the_served_model_and_the_bill_follow_the_iterations(
    router: turnout.Router, upstream: Upstream
) -> None:
    passes = [
        {"type": "message", "model": "claude-fable-5-2", "input_tokens": 1000, "output_tokens": 10},
        {"type": "fallback_message", "model": "claude-opus-4-8", "input_tokens": 900,
         "output_tokens": 200, "cache_read_input_tokens": 4000},
    ]  # fmt: skip
    upstream.script({"do": {"reply": "Hi", "usage": {"iterations": passes}}})
    outcome = router.run(ASK, tier="high")
    assert outcome.served_by == "claude-opus-4-8"
    assert (outcome.usage.input_tokens, outcome.usage.output_tokens) == (1900, 210)
    # fable 5.2: 8/40; opus 4.8: 5/25, reads 0.50
    assert (
        outcome.cost_usd
        == (Decimal(1000 * 8 + 10 * 40) + Decimal(900 * 5 + 200 * 25) + Decimal("0.5") * 4000)
        / MILLION
    )


def test_a_hop_that_declined_before_any_output_is_free_unless_your_bill_says_otherwise(
    make: MakeRouter, upstream: Upstream
) -> None:
    free = make().run(CYBER, tier="high")
    assert free.attempts[0].cost_lines[0].cost_usd == 0
    assert free.attempts[0].cost_lines[0].note == "refused before output, not billed"
    upstream.emulator.reset()
    billed = make({"execution": {"bill_refusals": True}}).run(CYBER, tier="high")
    line = billed.attempts[0].cost_lines[0]
    assert line.cost_usd == line.usage.prompt_tokens * Decimal(8) / MILLION > 0
    assert billed.cost_usd is not None
    assert free.cost_usd is not None
    assert billed.cost_usd == free.cost_usd + line.cost_usd


def test_a_whole_refusal_is_free_unless_your_bill_says_otherwise(
    make: MakeRouter, upstream: Upstream
) -> None:
    costs = []
    for setting in (False, True):
        router = make({"execution": {"bill_refusals": setting, "max_fallbacks": 0}})
        with pytest.raises(turnout.Refused) as no:
            router.run(CYBER, tier="trivial")
        costs.append(no.value.attempts[0].cost_usd)
    tokens = no.value.usage.prompt_tokens
    assert costs == [Decimal(0), tokens * Decimal("0.1") / MILLION]


def test_a_later_turn_is_served_by_the_fallback_at_once(
    router: turnout.Router, upstream: Upstream
) -> None:
    """Sticky turns carry no fallback block; only the iterations say who served."""
    first = router.run(CYBER, tier="high")
    follow_up: list[Json] = [
        {"role": "user", "content": CYBER},
        {"role": "assistant", "content": first.message["content"]},
        {"role": "user", "content": "Thanks. And IPv6?"},
    ]
    second = router.run(follow_up, decision=first.decision)
    kinds = [block["type"] for block in second.message["content"]]
    assert "fallback" not in kinds
    assert (second.decision.model, second.served_by) == ("claude-fable-5-2", "claude-opus-4-8")
    (line,) = second.attempts[0].cost_lines
    assert line.model == "claude-opus-4-8"


def test_when_everyone_declines_the_error_says_what_and_who(
    both: MakeCaller, upstream: Upstream
) -> None:
    with pytest.raises(turnout.Refused, match="the model refused") as no:
        both().run(f"{ASK} [[refuse]]", tier="high")
    assert no.value.details["type"] == "refusal"
    assert no.value.decision.model == "claude-fable-5-2"
    assert {attempt.status for attempt in no.value.attempts} == {"refused"}
    assert no.value.usage.prompt_tokens == sum(a.usage.prompt_tokens for a in no.value.attempts)


def test_a_client_side_fallback_redeems_the_credit_with_the_same_body(
    both: MakeCaller, upstream: Upstream
) -> None:
    outcome = both(CLIENT_SIDE).run(CYBER, tier="mid")
    assert outcome.served_by == "claude-opus-4-8"
    assert outcome.usage.fallback_credit == "redeemed"
    bodies = upstream.bodies
    assert [body["model"] for body in bodies] == [
        "claude-opus-5-5",
        "claude-opus-5",
        "claude-opus-4-8",
    ]
    aside = ("model", "fallback_credit_token", "thinking", "output_config")
    first, last = ({k: v for k, v in b.items() if k not in aside} for b in (bodies[0], bodies[-1]))
    assert first == last
    assert "fallback_credit_token" not in bodies[0]


def test_a_model_without_fallbacks_of_its_own_goes_up_the_chain(
    both: MakeCaller, upstream: Upstream
) -> None:
    outcome = both().run(CYBER, tier="trivial")
    assert upstream.models[0] == "claude-haiku-5-5"
    assert outcome.served_by != "claude-haiku-5-5"
    assert "fallbacks" not in upstream.bodies[0]


@pytest.mark.parametrize("settings", [{}, CLIENT_SIDE], ids=["server", "client"])
def test_a_floor_holds_for_rescuers_too(
    make: MakeRouter, upstream: Upstream, settings: Json
) -> None:
    with pytest.raises(turnout.Refused):
        make(settings).run(CYBER, tier="high", min_tier="high")
    for body in upstream.bodies:
        assert body["model"].startswith("claude-fable")
        assert "fallbacks" not in body


def test_a_kept_route_keeps_the_floor_it_was_made_with(
    make: MakeRouter, upstream: Upstream
) -> None:
    router = make()
    decision = router.route(CYBER, min_tier="high")
    with pytest.raises(turnout.Refused):
        router.run(CYBER, decision=decision)


def test_a_ceiling_holds_for_rescuers_too(make: MakeRouter, upstream: Upstream) -> None:
    upstream.script({"when": {"model": "claude-haiku-*"}, "do": {"refuse": "cyber"}})
    with pytest.raises(turnout.Refused):
        make().run(ASK, max_tier="trivial")
    assert set(upstream.models) == {"claude-haiku-5-5", "claude-haiku-4-5"}


def test_an_organisation_without_retention_never_reaches_fable(
    make: MakeRouter, clock: Clock
) -> None:
    emulator = Emulator(
        [{"when": {"model": "claude-opus-5-5"}, "do": {"refuse": "cyber"}}],
        zero_retention=True,
        clock=clock,
    )
    settings = {"organisation": {"zero_retention": True}, **CLIENT_SIDE}
    with serve(emulator) as url:
        client = make().client.with_options(base_url=url)
        outcome = make(settings, client=client).run(ASK, tier="mid")
    assert outcome.served_by.startswith("claude-opus")
    assert all(request.status == 200 for request in emulator.requests)


def test_server_side_fallbacks_can_be_turned_off(make: MakeRouter, upstream: Upstream) -> None:
    make(CLIENT_SIDE).run(ASK, tier="high")
    assert "fallbacks" not in upstream.bodies[0]


def test_at_most_three_rescuers_are_named(router: turnout.Router, upstream: Upstream) -> None:
    for tier in ("trivial", "low", "mid", "high"):
        router.run(ASK, tier=tier)
    named = [len(body.get("fallbacks", ())) for body in upstream.bodies]
    assert named == [0, 1, 2, 2]


# -- in a stream


def test_a_refusal_before_any_text_is_rescued_unseen(both: MakeCaller, upstream: Upstream) -> None:
    *texts, outcome = both(CLIENT_SIDE).stream(CYBER, tier="mid")
    assert isinstance(outcome, turnout.Outcome)
    assert "".join(str(text) for text in texts) == outcome.text
    assert outcome.served_by == "claude-opus-4-8"


def test_a_refusal_after_text_was_shown_is_an_error_and_no_restart(
    both: MakeCaller, upstream: Upstream
) -> None:
    upstream.script({"do": {"refuse": {"category": "bio", "partial_text": "First, take"}}})
    with pytest.raises(turnout.Refused) as no:
        both(CLIENT_SIDE).stream(ASK, tier="mid")
    assert len(upstream.requests) == 1
    assert no.value.details["category"] == "bio"
    assert no.value.attempts[0].cost_usd == no.value.usage.prompt_tokens * Decimal(4) / MILLION + (
        no.value.usage.output_tokens * Decimal(20) / MILLION
    )


def test_a_server_side_rescue_is_streamed_through(both: MakeCaller, upstream: Upstream) -> None:
    events: list[Any] = both().stream(CYBER, tier="high")
    outcome = events[-1]
    assert outcome.served_by == "claude-opus-4-8"
    assert len(outcome.usage.iterations) == 2
    assert len(upstream.requests) == 1


def test_the_callers_own_fallbacks_stay_above_the_floor(make: MakeRouter) -> None:
    router = make()
    ask = {"messages": [{"role": "user", "content": CYBER}], "fallbacks": "default"}
    body = router.shape(router.route(ask, min_tier="high"), ask)
    assert "fallbacks" not in body
    (change,) = [change for change in body.changes if change.step == "shape.fallbacks"]
    assert change.text == "claude-fable-5-2 may fall back to nothing here"
    assert router.shape(router.route(ask, tier="high"), ask)["fallbacks"] == "default"


def test_repeated_failures_are_told_once(make: MakeRouter, upstream: Upstream) -> None:
    upstream.script({"do": {"error": {"status": 529, "message": "Overloaded"}}})
    with pytest.raises(turnout.AllAttemptsFailed) as failed:
        make().run(ASK, max_tier="trivial")
    assert len(failed.value.attempts) > 2
    assert str(failed.value).count("overloaded_error") == 1
