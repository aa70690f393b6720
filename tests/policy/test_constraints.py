"""Floors, ceilings, pins, abilities, windows, retention and money hold on every path."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

import turnout
from turnout.errors import InvalidRequest, NoEligibleModel, UnknownModel, UnknownTier
from turnout.types import Decision

EASY = (0.99, 0.99, 0.99, 1.0)
LOCAL: dict[str, Any] = {
    "provider": "local",
    "context_window": 32_000,
    "max_output_tokens": 8_000,
    "free": True,
}
IMAGE = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "aGVsbG8="},
}


def chain(decision: Decision) -> list[str]:
    """The tiers that a decision may go through, first the chosen one."""
    return [decision.tier, *(fallback.tier for fallback in decision.fallbacks)]


def models(decision: Decision) -> list[str]:
    return [decision.model, *(fallback.model for fallback in decision.fallbacks)]


# -- floors, ceilings and pins -------------------------------------------------------------


def test_a_floor_lifts_the_decision_and_gives_the_reason(router: Any) -> None:
    decision = router(*EASY).route("x", min_tier="mid")
    assert (decision.tier, decision.model) == ("mid", "claude-opus-5-5")
    (reason,) = decision.reasons
    assert (reason.step, reason.text) == ("floor", "min_tier is mid")
    assert (reason.before, reason.after) == ("claude-haiku-5-5@low", "claude-opus-5-5@high")


def test_a_floor_holds_for_every_fallback(router: Any) -> None:
    decision = router(*EASY, execution={"max_fallbacks": 20}).route("x", min_tier="mid")
    assert set(chain(decision)) == {"mid", "high"}


def test_a_floor_holds_when_the_first_target_is_out(router: Any) -> None:
    """Packages before us fell back to cheaper tiers when the floor had no model of its own."""
    retired = {name: {"lifecycle": "retired"} for name in ("claude-opus-5-5", "claude-opus-5")}
    decision = router(*EASY, models=retired).route("x", min_tier="mid")
    assert (decision.tier, decision.model) == ("mid", "claude-opus-4-8")
    everything = {**retired, "claude-opus-4-8": {"lifecycle": "retired"}}
    decision = router(*EASY, models=everything).route("x", min_tier="mid")
    assert (decision.tier, decision.model) == ("high", "claude-fable-5-2")


def test_a_ceiling_lowers_the_decision_and_holds_for_fallbacks(router: Any) -> None:
    hard = router(0, 0, 0, 1.0, execution={"max_fallbacks": 20})
    decision = hard.route("x", max_tier="low")
    assert decision.tier == "low"
    assert decision.confidence == 0.0, "the honest probability that low is enough"
    assert set(chain(decision)) == {"trivial", "low"}
    assert decision.reasons[-1].text == "max_tier is low"


def test_floor_and_ceiling_together_leave_one_tier(router: Any) -> None:
    decision = router(*EASY).route("x", min_tier="low", max_tier="low")
    assert set(chain(decision)) == {"low"}


def test_a_pinned_tier_needs_no_classifier(router: Any) -> None:
    decision = router(*EASY).route("x", tier="high")
    assert (decision.tier, decision.model) == ("high", "claude-fable-5-2")
    assert (decision.classifier, decision.confidence) == ("fixed", 1.0)
    assert decision.evidence == ("pinned by the caller",)
    assert decision.tier_probabilities == {"trivial": 0, "low": 0, "mid": 0, "high": 1}


@pytest.mark.parametrize(
    ("name", "model", "effort", "tier"),
    [
        ("claude-opus-5-5", "claude-opus-5-5", "high", "mid"),  # as the ladder has it
        ("claude-opus-5-5@max", "claude-opus-5-5", "max", "mid"),
        ("claude-opus-5", "claude-opus-5", "high", "mid"),  # a stand-in of mid
        ("claude-opus-4-6", "claude-opus-4-6", "high", "mid"),  # not on the ladder; its line is
        ("claude-haiku-4-5", "claude-haiku-4-5", None, "trivial"),
        ("anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5", None, "trivial"),
        ("claude-opus-4-5", "claude-opus-4-5", "high", "mid"),
    ],
)
def test_a_pinned_model_is_taken_exactly(
    router: Any, name: str, model: str, effort: str | None, tier: str
) -> None:
    decision = router(*EASY).route("x", model=name)
    assert (decision.model, decision.effort, decision.tier) == (model, effort, tier)
    assert (decision.classifier, decision.confidence) == ("fixed", 1.0)
    assert decision.reasons == ()


def test_a_pinned_model_that_cannot_serve_is_an_error_and_not_another_model(router: Any) -> None:
    made = router(*EASY, organisation={"zero_retention": True})
    with pytest.raises(NoEligibleModel) as caught:
        made.route("x", model="claude-fable-5-2")
    assert list(caught.value.candidates) == ["claude-fable-5-2@xhigh"]
    assert "keeps data for 30 days" in caught.value.candidates["claude-fable-5-2@xhigh"]


@pytest.mark.parametrize(
    ("wish", "why"),
    [({"min_tier": "high"}, "below min_tier high"), ({"max_tier": "low"}, "above max_tier low")],
    ids=str,
)
def test_a_pinned_model_outside_the_bounds_is_an_error(router: Any, wish: Any, why: str) -> None:
    """The floor quietly put the floor's own model in its place."""
    with pytest.raises(NoEligibleModel) as caught:
        router(*EASY).route("x", model="claude-opus-5-5", **wish)
    assert caught.value.candidates == {"claude-opus-5-5@high": why}


