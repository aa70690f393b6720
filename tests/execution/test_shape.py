"""Shaping: whatever the caller sends, every model of the catalog accepts what arrives."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import turnout
from turnout.catalog.model import EFFORTS
from turnout.catalog.store import bundled

if TYPE_CHECKING:
    from tests.execution.conftest import Json, MakeRouter, Upstream

MODELS = [model.id for model in bundled() if model.provider == "anthropic"]
HELLO = [{"role": "user", "content": "Say hello to the new colleague."}]
TOOL = {
    "name": "lookup",
    "description": "Looks a person up",
    "input_schema": {"type": "object", "properties": {"name": {"type": "string"}}},
}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "schema": SCHEMA}

VARIANTS: dict[str, Json] = {
    "plain": {},
    "tools": {"tools": [TOOL]},
    "any tool": {"tools": [TOOL], "tool_choice": {"type": "any"}},
    "forced tool": {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "lookup"}},
    "one tool at a time": {
        "tools": [TOOL],
        "tool_choice": {"type": "tool", "name": "lookup", "disable_parallel_tool_use": True},
    },
    "no tool": {"tools": [TOOL], "tool_choice": {"type": "none"}},
    "prefill": {"messages": [*HELLO, {"role": "assistant", "content": "Hello"}]},
    "system message": {"messages": [*HELLO, {"role": "system", "content": "Be brief."}]},
    "thinking enabled": {"thinking": {"type": "enabled", "budget_tokens": 2000}},
    "too much thinking": {"thinking": {"type": "enabled", "budget_tokens": 90_000}},
    "too little thinking": {"thinking": {"type": "enabled", "budget_tokens": 1}},
    "thinking adaptive": {"thinking": {"type": "adaptive"}},
    "thinking adaptive, hidden": {"thinking": {"type": "adaptive", "display": "omitted"}},
    "thinking disabled": {"thinking": {"type": "disabled"}},
    "thinking between tools": {"thinking": {"type": "between_tools"}, "tools": [TOOL]},
    "temperature": {"temperature": 0.2},
    "top_p": {"top_p": 0.9},
    "top_k": {"top_k": 5},
    "the default temperature": {"temperature": 1.0},
    "temperature and top_p": {"temperature": 0.2, "top_p": 0.9},
    **{f"effort {level}": {"output_config": {"effort": level}} for level in EFFORTS},
    "an effort nobody knows": {"output_config": {"effort": "heroic"}},
    "effort and format": {"output_config": {"effort": "max", "format": FORMAT}},
    "format": {"output_config": {"format": FORMAT}},
    "fast": {"speed": "fast"},
    "system": {"system": "Be brief."},
    "system list": {"system": [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief."}]},
    "marked system": {
        "system": [{"type": "text", "text": "Brief.", "cache_control": {"type": "ephemeral"}}]
    },
    "image": {
        "messages": [{"role": "user", "content": [PICTURE, {"type": "text", "text": "Describe."}]}]
    },
    "fallbacks": {"fallbacks": [{"model": "claude-opus-4-8"}]},
    "fallbacks nobody has": {"fallbacks": [{"model": "claude-haiku-5-5"}]},
    "several fallbacks": {
        "fallbacks": [{"model": "claude-opus-4-8", "max_tokens": 500}, {"model": "claude-opus-5"}]
    },
    "fallbacks with settings of their own": {
        "fallbacks": [{"model": "claude-sonnet-5", "output_config": {"effort": "low"}}]
    },
    "default fallbacks": {"fallbacks": "default"},
    "betas": {"betas": ["a-beta-2026-01-01", "another-2026-02-02"]},
    "stop sequences": {"stop_sequences": ["END", "STOP"]},
    "metadata": {"metadata": {"user_id": "u1", "team": "search", "urgency": "high"}},
    "headers": {"extra_headers": {"x-team": "red"}},
    "service tier": {"service_tier": "auto"},
    "small max_tokens": {"max_tokens": 300},
    "large max_tokens": {"max_tokens": 64_000},
    "small limit, much thinking": {
        "max_tokens": 1500, "thinking": {"type": "enabled", "budget_tokens": 4000}
    },
    "tiny limit, some thinking": {
        "max_tokens": 600, "thinking": {"type": "enabled", "budget_tokens": 1024}
    },
    "disabled thinking at great effort": {
        "thinking": {"type": "disabled"}, "output_config": {"effort": "max"}
    },
    "forced tool, thinking": {
        "tools": [TOOL], "tool_choice": {"type": "any"}, "thinking": {"type": "adaptive"}
    },
    "forced tool, budget": {
        "tools": [TOOL],
        "tool_choice": {"type": "any"},
        "thinking": {"type": "enabled", "budget_tokens": 2000},
    },
    "temperature, thinking": {
        "temperature": 0.5, "thinking": {"type": "enabled", "budget_tokens": 2000}
    },
    "cooler with tools": {"temperature": 0.5, "tools": [TOOL]},
}  # fmt: skip


@pytest.fixture
def verified(make: MakeRouter) -> turnout.Router:
    """A router of an organisation that may use everything."""
    return make({"organisation": {"verified": True}}, ledger=False)


def unexplained(given: Json, sent: Json, changes: tuple[turnout.Reason, ...]) -> list[str]:
    """Fields of the caller's that arrived otherwise without a reason that names them."""
    named = " ".join(change.step for change in changes)
    aside = ("betas", "extra_headers", "metadata", "output_config")
    told = {name: value for name, value in given.items() if name not in aside}
    wrong = [name for name in told if sent.get(name) != told[name] and name not in named]
    wanted, got = given.get("output_config") or {}, sent.get("output_config") or {}
    wrong += [key for key in wanted if got.get(key) != wanted[key] and key not in named]
    return wrong


