"""Refusals, server-side fallbacks and fallback credit, through the vendor's client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import pytest

from turnout.emulator import Do, Emulator, Failure, Refusal, Rule, Script, When

Send = Callable[..., httpx2.Response]
JUNE, JULY = "server-side-fallback-2026-06-01", "server-side-fallback-2026-07-01"
CREDIT = "fallback-credit-2026-07-01"
OPUS, OPUS_5, OPUS_48 = "claude-opus-5-5", "claude-opus-5", "claude-opus-4-8"


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


@pytest.fixture
def beta(claude: anthropic.Anthropic) -> Callable[..., Any]:
    """Create a beta message; `ask` is the prompt."""

    def create(ask: str = "", betas: tuple[str, ...] = (JULY,), **fields: Any) -> Any:
        plain = {"model": OPUS, "max_tokens": 2000, "messages": [user(ask)]}
        return claude.beta.messages.create(**{**plain, **fields}, betas=list(betas))

    return create


@pytest.mark.parametrize(
    ("model", "category", "refused"),
    [
        ("claude-haiku-5-5", "cyber", True),
        ("claude-haiku-5-5", "reasoning_extraction", False),
        ("claude-sonnet-5-5", "general_harms", True),
        ("claude-sonnet-5", "cyber", True),
        ("claude-sonnet-5", "bio", False),
        ("claude-opus-5", "cyber", True),
        ("claude-opus-5", "bio", False),
        ("claude-opus-5-5", "bio", True),
        ("claude-opus-5-5", "frontier_llm", False),
        ("claude-opus-4-8", "cyber", False),
        ("claude-haiku-4-5", "cyber", False),
        ("claude-fable-5", "frontier_llm", True),
        ("claude-fable-5-2", "general_harms", True),
        ("claude-mythos-5", "cyber", False),
    ],
)
def test_the_marker_is_refused_by_models_with_the_category(
    shared_send: Send, model: str, category: str, refused: bool
) -> None:
    body = shared_send(model=model, messages=[user(f"Hi [[refuse:{category}]]")]).json()
    assert (body["stop_reason"] == "refusal") is refused
    if refused:
        assert body["content"] == []
        assert body["stop_details"]["category"] == category
        assert body["usage"]["output_tokens"] == 0
    else:
        assert body["stop_details"] is None


def test_the_bare_marker_is_refused_by_everyone(shared_send: Send) -> None:
    body = shared_send(model="claude-haiku-4-5", messages=[user("[[refuse]]")]).json()
    assert (body["stop_reason"], body["stop_details"]["category"]) == ("refusal", None)


def test_only_the_last_user_message_is_looked_at(shared_send: Send) -> None:
    messages = [user("[[refuse]]"), {"role": "assistant", "content": "No."}, user("And now?")]
    assert shared_send(messages=messages).json()["stop_reason"] == "end_turn"


def test_a_fallback_serves_and_says_so(beta: Callable[..., Any]) -> None:
    message = beta("[[refuse:bio]]", betas=(JUNE,), fallbacks=[{"model": OPUS_48}])
    assert (message.model, message.stop_reason) == (OPUS_48, "end_turn")
    seam = message.content[0]
    assert (seam.type, seam.from_.model, seam.to.model) == ("fallback", OPUS, OPUS_48)
    assert seam.trigger.category == "bio"
    assert message.content[-1].text.startswith("Claude Opus 4.8 answers")
    declined, served = message.usage.iterations
    assert (declined.type, declined.model, declined.output_tokens) == ("message", OPUS, 0)
    assert (served.type, served.model) == ("fallback_message", OPUS_48)
    assert message.usage.output_tokens == served.output_tokens > 0
    assert message.usage.input_tokens == served.input_tokens


def test_an_alias_is_named_as_the_caller_named_it(claude: anthropic.Anthropic) -> None:
    """No aliased model has fallbacks, so a served answer names its canonical id at least."""
    message = claude.messages.create(
        model="claude-haiku-4-5",
        max_tokens=50,
        messages=[{"role": "user", "content": "Hi"}],
    )
    assert message.model == "claude-haiku-4-5-20251001"


def test_each_fallback_is_tried_in_turn(beta: Callable[..., Any]) -> None:
    message = beta("[[refuse:cyber]]", fallbacks="default")
    assert message.model == OPUS_48
    hops = [(b.from_.model, b.to.model) for b in message.content if b.type == "fallback"]
    assert hops == [(OPUS, OPUS_5), (OPUS_5, OPUS_48)]
    kinds = [(entry.type, entry.model) for entry in message.usage.iterations]
    assert kinds == [("message", OPUS), ("message", OPUS_5), ("fallback_message", OPUS_48)]


def test_all_decline(beta: Callable[..., Any]) -> None:
    message = beta("[[refuse]]", fallbacks=[{"model": OPUS_5}])
    assert (message.stop_reason, message.model) == ("refusal", OPUS_5)
    assert message.stop_details.type == "refusal"
    assert {entry.type for entry in message.usage.iterations} == {"message"}


def test_no_refusal_no_fallback(beta: Callable[..., Any]) -> None:
    message = beta("Hello", fallbacks="default")
    assert message.model == OPUS
    assert [entry.type for entry in message.usage.iterations] == ["message"]


def test_some_categories_are_never_retried(beta: Callable[..., Any]) -> None:
    message = beta("[[refuse:reasoning_extraction]]", fallbacks=[{"model": OPUS_48}])
    assert (message.stop_reason, message.model) == ("refusal", OPUS)


@pytest.mark.parametrize(("category", "retried"), [("frontier_llm", True), ("bio", False)])
def test_sonnets_default_fallback_retries_two_categories(
    beta: Callable[..., Any], category: str, retried: bool
) -> None:
    fields = {"model": "claude-sonnet-5-5", "fallbacks": "default"}
    message = beta(f"[[refuse:{category}]]", **fields)
    assert message.model == ("claude-sonnet-5" if retried else "claude-sonnet-5-5")
    named = beta(
        f"[[refuse:{category}]]", **{**fields, "fallbacks": [{"model": "claude-sonnet-5"}]}
    )
    assert named.model == "claude-sonnet-5"


def test_haikus_default_fallback_does_nothing(beta: Callable[..., Any]) -> None:
    message = beta("[[refuse:bio]]", model="claude-haiku-5-5", fallbacks="default")
    assert (message.stop_reason, message.model) == ("refusal", "claude-haiku-5-5")


def thinking_tokens(message: Any) -> int:
    return int(message.usage.output_tokens_details.thinking_tokens)


def test_effort_and_thinking_are_inherited_where_they_fit(beta: Callable[..., Any]) -> None:
    ask = "[[refuse:bio]]"
    plain = [{"model": OPUS_48}]
    thinks = {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}
    assert thinking_tokens(beta(ask, fallbacks=plain, **thinks)) == 50
    assert thinking_tokens(beta(ask, fallbacks=plain)) == 0  # opus 4.8 thinks only when asked
    reset = [{"model": OPUS_48, "output_config": None}]
    assert thinking_tokens(beta(ask, fallbacks=reset, **thinks)) == 800  # its default is high
    off = [{"model": OPUS_48, "thinking": {"type": "disabled"}}]
    assert thinking_tokens(beta(ask, fallbacks=off, **thinks)) == 0
    more = [{"model": OPUS_48, "output_config": {"effort": "medium"}, "max_tokens": 150}]
    cut = beta(ask, fallbacks=more, **thinks)
    assert (cut.stop_reason, cut.usage.output_tokens) == ("max_tokens", 150)


def test_between_tools_becomes_disabled_on_the_fallback(beta: Callable[..., Any]) -> None:
    message = beta(
        "[[refuse:bio]]",
        model="claude-sonnet-5-5",
        thinking={"type": "between_tools"},
        fallbacks=[{"model": "claude-sonnet-5"}],
    )
    assert message.model == "claude-sonnet-5"
    assert thinking_tokens(message) == 0


def test_a_conversation_stays_with_its_fallback_for_an_hour(
    beta: Callable[..., Any], served: Any
) -> None:
    first = beta("[[refuse:bio]] Go.", fallbacks=[{"model": OPUS_48}])
    history = [
        user("[[refuse:bio]] Go."),
        {"role": "assistant", "content": [block.to_dict() for block in first.content]},
        user("Go on."),
    ]
    second = beta(messages=history, fallbacks=[{"model": OPUS_48}])
    assert second.model == OPUS_48
    assert "fallback" not in {block.type for block in second.content}
    assert [entry.type for entry in second.usage.iterations] == ["fallback_message"]
    served[0].clock.move(hours=1, seconds=1)
    assert beta(messages=history, fallbacks=[{"model": OPUS_48}]).model == OPUS


def test_a_streamed_fallback(claude: anthropic.Anthropic) -> None:
    with claude.beta.messages.stream(
        model=OPUS,
        max_tokens=2000,
        messages=[{"role": "user", "content": "[[refuse:bio]]"}],
        fallbacks="default",
        betas=[JULY],
    ) as stream:
        started = [event.message for event in stream if event.type == "message_start"]
        message = stream.get_final_message()
    assert [start.model for start in started] == [OPUS]
    assert message.model == OPUS_5
    assert message.content[0].type == "fallback"
    assert message.usage.iterations is not None
    assert message.usage.iterations[-1].type == "fallback_message"


def test_a_streamed_refusal(claude: anthropic.Anthropic) -> None:
    with claude.messages.stream(
        model=OPUS, max_tokens=50, messages=[{"role": "user", "content": "[[refuse:cyber]]"}]
    ) as stream:
        message = stream.get_final_message()
    assert (message.stop_reason, message.content) == ("refusal", [])
    assert message.stop_details is not None
    assert message.stop_details.category == "cyber"


@pytest.fixture
def scripted(send: Send, emulator: Emulator) -> Callable[..., Any]:
    """Answer under a script of the given rules."""

    def answer(rules: list[Rule], headers: dict[str, str] | None = None, **fields: Any) -> Any:
        emulator.script = Script(rules)
        return send(fields, headers=headers).json()

    return answer


def test_a_scripted_refusal_after_some_text(scripted: Callable[..., Any]) -> None:
    rule = Rule(when=When(model=OPUS), do=Do(refuse=Refusal("bio", partial_text="First, take")))
    body = scripted(
        [rule],
        headers={"anthropic-beta": JUNE},
        model=OPUS,
        fallbacks=[{"model": OPUS_48}],
    )
    assert [block["type"] for block in body["content"]] == ["text", "fallback", "text"]
    declined = body["usage"]["iterations"][0]
    assert declined["output_tokens"] > 0
    assert body["usage"]["output_tokens"] == body["usage"]["iterations"][1]["output_tokens"]


def test_an_overloaded_fallback_is_recommended(scripted: Callable[..., Any]) -> None:
    rules = [
        Rule(when=When(model=OPUS), do=Do(refuse=Refusal("bio"))),
        Rule(when=When(model=OPUS_48), do=Do(error=Failure(529, "Overloaded"))),
    ]
    body = scripted(
        rules, headers={"anthropic-beta": JUNE}, model=OPUS, fallbacks=[{"model": OPUS_48}]
    )
    assert (body["stop_reason"], body["model"]) == ("refusal", OPUS)
    assert body["stop_details"]["recommended_model"] == OPUS_48


# -- fallback credit -----------------------------------------------------------------------

LONG = [{"type": "text", "text": "word " * 2000, "cache_control": {"type": "ephemeral"}}]
ASK: dict[str, Any] = {"max_tokens": 500, "system": LONG, "messages": [user("[[refuse:bio]]")]}


def refuse(beta: Callable[..., Any]) -> str:
    refused = beta(betas=(CREDIT,), **ASK)
    assert refused.stop_reason == "refusal"
    assert refused.stop_details.fallback_has_prefill_claim is False
    return str(refused.stop_details.fallback_credit_token)


def test_credit_is_offered_only_with_its_beta(beta: Callable[..., Any]) -> None:
    assert beta(betas=(), **ASK).stop_details.fallback_credit_token is None
    assert refuse(beta).startswith("fct_")
    haiku = beta(betas=(CREDIT,), **{**ASK, "model": "claude-haiku-5-5"})
    assert haiku.stop_details.fallback_credit_token is None


def test_credit_turns_what_was_warm_into_a_read(beta: Callable[..., Any]) -> None:
    beta(betas=(), **ASK)  # warms the refusing model's cache
    token = refuse(beta)
    served = beta(betas=(CREDIT,), **ASK, model=OPUS_48, fallback_credit_token=token)
    assert served.usage.fallback_credit.status.type == "redeemed"
    assert served.usage.cache_read_input_tokens == 3250
    assert served.usage.cache_creation_input_tokens == 0


def test_strict_credit_that_fails_is_an_error(beta: Callable[..., Any], served: Any) -> None:
    token = refuse(beta)
    target = {**ASK, "model": OPUS_48, "fallback_credit_token": token}

    def problem(**changes: Any) -> str:
        with pytest.raises(anthropic.BadRequestError) as caught:
            beta(betas=(CREDIT, JULY), **{**target, **changes})
        return caught.value.message

    assert "body_mismatch" in problem(messages=[user("Something else")])
    assert "invalid_target_model" in problem(model="claude-haiku-4-5")
    assert "malformed token" in problem(fallback_credit_token="nonsense")
    assert "cannot be combined" in problem(model=OPUS, fallbacks=[{"model": OPUS_48}])
    served[0].clock.move(minutes=5)
    assert "expired" in problem()


def test_credit_for_best_effort_serves_anyway(beta: Callable[..., Any], served: Any) -> None:
    given = {"token": refuse(beta), "mode": "best_effort"}
    served[0].clock.move(minutes=5)
    message = beta(betas=(CREDIT,), **ASK, model=OPUS_48, fallback_credit_token=given)
    status = message.usage.fallback_credit.status
    assert (status.type, status.reason) == ("not_applied", "expired")
    assert message.stop_reason == "end_turn"


def test_the_object_form_needs_the_later_beta(beta: Callable[..., Any]) -> None:
    with pytest.raises(anthropic.BadRequestError, match="object form"):
        beta(
            betas=("fallback-credit-2026-06-01",),
            **ASK,
            model=OPUS_48,
            fallback_credit_token={"token": refuse(beta)},
        )


def test_credit_may_continue_a_partial_answer(scripted: Callable[..., Any]) -> None:
    rule = Rule(when=When(model=OPUS), do=Do(refuse=Refusal("bio", partial_text="First, take ")))
    headers = {"anthropic-beta": CREDIT}
    refused = scripted([rule], headers=headers, model=OPUS)
    details = refused["stop_details"]
    assert details["fallback_has_prefill_claim"] is True
    token = details["fallback_credit_token"]
    messages = [user("Hello"), {"role": "assistant", "content": "First, take"}]
    body = scripted(
        [], headers=headers, model=OPUS_48, messages=messages, fallback_credit_token=token
    )
    assert body["usage"]["fallback_credit"] == {"status": {"type": "redeemed"}}
    messages[-1]["content"] = "Another text"
    other = scripted(
        [], headers=headers, model=OPUS_48, messages=messages, fallback_credit_token=token
    )
    assert "body_mismatch" in other["error"]["message"]
