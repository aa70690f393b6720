"""The traps table of the README, each row both ways.

The naive request is sent through the plain SDK and gets the API's 400 or the silent failure; the
same wish through Turnout succeeds. The emulator's rules are its own, so neither side can cover
for the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

import turnout
from turnout.emulator import Emulator, serve

HELLO = [{"role": "user", "content": "Say hello to the new colleague."}]
TOOL = {"name": "lookup", "description": "Looks up", "input_schema": {"type": "object"}}
WEATHER = {
    "model": "claude-haiku-4-5",
    "max_tokens": 200,
    "messages": [
        {"role": "user", "content": "Answer in JSON: what is the capital of Peru?"},
        {"role": "assistant", "content": '{"capital":'},
    ],
}


@pytest.fixture(scope="module")
def emulator() -> Emulator:
    return Emulator()


@pytest.fixture(scope="module")
def client(emulator: Emulator) -> Iterator[anthropic.Anthropic]:
    with (
        serve(emulator) as url,
        anthropic.Anthropic(base_url=url, api_key="test", max_retries=0) as client,
    ):
        yield client


@pytest.fixture
def router(client: anthropic.Anthropic) -> Iterator[turnout.Router]:
    with turnout.Router({}, client=client, ledger=False) as router:
        yield router


def naive(client: anthropic.Anthropic, model: str, **fields: Any) -> anthropic.types.Message:
    """What most examples send."""
    body: dict[str, Any] = {"max_tokens": 1024, "messages": HELLO, **fields}
    message: anthropic.types.Message = client.messages.create(model=model, **body)
    return message


def test_a_refusal_is_no_exception(client: anthropic.Anthropic, router: turnout.Router) -> None:
    """A try/except fallback never fires: the refusal is an HTTP 200 with nothing in it."""
    ask = "[[refuse:cyber]] Check my firewall rules."
    refused = naive(client, "claude-fable-5-2", messages=[{"role": "user", "content": ask}])
    assert (refused.stop_reason, refused.content) == ("refusal", [])

    outcome = router.run(ask, tier="high")
    assert outcome.served_by == "claude-opus-4-8"
    assert outcome.text
    bill = outcome.attempts[0].cost_lines
    assert [(line.model, line.note) for line in bill] == [
        ("claude-fable-5-2", "refused before output, not billed"),
        ("claude-opus-4-8", ""),
    ]


def test_a_refusal_without_server_side_fallback_goes_on_and_redeems_the_credit(
    client: anthropic.Anthropic,
) -> None:
    ask = "[[refuse:cyber]] Check my firewall rules."
    refused = naive(client, "claude-opus-5-5", messages=[{"role": "user", "content": ask}])
    assert refused.stop_reason == "refusal"

    settings = {"execution": {"server_fallbacks": False}}
    with turnout.Router(settings, client=client, ledger=False) as router:
        outcome = router.run(ask, tier="mid")
    tried = [(attempt.model, attempt.status) for attempt in outcome.attempts]
    assert tried == [
        ("claude-opus-5-5", "refused"),
        ("claude-opus-5", "refused"),
        ("claude-opus-4-8", "accepted"),
    ]
    assert outcome.usage.fallback_credit == "redeemed"


def test_a_refusal_where_no_credit_is_given_goes_on_all_the_same(router: turnout.Router) -> None:
    outcome = router.run("[[refuse:cyber]] Check my firewall rules.", tier="trivial")
    assert [a.status for a in outcome.attempts] == ["refused", "accepted"]


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        ("claude-fable-5-2", {"type": "disabled"}),
        ("claude-fable-5-2", {"type": "enabled", "budget_tokens": 1024}),
        ("claude-opus-4-8", {"type": "enabled", "budget_tokens": 1024}),
        ("claude-haiku-4-5", {"type": "adaptive"}),
    ],
)
def test_thinking_differs_by_model(
    client: anthropic.Anthropic, router: turnout.Router, model: str, thinking: dict[str, Any]
) -> None:
    with pytest.raises(anthropic.BadRequestError, match="thinking"):
        naive(client, model, thinking=thinking, max_tokens=4096)

    outcome = router.run(HELLO, model=model, options={"thinking": thinking}, max_tokens=4096)
    assert outcome.text
    assert any(change.step == "shape.thinking" for change in outcome.attempts[0].changes)


def test_opus_4_8_does_not_think_unless_told_to(
    client: anthropic.Anthropic, router: turnout.Router
) -> None:
    plain = naive(client, "claude-opus-4-8")
    assert [block.type for block in plain.content] == ["text"]

    outcome = router.run(HELLO, model="claude-opus-4-8")
    assert [block["type"] for block in outcome.message["content"]] == ["thinking", "text"]


def test_effort_is_not_universal(client: anthropic.Anthropic, router: turnout.Router) -> None:
    with pytest.raises(anthropic.BadRequestError, match="effort"):
        naive(client, "claude-haiku-4-5", output_config={"effort": "low"})

    ask = {"messages": HELLO, "output_config": {"effort": "low"}}
    outcome = router.run(ask, model="claude-haiku-4-5")
    assert outcome.text
    (change,) = outcome.attempts[0].changes
    assert (change.step, change.before, change.after) == ("shape.effort", "low", None)


def test_the_first_block_need_not_be_text(
    client: anthropic.Anthropic, router: turnout.Router
) -> None:
    message = naive(client, "claude-sonnet-5-5")
    with pytest.raises(AttributeError):
        _ = message.content[0].text  # type: ignore[union-attr]

    assert router.run(HELLO, tier="low").text


def test_a_small_limit_at_a_high_effort_ends_in_no_text(
    client: anthropic.Anthropic, router: turnout.Router
) -> None:
    message = naive(client, "claude-opus-5-5", output_config={"effort": "high"}, max_tokens=500)
    assert message.stop_reason == "max_tokens"
    assert not [block for block in message.content if block.type == "text"]

    outcome = router.run(HELLO, tier="mid", max_tokens=500)
    assert outcome.text
    (change,) = outcome.attempts[0].changes
    assert (change.step, change.before, change.after) == ("shape.effort", "high", "low")


def test_a_truncated_answer_without_text_is_an_error(router: turnout.Router) -> None:
    ask = {"messages": HELLO, "output_config": {"effort": "high"}, "max_tokens": 500}
    with pytest.raises(turnout.Truncated, match="max_tokens"):
        router.run(ask, tier="mid")


def test_a_switch_of_model_loses_the_cache(
    client: anthropic.Anthropic, router: turnout.Router
) -> None:
    """Caches are model-scoped: the switch pays the whole prefix again, the kept route reads it."""
    system: Any = [
        {"type": "text", "text": "Rules. " * 2000, "cache_control": {"type": "ephemeral"}}
    ]
    naive(client, "claude-sonnet-5", system=system)
    switched = naive(client, "claude-opus-5", system=system)
    assert switched.usage.cache_read_input_tokens == 0

    first = router.run(HELLO, tier="low", system="Rules. " * 2000)
    turn = [*HELLO, {"role": "assistant", "content": first.text}, *HELLO]
    second = router.run(turn, decision=first.decision, system="Rules. " * 2000)
    assert second.decision.model == first.decision.model
    assert second.usage.cache_read_tokens > 1000


def test_windows_differ(client: anthropic.Anthropic, router: turnout.Router) -> None:
    text = "Reformat this list: " + "item and item, " * 60_000
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long"):
        naive(client, "claude-haiku-4-5", messages=[{"role": "user", "content": text}])

    five = turnout.Router({}, ladder="claude-5", client=client, ledger=False)
    outcome = five.run(text, max_tier="low")
    assert (outcome.decision.tier, outcome.served_by) == ("low", "claude-sonnet-5")


def test_sampling_fields_are_a_400_on_the_current_api_version(
    client: anthropic.Anthropic, router: turnout.Router
) -> None:
    with pytest.raises(anthropic.BadRequestError, match="temperature"):
        naive(client, "claude-haiku-4-5", extra_body={"temperature": 0.2})

    ask = {"messages": HELLO, "temperature": 0.2}
    kept = router.run(ask, model="claude-haiku-4-5")
    assert kept.attempts[0].changes == ()
    dropped = router.run(ask, model="claude-opus-5-5")
    assert [change.step for change in dropped.attempts[0].changes] == ["shape.temperature"]


def test_a_prefill_is_a_400_on_newer_models(
    client: anthropic.Anthropic, router: turnout.Router
) -> None:
    with pytest.raises(anthropic.BadRequestError, match="prefill"):
        naive(client, "claude-sonnet-5-5", messages=WEATHER["messages"])

    outcome = router.run(WEATHER["messages"], tier="low")
    assert outcome.text
    assert [change.step for change in outcome.attempts[0].changes] == ["shape.messages"]


def test_a_model_that_takes_a_prefill_is_chosen_where_there_is_one(router: turnout.Router) -> None:
    outcome = router.run(WEATHER["messages"], tier="trivial")
    assert outcome.served_by == "claude-haiku-4-5"
    assert outcome.attempts[0].changes == ()


def test_a_forced_tool_is_a_400_on_some_models(
    client: anthropic.Anthropic, router: turnout.Router
) -> None:
    forced: dict[str, Any] = {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "lookup"}}
    with pytest.raises(anthropic.BadRequestError, match="tool_choice"):
        naive(client, "claude-opus-5-5", **forced)

    outcome = router.run({"messages": HELLO, **forced}, tier="mid")
    assert outcome.served_by == "claude-opus-5"
    assert outcome.tool_uses[0]["name"] == "lookup"


def test_metadata_takes_only_a_user_id(client: anthropic.Anthropic, router: turnout.Router) -> None:
    metadata: Any = {"user_id": "u1", "team": "search"}
    with pytest.raises(anthropic.BadRequestError, match="metadata"):
        naive(client, "claude-haiku-5-5", metadata=metadata)

    assert router.run(HELLO, metadata=metadata).text


def test_a_fallback_list_is_a_400_where_it_is_not_supported(
    client: anthropic.Anthropic, router: turnout.Router
) -> None:
    fallbacks: Any = [{"model": "claude-opus-5"}]
    with pytest.raises(anthropic.BadRequestError, match="fallback"):
        client.beta.messages.create(
            model="claude-haiku-5-5",
            max_tokens=100,
            messages=HELLO,  # type: ignore[arg-type]
            fallbacks=fallbacks,
            betas=["server-side-fallback-2026-07-01"],
        )

    outcome = router.run({"messages": HELLO, "fallbacks": fallbacks}, tier="trivial")
    assert [change.step for change in outcome.attempts[0].changes] == ["shape.fallbacks"]


def test_a_system_message_inside_the_conversation_is_not_for_every_model(
    client: anthropic.Anthropic, router: turnout.Router
) -> None:
    messages: Any = [*HELLO, {"role": "system", "content": "Be brief."}]
    with pytest.raises(anthropic.BadRequestError, match="system"):
        naive(client, "claude-sonnet-5", messages=messages)

    assert router.run(messages, model="claude-sonnet-5").text


def test_a_large_limit_needs_streaming(client: anthropic.Anthropic, router: turnout.Router) -> None:
    with pytest.raises(ValueError, match="Streaming is required"):
        naive(client, "claude-opus-5-5", max_tokens=64_000)

    assert router.run(HELLO, tier="mid", max_tokens=64_000).text


def test_a_limit_above_the_models_own_is_cut_for_a_fallback_and_avoided_for_the_choice(
    client: anthropic.Anthropic, router: turnout.Router
) -> None:
    with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
        client.messages.create(
            model="claude-haiku-4-5",
            max_tokens=100_000,
            messages=HELLO,  # type: ignore[arg-type]
            stream=True,
        )

    assert router.run(HELLO, tier="trivial", max_tokens=100_000).served_by == "claude-haiku-5-5"


def test_zero_retention_organisations_get_a_400_on_fable(tmp_path: Any) -> None:
    with (
        serve(Emulator(zero_retention=True)) as url,
        anthropic.Anthropic(base_url=url, api_key="test", max_retries=0) as client,
    ):
        with pytest.raises(anthropic.BadRequestError, match="retention"):
            naive(client, "claude-fable-5-2")

        settings = {"organisation": {"zero_retention": True}}
        with turnout.Router(settings, client=client, ledger=False) as router:
            outcome = router.run("Design a multi-region ledger across all our services.")
    assert outcome.served_by == "claude-opus-5-5"
