"""The fold is pure, and a decision satisfies every constraint whatever the arguments."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import turnout
from turnout.catalog import LADDERS
from turnout.errors import InvalidRequest, NoEligibleModel
from turnout.policy.chain import State, decide, move
from turnout.routing import STEPS
from turnout.types import Decision, Prediction, Request, Signals

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Holder:
    """A classifier whose answer can be changed between calls."""

    name = "holder"
    answer: Any = (0.99, 0.99, 0.99, 1.0)

    def predict(self, request: Request, signals: Signals) -> Prediction:
        return Prediction(self.answer, self.name)


HOLDER = Holder()


def made(**settings: Any) -> turnout.Router:
    return turnout.Router(settings, classifier=HOLDER, ledger=False, clock=lambda: NOON)


def state_of(**wish: Any) -> tuple[Decision, State]:
    """A decision as the router starts it, and the state it was made from."""
    HOLDER.answer = (0.99, 0.99, 0.99, 1.0)
    router = made()
    routing = router._routing
    request = Request(messages=({"role": "user", "content": "x"},))
    routed = routing.route(request, routing.wishes(**wish))
    return routed.decision, routed.state


def test_a_decision_that_nothing_changes_is_the_same_object() -> None:
    decision, state = state_of()
    assert decide(decision, state, STEPS) is decision
    assert decide(decision, state, ()) is decision


def test_the_same_arguments_always_give_the_same_answer() -> None:
    decision, state = state_of(min_tier="mid")
    low = replace(decision, tier="trivial", model="claude-haiku-5-5", effort="low", reasons=())
    first, second = (decide(low, state, STEPS) for _ in range(2))
    assert first == second
    assert first.tier == "mid"
    assert low.tier == "trivial", "the start is left as it was"


def test_a_step_of_ones_own_has_the_same_signature() -> None:
    def only_sonnet(decision: Decision, state: State) -> Decision:
        to = next(o for o in state.eligible() if o.model.line == "sonnet")
        return move(decision, state, to, "taste", "sonnet is liked here")

    decision, state = state_of()
    moved = decide(decision, state, (only_sonnet,))
    assert (moved.model, moved.provider, moved.effort, moved.tier) == (
        "claude-sonnet-5-5",
        "anthropic",
        "medium",
        "low",
    )
    assert moved.confidence == state.adequate[1]
    assert moved.reasons[-1].text == "sonnet is liked here"
    assert moved.reasons[-1].before == "claude-haiku-5-5@low"


def test_decisions_are_frozen() -> None:
    decision, state = state_of()
    with pytest.raises(FrozenInstanceError):
        decision.model = "other"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        state.cut = 0.0  # type: ignore[misc]


def test_ids_differ_and_sort_by_time() -> None:
    HOLDER.answer = (0.99, 0.99, 0.99, 1.0)
    router = made()
    ids = [router.route("x").id for _ in range(100)]
    assert len(set(ids)) == 100
    assert all(name.startswith("dec_") for name in ids)


# -- whatever the arguments ----------------------------------------------------------------

IMAGE = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "aGVsbG8="},
}
TOOL = {"name": "save", "description": "Saves", "input_schema": {"type": "object"}}
LOCAL = {"provider": "local", "context_window": 32_000, "max_output_tokens": 8_000, "free": True}
MIXED = {
    "tiny": ["llama", "claude-haiku-4-5"],
    "small": ["claude-sonnet-4-5", "openai:gpt-5"],
    "large": {
        "targets": ["claude-mythos-5-2@high", "claude-opus-5-5@high"],
        "fallbacks": ["claude-fable-5-2@high", "llama", "claude-opus-4-8@high"],
    },
}

ACCOUNTS = [(zero, verified) for zero in (False, True) for verified in (False, True)]
ROUTERS = {
    (ladder, account): turnout.Router(
        {
            "organisation": {"zero_retention": account[0], "verified": account[1]},
            "execution": {"max_fallbacks": 20},
        },
        ladder=MIXED if ladder == "mixed" else ladder,
        models={"llama": LOCAL},
        classifier=HOLDER,
        ledger=False,
        clock=lambda: NOON,
    )
    for ladder in (*LADDERS, "mixed")
    for account in ACCOUNTS
}

texts = st.one_of(st.text(max_size=50), st.just("word " * 3_000))
blocks = st.one_of(st.builds(lambda t: {"type": "text", "text": t}, texts), st.just(IMAGE))
bodies = st.fixed_dictionaries(
    {
        "messages": st.lists(blocks, min_size=1, max_size=3).map(
            lambda content: [{"role": "user", "content": content}]
        )
    },
    optional={
        "max_tokens": st.sampled_from([1, 1_000, 8_001, 64_001, 128_000, 128_001]),
        "tools": st.just([TOOL]),
        "tool_choice": st.just({"type": "any"}),
        "system": texts,
    },
)
floats = st.floats(0, 1)
wishes = st.fixed_dictionaries(
    {},
    optional={
        "tier": st.integers(0, 4),
        "min_tier": st.integers(0, 4),
        "max_tier": st.integers(0, 4),
        "model": st.sampled_from(
            ["claude-opus-5-5", "claude-fable-5-2", "claude-mythos-5", "llama", "openai:gpt-5"]
        ),
        "capability": st.sampled_from(["vision", "prefill", "tools", "forced_tool", "pdf"]),
        "prefer": st.sampled_from(["cost", "speed", "quality", "anthropic", "local", "openai"]),
        "quality": floats,
        "max_cost_usd": st.sampled_from([Decimal("0.001"), Decimal("0.05"), 1]),
        "context_tokens": st.sampled_from([0, 1_000, 30_000, 160_000, 700_000, 10**6]),
    },
)


@settings(max_examples=400)
@given(
    st.lists(floats, min_size=3, max_size=3).map(lambda p: (*sorted(p), 1.0)),
    bodies,
    wishes,
    st.sampled_from(list(ROUTERS)),
)
def test_a_decision_and_its_fallbacks_satisfy_every_constraint_or_an_error_is_raised(
    adequate: Any, body: Any, wish: Any, key: Any
) -> None:
    router, (zero, verified) = ROUTERS[key], key[1]
    names = router.ladder.names
    for field in ("tier", "min_tier", "max_tier"):
        if field in wish:
            wish[field] = names[min(wish[field], len(names) - 1)]
    HOLDER.answer = adequate
    try:
        decision = router.route(body, **wish)
    except (InvalidRequest, NoEligibleModel):
        return
    last = len(names) - 1
    low, high = (
        names.index(wish.get("min_tier", names[0])),
        names.index(wish.get("max_tier", names[last])),
    )
    ways = [(decision.model, decision.tier)]
    ways += [(item.model, item.tier) for item in decision.fallbacks]
    seeing = any(block["type"] == "image" for block in body["messages"][0]["content"])
    for name, tier in ways:
        model = router.catalog.get(name)
        assert low <= names.index(tier) <= high
        assert not (zero and model.retention_days)
        assert verified or not model.restricted
        assert not model.retired(NOON)
        assert model.prices
        if "capability" in wish:
            assert wish["capability"] in model.abilities
        if seeing:
            assert "vision" in model.abilities
        if "tools" in body:
            assert "tools" in model.abilities
        assert body.get("max_tokens", 0) <= (model.max_output_tokens or 10**9)
        room = wish.get("context_tokens", 0) * model.token_ratio + body.get("max_tokens", 0)
        assert room <= (model.context_window or 10**9)
    assert wish.get("tier", decision.tier) == decision.tier
    assert decision.model == wish.get("model", decision.model)
    if "max_cost_usd" in wish:
        assert decision.estimated_cost_usd is not None
        assert decision.estimated_cost_usd <= wish["max_cost_usd"]
    assert len(set(ways)) == len(ways), "no target is tried twice"
    assert decision.tier not in [item.tier for item in decision.alternatives]