def check(router: turnout.Router, upstream: Upstream, model: str, fields: Json) -> None:
    """Run it: the API accepts it, it is what `shape` said, and nothing went in silence."""
    upstream.script()
    ask = {"messages": HELLO, "max_tokens": 20_000, **fields}
    before = copy.deepcopy(ask)
    body = router.shape(router.route(ask, model=model), ask)
    try:
        changes = router.run(ask, model=model).attempts[0].changes
    except turnout.Truncated as cut:
        changes = cut.attempts[0].changes
    assert ask == before, "the caller's own objects were changed"
    received = upstream.requests[0]
    assert received.status == 200, received.error
    sent = {name: value for name, value in received.body.items() if name != "stream"}
    assert sent == body
    assert [change.step for change in body.changes] == [change.step for change in changes]
    assert unexplained(ask, sent, changes) == []
    assert all(change.text for change in changes)
    if not any(change.step.endswith(".role") for change in changes):
        assert sent["messages"][: len(ask["messages"])] == ask["messages"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_model_accepts_what_it_is_sent(
    verified: turnout.Router, upstream: Upstream, variant: str
) -> None:
    wrong = {}
    for model in MODELS:
        try:
            check(verified, upstream, model, VARIANTS[variant])
        except (AssertionError, turnout.TurnoutError) as error:
            wrong[model] = str(error)[:300]
    assert wrong == {}


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    model=st.sampled_from(MODELS),
    names=st.lists(st.sampled_from(sorted(VARIANTS)), min_size=2, max_size=5, unique=True),
)
def test_every_mixture_of_wishes_is_accepted(
    verified: turnout.Router, upstream: Upstream, model: str, names: list[str]
) -> None:
    fields: Json = {}
    for name in names:
        given = VARIANTS[name]
        joined = {**fields.get("output_config", {}), **given.get("output_config", {})}
        fields = {**fields, **given, **({"output_config": joined} if joined else {})}
    check(verified, upstream, model, fields)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("effort", EFFORTS)
def test_a_pinned_effort_is_sent_or_refused_by_name(
    verified: turnout.Router, upstream: Upstream, model: str, effort: str
) -> None:
    if bundled().get(model).accepts_effort(effort):
        verified.run("Hello", model=f"{model}@{effort}")
        assert upstream.bodies[0]["output_config"] == {"effort": effort}
        return
    with pytest.raises(turnout.InvalidRequest, match=f"does not take effort '{effort}'"):
        verified.run("Hello", model=f"{model}@{effort}")


@pytest.mark.parametrize("model", MODELS)
def test_a_limit_above_the_models_own_rules_a_pinned_model_out(
    verified: turnout.Router, model: str
) -> None:
    with pytest.raises(turnout.NoEligibleModel, match="max_tokens 1,000,000 is over its limit"):
        verified.run("Hello", model=model, max_tokens=1_000_000)