def test_a_pinned_tier_that_cannot_serve_is_an_error_and_not_another_tier(router: Any) -> None:
    made = router(*EASY, organisation={"zero_retention": True})
    with pytest.raises(NoEligibleModel) as caught:
        made.route("x", tier="high")
    assert len(caught.value.candidates) == 3
    assert all("keeps data" in why for why in caught.value.candidates.values())


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"min_tier": "EXPERT"}, "min_tier"),
        ({"max_tier": "hgih"}, "max_tier"),
        ({"tier": ""}, "tier"),
        ({"tier": 3}, "tier"),
        ({"tier": ["low"]}, "tier"),
        ({"model": "claude-opus-9"}, "model"),
        ({"model": ""}, "model"),
        ({"model": 5}, "model"),
        ({"model": "claude-haiku-4-5@low"}, "model"),
        ({"capability": "telepathy"}, "capability"),
        ({"capability": ["vision", "telepathy"]}, "capability"),
        ({"prefer": "claude"}, "prefer"),
        ({"prefer": ""}, "prefer"),
        ({"prefer": 5}, "prefer"),
        ({"quality": 1.1}, "quality"),
        ({"quality": -0.1}, "quality"),
        ({"quality": float("nan")}, "quality"),
        ({"quality": True}, "quality"),
        ({"quality": "0.9"}, "quality"),
        ({"max_cost_usd": 0}, "max_cost_usd"),
        ({"max_cost_usd": -1}, "max_cost_usd"),
        ({"max_cost_usd": "cheap"}, "max_cost_usd"),
        ({"max_cost_usd": float("inf")}, "max_cost_usd"),
        ({"max_cost_usd": float("nan")}, "max_cost_usd"),
        ({"max_cost_usd": True}, "max_cost_usd"),
        ({"context_tokens": -1}, "context_tokens"),
        ({"context_tokens": 1.5}, "context_tokens"),
        ({"conversation": ""}, "conversation"),
        ({"conversation": 5}, "conversation"),
        ({"experiment": "a/b"}, "experiment"),
        ({"min_tier": "high", "max_tier": "low"}, "min_tier"),
        ({"tier": "low", "min_tier": "mid"}, "tier"),
        ({"tier": "low", "quality": 0.5}, "quality"),
        ({"model": "claude-opus-5-5", "quality": 0.5}, "quality"),
        ({"model": "claude-opus-5-5", "prefer": "cost"}, "prefer"),
    ],
    ids=str,
)
def test_every_argument_is_honoured_or_raises(router: Any, wish: Any, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        router(*EASY).route("x", **wish)
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")


def test_errors_name_what_is_valid(router: Any) -> None:
    made = router(*EASY)
    with pytest.raises(UnknownTier, match="the ladder has trivial, low, mid, high"):
        made.route("x", min_tier="EXPERT")
    with pytest.raises(UnknownModel, match="did you mean 'claude-opus-5-5'"):
        made.route("x", model="claude-opus-5-55")
    with pytest.raises(InvalidRequest, match="did you mean 'vision'"):
        made.route("x", capability="visoin")
    with pytest.raises(InvalidRequest, match="choose from cost, speed, quality, anthropic"):
        made.route("x", prefer="claude")


def test_an_unknown_keyword_is_no_argument(router: Any) -> None:
    with pytest.raises(TypeError, match="min_teir"):
        router(*EASY).route("x", min_teir="mid")


# -- abilities -----------------------------------------------------------------------------


def local_ladder(router: Any, **settings: Any) -> turnout.Router:
    """A local model for trivial work under Claude."""
    tiers = {
        "small": "llama",
        "mid": ["claude-sonnet-5-5@medium", "claude-sonnet-5@medium"],
        "large": "claude-opus-5-5@high",
    }
    made: turnout.Router = router(*EASY, ladder=tiers, models={"llama": LOCAL}, **settings)
    return made


def test_a_capability_moves_the_request_up_and_holds_for_fallbacks(router: Any) -> None:
    made = local_ladder(router)
    assert made.route("x").model == "llama"
    decision = made.route("x", capability="vision")
    assert decision.model == "claude-sonnet-5-5"
    assert "llama" not in models(decision)
    assert decision.reasons[0].text == "llama is out: lacks vision"


def test_what_the_request_itself_needs_counts_too(router: Any) -> None:
    made = local_ladder(router)
    content = [{"type": "text", "text": "What is this?"}, IMAGE]
    decision = made.route([{"role": "user", "content": content}])
    assert decision.model == "claude-sonnet-5-5"
    assert "llama" not in models(decision)


def test_several_capabilities_must_all_be_there(router: Any) -> None:
    decision = router(*EASY).route("x", capability=["prefill", "vision"])
    assert models(decision) == ["claude-haiku-4-5"], "the only prefill model of the ladder"


def test_a_need_that_can_be_worked_around_prefers_a_model_that_has_it(router: Any) -> None:
    """A forced tool is a 400 on sonnet 5.5; its stand-in takes one."""
    tool = {"name": "save", "description": "Saves", "input_schema": {"type": "object"}}
    body = {
        "messages": [{"role": "user", "content": "Save this"}],
        "tools": [tool],
        "tool_choice": {"type": "tool", "name": "save"},
    }
    decision = router(*EASY).route(body, min_tier="low")
    assert (decision.tier, decision.model) == ("low", "claude-sonnet-5")
    pinned = router(*EASY).route(body, model="claude-sonnet-5-5")
    assert pinned.model == "claude-sonnet-5-5", "a pin is taken; shaping adapts"


# -- windows and limits --------------------------------------------------------------------


def test_a_prompt_that_does_not_fit_moves_to_where_it_does(router: Any) -> None:
    decision = local_ladder(router).route("x", context_tokens=40_000)
    assert decision.model == "claude-sonnet-5-5"
    assert "its window is 32,000" in decision.reasons[0].text
    assert "llama" not in models(decision)


def test_the_window_is_measured_with_the_models_own_tokenizer(router: Any) -> None:
    """160,000 old tokens are 208,000 of haiku 5.5's: too many for 200,000 but not for it."""
    tiers = {"a": "claude-haiku-4-5", "b": "claude-opus-5-5"}
    narrow = {"claude-opus-5-5": {"context_window": 200_000}}
    made = router(*EASY, ladder=tiers, models=narrow)
    assert made.route("x", context_tokens=160_000).model == "claude-haiku-4-5"
    with pytest.raises(NoEligibleModel) as caught:
        made.route("x", context_tokens=160_000, min_tier="b")
    assert "needs about 208,0" in caught.value.candidates["claude-opus-5-5"]


def test_nothing_fits(router: Any) -> None:
    with pytest.raises(NoEligibleModel) as caught:
        router(*EASY).route("x", context_tokens=1_000_000)
    assert len(caught.value.candidates) == 11, "every target of the ladder, each with its reason"
    assert all("its window is" in why for why in caught.value.candidates.values())


def test_max_tokens_above_a_models_limit_rules_it_out(router: Any) -> None:
    """5 M tokens were sent to a 128 K model by a package before us."""
    made = local_ladder(router)
    message = [{"role": "user", "content": "x"}]
    decision = made.route({"messages": message, "max_tokens": 9_000})
    assert decision.model == "claude-sonnet-5-5"
    assert decision.reasons[0].text == "llama is out: max_tokens 9,000 is over its limit of 8,000"
    with pytest.raises(NoEligibleModel):
        made.route({"messages": message, "max_tokens": 5_000_000})


def test_prompt_and_answer_share_the_window(router: Any) -> None:
    made = local_ladder(router)
    body = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 8_000}
    assert made.route(body, context_tokens=20_000).model == "llama"
    assert made.route(body, context_tokens=25_000).model == "claude-sonnet-5-5"


