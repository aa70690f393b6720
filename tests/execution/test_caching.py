"""Caching: what is marked, for how long, and what it saves to the last pico-dollar."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

import turnout
from turnout.catalog.store import bundled

if TYPE_CHECKING:
    from tests.execution.conftest import Clock, Json, MakeRouter, Upstream

MODELS = [model for model in bundled() if model.provider == "anthropic"]
RULES = "Answer in one short sentence. "
FIVE_MINUTES = {"type": "ephemeral"}
ONE_HOUR = {"type": "ephemeral", "ttl": "1h"}
MILLION = Decimal(1_000_000)


def marks(body: Json) -> list[Any]:
    """Every cache breakpoint of a body."""
    system = body.get("system") if isinstance(body.get("system"), list) else []
    content = [b for m in body["messages"] for b in m["content"] if isinstance(m["content"], list)]
    blocks = [body, *body.get("tools", ()), *(system or ()), *content]
    return [block["cache_control"] for block in blocks if "cache_control" in block]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_a_prefix_is_marked_only_when_it_is_long_enough_for_the_model(
    make: MakeRouter, upstream: Upstream, model: turnout.Model
) -> None:
    router = make({"organisation": {"verified": True}}, ledger=False)
    least = model.min_cacheable_tokens or 0
    words = int(least / float(model.token_ratio) / 6)  # a sentence of RULES is about 6 tokens
    router.run("Hello", model=model.id, system=RULES * (words // 2), max_tokens=2000)
    router.run("Hello", model=model.id, system=RULES * (words * 2), max_tokens=2000)
    assert [marks(body) for body in upstream.bodies] == [[], [FIVE_MINUTES]]
    usage = upstream.requests[1].response["usage"]  # type: ignore[index]
    assert usage["cache_creation"]["ephemeral_5m_input_tokens"] >= least


def test_the_second_request_reads_the_cache_and_costs_less(
    router: turnout.Router, upstream: Upstream
) -> None:
    system = RULES * 1000
    first, second = (
        router.run(ask, tier="mid", system=system, max_tokens=8000) for ask in ("Hello", "Hi")
    )
    written, read = first.usage.cache_write_5m_tokens, second.usage.cache_read_tokens
    assert written == read > 5000
    # opus 5.5: 4/20 · write 5 · read 0.20 a million
    assert (
        first.cost_usd
        == (
            Decimal(4) * first.usage.input_tokens
            + Decimal(20) * first.usage.output_tokens
            + Decimal(5) * written
        )
        / MILLION
    )
    assert (
        second.cost_usd
        == (
            Decimal(4) * second.usage.input_tokens
            + Decimal(20) * second.usage.output_tokens
            + Decimal("0.20") * read
        )
        / MILLION
    )
    assert second.cost_usd < first.cost_usd


def test_tools_are_marked_when_there_is_no_system_text(
    router: turnout.Router, upstream: Upstream
) -> None:
    tool = {"name": "look", "description": RULES * 400, "input_schema": {"type": "object"}}
    tools = [{**tool, "name": "other"}, tool]
    before = copy.deepcopy(tools)
    router.run("Hello", tools=tools)
    assert marks(upstream.bodies[0]) == [FIVE_MINUTES]
    assert upstream.bodies[0]["tools"][-1]["cache_control"] == FIVE_MINUTES
    assert tools == before


def test_a_conversation_is_marked_at_its_end_so_that_the_next_turn_reads_it(
    router: turnout.Router, upstream: Upstream
) -> None:
    messages: list[Json] = [{"role": "user", "content": RULES * 500}]
    first = router.run(messages, tier="low")
    messages += [
        {"role": "assistant", "content": first.message["content"]},
        {"role": "user", "content": "And then?"},
    ]
    second = router.run(messages, decision=first.decision)
    assert upstream.bodies[1]["cache_control"] == FIVE_MINUTES
    messages += [
        {"role": "assistant", "content": second.message["content"]},
        {"role": "user", "content": "And now?"},
    ]
    third = router.run(messages, decision=second.decision)
    assert third.usage.cache_read_tokens >= second.usage.cache_write_5m_tokens > 0


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(1, FIVE_MINUTES), (4.9, FIVE_MINUTES), (10, ONE_HOUR), (59, ONE_HOUR), (61, FIVE_MINUTES)],
)
def test_an_hour_is_bought_only_when_the_prefix_comes_back_within_one(
    router: turnout.Router, upstream: Upstream, clock: Clock, minutes: float, expected: Json
) -> None:
    system = RULES * 500
    router.run("Hello", system=system)
    clock.move(minutes=minutes)
    router.run("Hello again", system=system)
    assert [marks(body) for body in upstream.bodies] == [[FIVE_MINUTES], [expected]]


def test_an_hour_is_billed_at_its_own_rate(
    router: turnout.Router, upstream: Upstream, clock: Clock
) -> None:
    system = RULES * 500
    router.run("Hello", tier="low", system=system)
    clock.move(minutes=10)
    outcome = router.run("Hello again", tier="low", system=system)
    usage = outcome.usage
    assert usage.cache_write_1h_tokens > 1000
    # sonnet 5.5: 2/10 · one-hour write 4 a million
    assert (
        outcome.cost_usd
        == (
            Decimal(2) * usage.input_tokens
            + Decimal(10) * usage.output_tokens
            + Decimal(4) * usage.cache_write_1h_tokens
        )
        / MILLION
    )


@pytest.mark.parametrize(
    "own",
    [
        {"cache_control": ONE_HOUR},
        {"system": [{"type": "text", "text": RULES * 500, "cache_control": ONE_HOUR}]},
        {"tools": [{"name": "t", "input_schema": {"type": "object"},
                    "cache_control": FIVE_MINUTES}]},
        {"messages": [{"role": "user", "content": [
            {"type": "text", "text": RULES * 500, "cache_control": FIVE_MINUTES},
            {"type": "text", "text": "Hello"},
        ]}]},
    ],
    ids=["top", "system", "tools", "messages"],
)  # fmt: skip
def test_the_callers_own_marks_are_the_only_ones(
    router: turnout.Router, upstream: Upstream, own: Json
) -> None:
    ask = {"system": RULES * 500, "messages": [{"role": "user", "content": "Hello"}], **own}
    before = copy.deepcopy(ask)
    router.run(ask)
    assert ask == before
    assert len(marks(upstream.bodies[0])) == 1
    for name, value in own.items():
        assert upstream.bodies[0][name] == value


def test_caching_can_be_left_to_the_caller(make: MakeRouter, upstream: Upstream) -> None:
    make({"execution": {"cache_prefix": False}}).run("Hello", system=RULES * 500)
    assert marks(upstream.bodies[0]) == []


def test_the_system_text_is_the_callers_for_every_model(
    make: MakeRouter, upstream: Upstream
) -> None:
    """What a router adds must be a pure function of the model; ours adds nothing."""
    router = make(ledger=False)
    for tier in ("trivial", "low", "mid", "high"):
        router.run("Hello", tier=tier, system="Be brief.")
    assert {body["system"] for body in upstream.bodies} == {"Be brief."}
