"""Streams: text as it arrives, then the Outcome; what breaks is rescued unseen or said aloud."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import anyio
import pytest

import turnout

if TYPE_CHECKING:
    from tests.execution.conftest import Json, MakeCaller, MakeRouter, Upstream

HI = "Hello"
NO_RETRIES = {"execution": {"max_retries": 0}}
PLAIN: Json = {"reply": "One, two, three, four, five, six.", "thinking": False}


def ended(caller: Any) -> Json:
    """The one outcome that was recorded."""
    (outcome,) = caller.router.ledger.documents("outcome")
    found: Json = outcome
    return found


def test_text_arrives_in_pieces_and_the_outcome_last(both: MakeCaller, upstream: Upstream) -> None:
    *texts, outcome = both().stream(HI)
    assert all(isinstance(text, str) and text for text in texts)
    assert isinstance(outcome, turnout.Outcome)
    assert len(texts) > 1
    assert "".join(map(str, texts)) == outcome.text
    assert upstream.bodies[0]["stream"] is True


def test_a_stream_costs_what_a_plain_call_costs(both: MakeCaller, upstream: Upstream) -> None:
    caller = both()
    streamed = caller.stream(HI)[-1]
    plain = caller.run(HI, max_tokens=2000)
    assert isinstance(streamed, turnout.Outcome)
    assert (streamed.cost_usd, streamed.usage) == (plain.cost_usd, plain.usage)
    assert streamed.message["content"] == plain.message["content"]


def test_the_time_to_the_first_content_is_measured(both: MakeCaller, upstream: Upstream) -> None:
    upstream.script({"do": {"delay_s": 0.1, "event_delay_s": 0.02, **PLAIN}})
    outcome = both().stream(HI)[-1]
    assert isinstance(outcome, turnout.Outcome)
    assert outcome.ttft_ms is not None
    assert 100 < outcome.ttft_ms < outcome.latency_ms


def test_a_plain_answer_has_no_time_to_first_content(both: MakeCaller, upstream: Upstream) -> None:
    assert both().run(HI, max_tokens=1000).ttft_ms is None


def test_tool_use_alone_streams_no_text(both: MakeCaller, upstream: Upstream) -> None:
    upstream.script({"do": {"tool_use": "look"}})
    (outcome,) = both().stream(HI, tools=[{"name": "look", "input_schema": {"type": "object"}}])
    assert isinstance(outcome, turnout.Outcome)
    assert outcome.tool_uses[0]["name"] == "look"


@pytest.mark.parametrize(
    "trouble",
    [
        {"error": 529},
        {"error_after": 1},
        {"error_after": {"events": 1, "type": "api_error"}},
        {"cut_after": 1},
        {"end_after": 1},
        {"malformed_after": 1},
        {"cut_after": 0},
    ],
    ids=str,
)
def test_what_breaks_before_any_content_is_rescued_unseen(
    both: MakeCaller, upstream: Upstream, trouble: Json
) -> None:
    upstream.script({"when": {"model": "claude-haiku-5-5"}, "do": {**trouble}}, {"do": PLAIN})
    *texts, outcome = both(NO_RETRIES).stream(HI)
    assert isinstance(outcome, turnout.Outcome)
    assert "".join(map(str, texts)) == PLAIN["reply"]
    assert outcome.served_by == "claude-haiku-4-5"
    assert [a.status for a in outcome.attempts] == ["error", "accepted"]


@pytest.mark.parametrize(
    "trouble",
    [{"error_after": 4}, {"cut_after": 4}, {"end_after": 4}, {"malformed_after": 4}],
    ids=str,
)
def test_what_breaks_after_content_is_an_error_and_no_restart(
    both: MakeCaller, upstream: Upstream, trouble: Json
) -> None:
    upstream.script({"do": {**trouble, **PLAIN}})
    caller = both()
    with pytest.raises(turnout.AllAttemptsFailed) as broken:
        caller.stream(HI)
    assert len(upstream.requests) == 1
    (attempt,) = broken.value.attempts
    assert attempt.usage.input_tokens > 0
    assert attempt.cost_usd == Decimal(ended(caller)["cost_usd"]) > 0
    assert ended(caller)["status"] == "failed"


def test_the_same_break_is_mended_when_nobody_watches(both: MakeCaller, upstream: Upstream) -> None:
    """A large answer streams under the hood, and its caller has seen nothing yet."""
    upstream.script({"do": {"cut_after": 4, **PLAIN}, "times": 1}, {"do": PLAIN})
    outcome = both().run(HI)
    assert outcome.text == PLAIN["reply"]
    assert [a.status for a in outcome.attempts] == ["error", "accepted"]


def test_a_stream_without_its_end_is_no_answer(both: MakeCaller, upstream: Upstream) -> None:
    upstream.script({"do": {"end_after": 5, **PLAIN, "reply": "Hi."}})
    with pytest.raises(turnout.AllAttemptsFailed, match="message_stop"):
        both().stream(HI)


def test_closing_a_stream_early_cancels_the_call_and_bills_what_it_used(
    make: MakeRouter, upstream: Upstream
) -> None:
    upstream.script({"do": {"event_delay_s": 0.02, "reply": "word " * 400, "thinking": False}})
    router = make()
    events = router.stream(HI)
    assert isinstance(next(events), str)
    events.close()
    assert router.ledger is not None
    (outcome,) = router.ledger.documents("outcome")
    (attempt,) = router.ledger.documents("attempt")
    assert (outcome["status"], outcome["attempts"]) == ("cancelled", 1)
    assert attempt["error"] == "cancelled by the caller"
    assert outcome["usage"]["input_tokens"] > 0
    assert Decimal(outcome["cost_usd"]) > 0
    assert wait_until(lambda: not upstream.requests[0].finished)
    assert len(upstream.requests) == 1


def test_leaving_an_async_stream_cancels_the_call_at_once(
    upstream: Upstream, tmp_path: Any
) -> None:
    """The call lived on until the garbage was collected."""
    upstream.script({"do": {"event_delay_s": 0.02, "reply": "word " * 400, "thinking": False}})
    settings = {"ledger": {"folder": str(tmp_path / "ledger")}}

    async def leave() -> list[Json]:
        async with upstream.async_client() as client:
            router = turnout.AsyncRouter(settings, client=client)
            events = router.stream(HI, tier="trivial")
            async for event in events:
                assert isinstance(event, str)
                break
            await events.aclose()
            assert router.ledger is not None
            outcomes = router.ledger.documents("outcome")
            await router.close()
            return outcomes

    (outcome,) = anyio.run(leave)
    assert (outcome["status"], outcome["attempts"]) == ("cancelled", 1)
    assert outcome["usage"]["input_tokens"] > 0
    assert wait_until(lambda: not upstream.requests[0].finished)


def test_a_stream_is_routed_when_it_is_asked_for_and_called_when_it_is_read(
    both: MakeCaller, upstream: Upstream
) -> None:
    router = both().router
    with pytest.raises(turnout.UnknownTier):
        router.stream(HI, tier="huge")
    router.stream(HI)
    assert upstream.requests == []


def test_an_error_status_before_the_stream_is_named(both: MakeCaller, upstream: Upstream) -> None:
    upstream.script({"do": {"error": {"status": 400, "message": "messages: odd"}}})
    with pytest.raises(turnout.AllAttemptsFailed, match="messages: odd"):
        both().stream(HI)


def test_thinking_is_not_streamed_as_text(both: MakeCaller, upstream: Upstream) -> None:
    upstream.script({"do": {"reply": "42", "thinking": "Six times seven."}})
    *texts, outcome = both().stream(HI)
    assert texts == ["42"] or "".join(map(str, texts)) == "42"
    assert isinstance(outcome, turnout.Outcome)
    assert outcome.message["content"][0]["thinking"] == "Six times seven."


def test_thinking_that_eats_the_limit_ends_in_an_error(
    both: MakeCaller, upstream: Upstream
) -> None:
    ask = {"messages": [{"role": "user", "content": HI}], "output_config": {"effort": "high"}}
    with pytest.raises(turnout.Truncated):
        both().stream({**ask, "max_tokens": 500})


def wait_until(holds: Any) -> bool:
    """True once it holds, within two seconds."""
    for _ in range(200):
        if holds():
            return True
        time.sleep(0.01)
    return False