# -- accounts, lifecycles, prices ----------------------------------------------------------


def test_zero_retention_rules_fable_out_and_high_work_goes_to_the_best_that_is_left(
    router: Any,
) -> None:
    made = router(0, 0, 0, 1, organisation={"zero_retention": True})
    decision = made.route("x")
    assert (decision.tier, decision.model) == ("mid", "claude-opus-5-5")
    assert not any("fable" in model for model in models(decision))
    assert "your organisation has zero retention" in decision.reasons[-1].text


def test_restricted_models_are_for_verified_organisations(router: Any) -> None:
    tiers = {"a": "claude-haiku-5-5@low", "b": ["claude-mythos-5-2@high", "claude-fable-5-2@high"]}
    hard = (0, 0, 0, 1)
    assert router(*hard, ladder=tiers).route("x").model == "claude-fable-5-2"
    verified = router(*hard, ladder=tiers, organisation={"verified": True})
    assert verified.route("x").model == "claude-mythos-5-2"
    for spelling in ("claude-mythos-5", "anthropic:claude-mythos-5", "Claude-Mythos-5"):
        with pytest.raises(NoEligibleModel, match="verified organizations only"):
            router(*hard).route("x", model=spelling)


@pytest.mark.parametrize(
    ("day", "model"),
    [
        (datetime(2026, 11, 29, 23, 59, tzinfo=UTC), "claude-sonnet-4-5"),
        (datetime(2026, 11, 30, tzinfo=UTC), "claude-sonnet-5"),
    ],
)
def test_a_retired_model_is_left_from_its_day_on(router: Any, day: datetime, model: str) -> None:
    tiers = {"a": ["claude-sonnet-4-5", "claude-sonnet-5"], "b": "claude-opus-5-5"}
    decision = router(*EASY, ladder=tiers, at=day).route("x")
    assert decision.model == model
    if model == "claude-sonnet-5":
        assert decision.reasons[0].text == "claude-sonnet-4-5 is out: retired on 2026-11-30"
        assert "claude-sonnet-4-5" not in models(decision)