@pytest.mark.parametrize("model", MODELS)
def test_the_conversation_passes_on_byte_for_byte(
    verified: turnout.Router, upstream: Upstream, model: str
) -> None:
    """Thinking blocks are signed, and tool history is the model's memory."""
    upstream.script({"when": {"call": 1}, "do": {"tool_use": ["lookup"], "thinking": "Hm, 考える"}})
    ask: Json = {"messages": [{"role": "user", "content": "Who is Zoë?"}], "tools": [TOOL]}
    first = verified.run({**ask, "thinking": {"type": "adaptive"}}, model="claude-opus-5-5")
    kinds = [block["type"] for block in first.message["content"]]
    assert kinds == ["thinking", "tool_use"]
    result = {"type": "tool_result", "tool_use_id": first.tool_uses[0]["id"], "content": "A friend"}
    messages = [
        {"role": "user", "content": "Who is Zoë?"},
        {"role": "assistant", "content": first.message["content"]},
        {"role": "user", "content": [result]},
    ]
    before = copy.deepcopy(messages)
    assert verified.run({**ask, "messages": messages}, model=model).text
    assert messages == before
    raw = json.dumps(messages, ensure_ascii=False, separators=(",", ":")).encode()
    assert raw in upstream.requests[-1].raw


def test_a_paused_turn_is_resumed_as_it_is(router: turnout.Router, upstream: Upstream) -> None:
    """It looked like a prefill, and a user's message was put behind it."""
    search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    tools = [{"type": "web_search_20250305", "name": "web_search"}]
    messages = [*HELLO, {"role": "assistant", "content": [search]}]
    router.run({"messages": messages, "tools": tools}, model="claude-sonnet-5-5")
    assert upstream.bodies[0]["messages"] == messages


def test_a_temperature_is_kept_rather_than_thinking_that_nobody_asked_for(
    router: turnout.Router, upstream: Upstream
) -> None:
    outcome = router.run({"messages": HELLO, "temperature": 0.2}, model="claude-opus-4-6@high")
    assert upstream.bodies[0]["temperature"] == 0.2
    assert outcome.attempts[0].changes == ()


def test_only_fallbacks_that_the_model_has_are_kept(
    router: turnout.Router, upstream: Upstream
) -> None:
    entries = [{"model": "claude-haiku-5-5"}, {"model": "claude-opus-5", "max_tokens": 900}]
    outcome = router.run({"messages": HELLO, "fallbacks": entries}, model="claude-opus-5-5")
    assert upstream.bodies[0]["fallbacks"] == entries[1:]
    (change,) = outcome.attempts[0].changes
    assert change.step == "shape.fallbacks"
    assert "claude-haiku-5-5" in str(change.before)


def test_betas_and_headers_go_beside_the_body(router: turnout.Router, upstream: Upstream) -> None:
    ask = {"messages": HELLO, "betas": ["a-1", "a-1"], "extra_headers": {"x-team": "red"}}
    router.run(ask)
    headers = upstream.requests[0].headers
    assert headers["anthropic-beta"].split(",")[0] == "a-1"
    assert headers["anthropic-beta"].count("a-1") == 1
    assert headers["x-team"] == "red"


@pytest.mark.parametrize("field", ["thinking", "tool_choice", "output_config", "betas"])
@pytest.mark.parametrize("wrong", ["high", 5, ["x", 3]])
def test_a_field_of_the_wrong_kind_is_named(router: turnout.Router, field: str, wrong: Any) -> None:
    with pytest.raises(turnout.InvalidRequest, match=field):
        router.run({"messages": HELLO, field: wrong})


def test_a_large_limit_streams_under_the_hood(router: turnout.Router, upstream: Upstream) -> None:
    outcome = router.run(HELLO, max_tokens=64_000)
    assert upstream.bodies[0]["stream"] is True
    assert outcome.text
    router.run(HELLO, max_tokens=21_333)
    assert "stream" not in upstream.bodies[1]


def test_what_was_streamed_is_what_a_plain_call_returns(
    router: turnout.Router, upstream: Upstream
) -> None:
    ask = {"messages": HELLO, "tools": [TOOL]}
    upstream.script({"do": {"content": [{"type": "text", "text": "Let me see."},
                                        {"type": "tool_use", "id": "toolu_1", "name": "lookup",
                                         "input": {"name": "Zoë"}}]}})  # fmt: skip
    streamed = router.run(ask, max_tokens=64_000)
    plain = router.run(ask, max_tokens=1000)
    assert streamed.message["content"] == plain.message["content"]
    assert streamed.message["stop_reason"] == plain.message["stop_reason"]
    assert streamed.usage == plain.usage
    assert streamed.cost_usd == plain.cost_usd