def test_an_unpriced_model_is_out_unless_allowed_and_then_it_is_unpriced_not_free(
    router: Any,
) -> None:
    tiers = {"a": "mystery", "b": "claude-opus-5-5@high"}
    fields = {"mystery": {**LOCAL, "free": False}}
    decision = router(*EASY, ladder=tiers, models=fields).route("x")
    assert decision.model == "claude-opus-5-5"
    assert "no price is known" in decision.reasons[0].text
    decision = router(*EASY, ladder=tiers, models=fields, allow_unpriced=True).route("x")
    assert decision.model == "mystery"
    assert decision.estimated_cost_usd is None
    assert decision.to_dict()["estimated_cost_usd"] is None
    assert "unpriced" in decision.explain()
    (alternative,) = decision.alternatives
    assert alternative.cost_ratio is None


def test_a_price_of_the_future_does_not_make_a_model_priced_today(router: Any) -> None:
    """The router sent the request and could not bill it afterwards."""
    price = {"input": 1, "output": 1, "since": datetime(2027, 1, 1, tzinfo=UTC).date()}
    fields = {"soon": {**LOCAL, "free": False, "price": price}}
    tiers = {"a": "soon", "b": "claude-opus-5-5@high"}
    assert router(*EASY, ladder=tiers, models=fields).route("x").model == "claude-opus-5-5"


# -- money ---------------------------------------------------------------------------------


def test_the_estimate_is_this_requests_tokens_at_this_models_price(router: Any) -> None:
    decision = router(*EASY).route("x", context_tokens=10_000)
    assert decision.estimated_output_tokens == 200  # what trivial work is expected to need
    tokens = decision.estimated_input_tokens
    assert 13_000 <= tokens <= 13_050  # 10,000 × 1.3 and a short prompt
    # haiku 5.5: $0.10 in, $0.50 out per million
    assert decision.estimated_cost_usd == (tokens * Decimal("0.1") + 200 * Decimal("0.5")) / 10**6


def test_the_estimate_of_a_long_prompt_is_on_the_long_card(router: Any) -> None:
    decision = router(*EASY).route("x", context_tokens=100_000, tier="trivial")
    tokens = decision.estimated_input_tokens
    assert tokens > 130_000
    # $0.50 in, $2.50 out
    assert decision.estimated_cost_usd == (tokens * Decimal("0.5") + 200 * Decimal("2.5")) / 10**6


def test_max_cost_usd_rules_out_what_is_dearer_fallbacks_included(router: Any) -> None:
    # 10,000 output tokens are expected of nothing here: opus 5.5 costs 13,000 × $4 + 2,500 × $20
    # per million, about $0.10; sonnet 5.5 half of that; haiku 5.5 a fortieth
    made = router(0, 0, 1, 1, execution={"max_fallbacks": 20})
    assert made.route("x", context_tokens=10_000).model == "claude-opus-5-5"
    decision = made.route("x", context_tokens=10_000, max_cost_usd="0.06")
    assert decision.model == "claude-sonnet-5-5"
    assert set(chain(decision)) == {"trivial", "low"}
    assert decision.estimated_cost_usd is not None
    assert decision.estimated_cost_usd <= Decimal("0.06")
    assert "over max_cost_usd 0.06" in decision.reasons[-1].text


def test_a_limit_that_nothing_meets_is_an_error(router: Any) -> None:
    with pytest.raises(NoEligibleModel, match=r"over max_cost_usd 0\.0000001"):
        router(*EASY).route("x", max_cost_usd=Decimal("0.0000001"))


def test_a_limit_and_a_floor_that_exclude_each_other_are_an_error(router: Any) -> None:
    with pytest.raises(NoEligibleModel) as caught:
        router(*EASY).route("x", min_tier="high", max_cost_usd=0.001, context_tokens=10_000)
    reasons = caught.value.candidates
    assert reasons["claude-haiku-5-5@low"] == "below min_tier high"
    assert "over max_cost_usd" in reasons["claude-fable-5-2@xhigh"]


def test_an_unpriced_model_cannot_keep_a_limit(router: Any) -> None:
    tiers = {"a": "mystery", "b": "claude-opus-5-5@high"}
    fields = {"mystery": {**LOCAL, "free": False}}
    made = router(*EASY, ladder=tiers, models=fields, allow_unpriced=True)
    assert made.route("x", max_cost_usd=1).model == "claude-opus-5-5"


def test_alternatives_are_the_other_tiers_with_their_cost_against_ours(router: Any) -> None:
    decision = router(*EASY).route("x", min_tier="low", context_tokens=100_000)
    assert decision.tier == "low"
    found = {item.tier: item for item in decision.alternatives}
    assert list(found) == ["mid", "high"], "what the floor rules out is no alternative"
    # same tokens on both tokenizers; sonnet 5.5 2/10, opus 5.5 4/20, fable 5.2 8/40
    assert found["mid"].cost_ratio == 2.0
    assert found["high"].cost_ratio == 4.0
    mine = decision.estimated_cost_usd
    assert mine is not None
    assert found["high"].estimated_cost_usd == 4 * mine


def test_nothing_is_so_many_times_dearer_than_free(router: Any) -> None:
    """A package before us printed "375000.0x cost"."""
    decision = local_ladder(router).route("x")
    assert decision.estimated_cost_usd == 0
    assert all(item.cost_ratio is None for item in decision.alternatives)
    assert "×" not in decision.explain()


# -- preferences ---------------------------------------------------------------------------


def test_prefer_cost_takes_the_cheapest_that_is_adequate(router: Any) -> None:
    tiers = {
        "a": "claude-haiku-5-5@low",
        "b": ["claude-opus-5-5@high", "claude-sonnet-5@high"],
        "c": "claude-fable-5-2@high",
    }
    made = router(0, 1, 1, 1, ladder=tiers)
    assert made.route("x", min_tier="b").model == "claude-opus-5-5"
    decision = made.route("x", min_tier="b", prefer="cost")
    assert (decision.tier, decision.model) == ("b", "claude-sonnet-5")
    assert decision.reasons[-1].text == "prefer cost"


def test_prefer_quality_is_one_tier_up_and_never_above_the_ceiling(router: Any) -> None:
    made = router(*EASY)
    assert made.route("x", prefer="quality").tier == "low"
    assert made.route("x", prefer="quality", max_tier="trivial").tier == "trivial"


def test_prefer_speed_takes_the_quicker_target_at_or_above_the_tier(router: Any) -> None:
    tiers = {
        "a": ["claude-opus-5-5@max", "claude-haiku-5-5@low"],
        "b": "claude-fable-5-2@high",
    }
    made = router(*EASY, ladder=tiers)
    assert made.route("x").model == "claude-opus-5-5"
    assert made.route("x", prefer="speed").model == "claude-haiku-5-5"


def test_prefer_a_provider_takes_its_first_target_at_or_above_the_tier(router: Any) -> None:
    made = local_ladder(router)
    assert made.route("x", prefer="anthropic").model == "claude-sonnet-5-5"
    assert made.route("x", prefer="local").model == "llama"
    with pytest.raises(NoEligibleModel) as caught:
        made.route("x", prefer="local", min_tier="mid")
    assert caught.value.candidates["llama"] == "below min_tier mid"
    assert caught.value.candidates["claude-opus-5-5@high"] == "provider is anthropic"


def test_a_preferred_provider_below_the_adequate_tier_says_so(router: Any) -> None:
    """The one candidate of the preferred provider fell out with "provider is local"."""
    tiers = {"small": "llama", "large": "claude-opus-5-5@high"}
    made = router(0, 0, 1, 1, ladder=tiers, models={"llama": LOCAL})
    with pytest.raises(NoEligibleModel) as caught:
        made.route("x", prefer="local")
    assert caught.value.candidates["llama"] == "below tier large, which the request needs"


def test_a_preference_of_the_settings_gives_way_to_that_of_the_call(router: Any) -> None:
    made = router(*EASY, prefer="quality")
    assert made.route("x").tier == "low"
    assert made.route("x", prefer="cost").tier == "trivial"
    assert made.route("x", model="claude-opus-5-5").model == "claude-opus-5-5"


# -- fallbacks -----------------------------------------------------------------------------


def test_fallbacks_are_stand_ins_then_tiers_above_then_below(router: Any) -> None:
    decision = router(*EASY, execution={"max_fallbacks": 20}).route("x", tier="low")
    assert [(f.model, f.effort, f.tier) for f in decision.fallbacks] == [
        ("claude-sonnet-5", "medium", "low"),
        ("claude-sonnet-4-6", "medium", "low"),
        ("claude-opus-5-5", "high", "mid"),
        ("claude-fable-5-2", "xhigh", "high"),
        ("claude-haiku-5-5", "low", "trivial"),
    ]


@pytest.mark.parametrize("most", [0, 1, 3])
def test_no_more_fallbacks_than_the_settings_allow(router: Any, most: int) -> None:
    decision = router(*EASY, execution={"max_fallbacks": most}).route("x")
    assert len(decision.fallbacks) == most


def test_a_chain_of_ones_own_replaces_the_default_one_and_obeys_the_same_rules(
    router: Any,
) -> None:
    tiers = {
        "a": {
            "targets": ["claude-haiku-5-5@low"],
            "fallbacks": ["llama", "claude-fable-5-2@high", "claude-opus-5-5@high"],
        },
        "b": "claude-opus-5-5@high",
    }
    made = router(*EASY, ladder=tiers, models={"llama": LOCAL})
    found = [fallback.model for fallback in made.route("x").fallbacks]
    assert found == ["llama", "claude-fable-5-2", "claude-opus-5-5"]
    seeing = [fallback.model for fallback in made.route("x", capability="vision").fallbacks]
    assert seeing == ["claude-fable-5-2", "claude-opus-5-5"]
    private = router(
        *EASY, ladder=tiers, models={"llama": LOCAL}, organisation={"zero_retention": True}
    )
    found = [fallback.model for fallback in private.route("x").fallbacks]
    assert found == ["llama", "claude-opus-5-5"]
