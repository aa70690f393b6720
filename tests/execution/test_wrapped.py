"""wrap(): a real Anthropic client in every way, with `model="auto"` routed."""

from __future__ import annotations

import asyncio
import base64
import gc
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import anthropic
import httpx2
import pytest
from pydantic import BaseModel

import turnout

if TYPE_CHECKING:
    from tests.execution.conftest import Clock, Json, MakeRouter, Upstream

HELLO: Any = [{"role": "user", "content": "Hello"}]
TOOL: Any = {"name": "look", "description": "Looks", "input_schema": {"type": "object"}}


class Invoice(BaseModel):
    number: int
    paid: bool


@pytest.fixture
def client(make: MakeRouter, claude: anthropic.Anthropic) -> anthropic.Anthropic:
    return turnout.wrap(claude, make())


@pytest.fixture
def router(client: anthropic.Anthropic, make: MakeRouter) -> turnout.Router:
    """A router on the same ledger, to look at what was recorded."""
    return make()


def recorded(router: turnout.Router, kind: str = "decision") -> list[Json]:
    assert router.ledger is not None
    return router.ledger.documents(kind)


def create(client: Any, **fields: Any) -> Any:
    return client.messages.create(
        **{"model": "auto", "max_tokens": 2000, "messages": HELLO, **fields}
    )


def test_auto_is_routed_and_the_message_is_a_message(
    client: anthropic.Anthropic, router: turnout.Router, upstream: Upstream
) -> None:
    message = create(client)
    assert isinstance(message, anthropic.types.Message)
    assert message.model == "claude-haiku-5-5"
    assert message._request_id == upstream.requests[0].request_id
    assert [d["source"] for d in recorded(router)] == ["wrap"]
    outcome = turnout.outcome_of(message)
    assert outcome is not None
    assert outcome.decision.tier == "trivial"
    assert message.usage.output_tokens == outcome.usage.output_tokens


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("auto", "claude-haiku-5-5"),
        ("turnout/auto", "claude-haiku-5-5"),
        ("auto:low", "claude-sonnet-5-5"),
        ("turnout/auto:high", "claude-fable-5-2"),
    ],
)
def test_a_tier_may_stand_in_the_name(
    client: anthropic.Anthropic, upstream: Upstream, name: str, model: str
) -> None:
    create(client, model=name)
    assert upstream.models == [model]


def test_a_tier_that_is_none_is_named(client: anthropic.Anthropic) -> None:
    with pytest.raises(turnout.UnknownTier, match="trivial, low, mid, high"):
        create(client, model="auto:huge")


def test_the_message_is_what_the_sdk_itself_makes_of_the_answer(
    client: anthropic.Anthropic, claude: anthropic.Anthropic, upstream: Upstream
) -> None:
    upstream.script({"do": {"tool_use": "look"}})
    routed = create(client, tools=[TOOL])
    body = {k: v for k, v in upstream.bodies[0].items() if k != "model"}
    plain = claude.messages.create(model=routed.model, **body)
    assert type(routed) is type(plain)
    aside = {"id"}
    assert routed.model_dump(exclude=aside) == plain.model_dump(exclude=aside)
    assert routed.to_dict().keys() == plain.to_dict().keys()
    assert type(routed.content[-1]) is type(plain.content[-1])
    assert "turnout" not in routed.to_json()


def test_an_outcome_belongs_to_its_message_and_goes_with_it(client: anthropic.Anthropic) -> None:
    first, second = create(client), create(client, model="auto:low")
    one, two = turnout.outcome_of(first), turnout.outcome_of(second)
    assert one is not None
    assert two is not None
    assert (one.decision.tier, two.decision.tier) == ("trivial", "low")
    assert turnout.outcome_of(first.model_copy()) is None
    assert turnout.outcome_of("x") is None
    from turnout.wrapped import _OUTCOMES

    before = len(_OUTCOMES)
    del first, one
    gc.collect()
    assert len(_OUTCOMES) == before - 1


def test_many_threads_share_a_wrapped_client(client: anthropic.Anthropic) -> None:
    """Outcomes were kept in a plain dict that was cleaned while others added to it."""

    def work(number: int) -> bool:
        messages = [create(client, messages=[{"role": "user", "content": str(number)}])]
        return all(turnout.outcome_of(message) is not None for message in messages)

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(work, range(200)))


# -- what passes untouched


def test_a_real_id_passes_byte_for_byte_and_unrecorded(
    client: anthropic.Anthropic,
    claude: anthropic.Anthropic,
    router: turnout.Router,
    upstream: Upstream,
) -> None:
    fields: Any = {"model": "claude-haiku-4-5", "tools": [TOOL], "system": "Be brief.",
                   "extra_headers": {"anthropic-version": "2023-06-01"},
                   "extra_body": {"temperature": 0.2}}  # fmt: skip
    for one in (claude, client):
        create(one, **fields)
    plain, routed = upstream.requests
    assert routed.raw == plain.raw
    volatile = ("x-stainless-retry-count", "x-stainless-timeout", "x-stainless-read-timeout")
    headers = [{k: v for k, v in r.headers.items() if k not in volatile} for r in (plain, routed)]
    assert headers[0] == headers[1]
    assert recorded(router) == []


def test_a_real_id_keeps_the_sdks_retries_and_errors(
    client: anthropic.Anthropic, upstream: Upstream
) -> None:
    upstream.script({"do": {"error": {"status": 529, "headers": {"retry-after-ms": "1"}}}})
    with pytest.raises(anthropic.APIStatusError):
        create(client, model="claude-haiku-5-5")
    assert len(upstream.requests) == 3


def test_real_ids_stream_and_give_raw_responses(client: anthropic.Anthropic) -> None:
    with client.messages.stream(model="claude-haiku-5-5", max_tokens=900, messages=HELLO) as stream:
        assert stream.get_final_text()
    raw = client.messages.with_raw_response.create(
        model="claude-haiku-5-5", max_tokens=900, messages=HELLO
    )
    assert raw.parse().content


def test_other_resources_are_untouched(client: anthropic.Anthropic, upstream: Upstream) -> None:
    counted = client.messages.count_tokens(model="claude-haiku-5-5", messages=HELLO)
    assert counted.input_tokens > 0
    assert [model.id for model in client.models.list()]
    assert client.models.retrieve("claude-opus-5").id == "claude-opus-5"
    assert upstream.requests[0].path == "/v1/messages/count_tokens"


def test_raw_responses_of_routed_calls_are_refused_with_a_reason(
    client: anthropic.Anthropic, upstream: Upstream
) -> None:
    with pytest.raises(turnout.InvalidRequest, match="raw responses need a real model id"):
        client.messages.with_raw_response.create(model="auto", max_tokens=9, messages=HELLO)
    with (
        pytest.raises(turnout.InvalidRequest, match="raw responses need a real model id"),
        client.messages.with_streaming_response.create(
            model="auto", max_tokens=9, messages=HELLO
        ) as _,
    ):
        pass
    assert upstream.requests == []


# -- everything the SDK builds on create


def test_raw_events_are_streamed(client: anthropic.Anthropic, router: turnout.Router) -> None:
    with create(client, stream=True) as stream:
        kinds = [event.type for event in stream]
    assert kinds[0] == "message_start"
    assert kinds[-1] == "message_stop"
    assert "ping" not in kinds
    assert stream.outcome.text
    assert recorded(router, "outcome")[0]["status"] == "ok"


def test_the_stream_helper_works(client: anthropic.Anthropic, upstream: Upstream) -> None:
    with client.messages.stream(model="auto", max_tokens=2000, messages=HELLO) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
        assert stream.request_id == upstream.requests[0].request_id
    assert text == "".join(block.text for block in message.content if block.type == "text")
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens > 0
    outcome = turnout.outcome_of(message)
    assert outcome is not None
    assert outcome.text == text


def test_the_stream_helper_reports_events(client: anthropic.Anthropic) -> None:
    with client.messages.stream(model="auto", max_tokens=2000, messages=HELLO) as stream:
        kinds = {event.type for event in stream}
    assert {"message_start", "text", "thinking", "content_block_stop", "message_stop"} <= kinds


def test_leaving_a_stream_early_is_recorded_as_cancelled(
    client: anthropic.Anthropic, router: turnout.Router, upstream: Upstream
) -> None:
    upstream.script({"do": {"event_delay_s": 0.01, "reply": "word " * 300, "thinking": False}})
    with client.messages.stream(model="auto", max_tokens=2000, messages=HELLO) as stream:
        for _ in stream.text_stream:
            break
    (outcome,) = recorded(router, "outcome")
    assert outcome["status"] == "cancelled"
    assert outcome["usage"]["input_tokens"] > 0


def test_a_rescue_before_content_looks_like_one_stream(
    client: anthropic.Anthropic, upstream: Upstream
) -> None:
    upstream.script({"when": {"model": "claude-haiku-*"}, "do": {"refuse": "cyber"}})
    with client.messages.stream(model="auto", max_tokens=2000, messages=HELLO) as stream:
        starts = [event for event in stream if event.type == "message_start"]
    assert [event.message.model for event in starts] == ["claude-sonnet-5-5"]


def test_parse_gives_a_typed_answer(client: anthropic.Anthropic, upstream: Upstream) -> None:
    upstream.script({"do": {"reply": '{"number": 7, "paid": true}'}})
    message = client.messages.parse(
        model="auto", max_tokens=2000, messages=HELLO, output_format=Invoice
    )
    assert message.parsed_output == Invoice(number=7, paid=True)
    assert upstream.bodies[0]["output_config"]["format"]["type"] == "json_schema"
    assert turnout.outcome_of(message) is not None


def test_the_beta_namespace_is_routed(client: anthropic.Anthropic, upstream: Upstream) -> None:
    message = client.beta.messages.create(
        model="auto", max_tokens=2000, messages=HELLO, betas=["a-beta-2026-01-01"]
    )
    assert isinstance(message, anthropic.types.beta.BetaMessage)
    assert "a-beta-2026-01-01" in upstream.requests[0].headers["anthropic-beta"]
    with client.beta.messages.stream(model="auto:low", max_tokens=2000, messages=HELLO) as stream:
        assert stream.get_final_text()
    assert upstream.models == ["claude-haiku-5-5", "claude-sonnet-5-5"]


def test_a_tool_runner_is_routed(client: anthropic.Anthropic, upstream: Upstream) -> None:
    @anthropic.beta_tool
    def look(at: str) -> str:
        """Looks at something.

        Args:
            at: what to look at
        """
        return f"{at} is blue"

    upstream.script({"do": {"tool_use": {"name": "look", "input": {"at": "sky"}}}})
    runner = client.beta.messages.tool_runner(
        model="auto", max_tokens=2000, messages=HELLO, tools=[look]
    )
    message = next(iter(runner))
    assert [block.name for block in message.content if block.type == "tool_use"] == ["look"]
    assert upstream.models == ["claude-haiku-5-5"]


def test_everything_the_caller_gives_arrives(
    client: anthropic.Anthropic, upstream: Upstream
) -> None:
    picture = base64.b64encode(b"x" * 30).decode()
    source = {"type": "base64", "media_type": "image/png", "data": picture}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "What is it?"}]
    create(
        client,
        messages=[{"role": "user", "content": content}],
        system=[{"type": "text", "text": "Be brief."}],
        tools=[TOOL],
        stop_sequences=["END"],
        metadata={"user_id": "u1"},
        extra_headers={"x-team": "red"},
        extra_body={"service_tier": "auto"},
    )
    (request,) = upstream.requests
    body = request.body
    assert body["messages"] == [{"role": "user", "content": content}]
    assert body["system"] == [{"type": "text", "text": "Be brief."}]
    assert (body["tools"], body["stop_sequences"]) == ([TOOL], ["END"])
    assert (body["metadata"], body["service_tier"]) == ({"user_id": "u1"}, "auto")
    assert request.headers["x-team"] == "red"


def test_the_sdks_own_blocks_may_be_sent_back(
    client: anthropic.Anthropic, upstream: Upstream
) -> None:
    upstream.script({"when": {"call": 1}, "do": {"tool_use": "look", "thinking": "Hm."}})
    first = create(client, model="auto:low", tools=[TOOL])
    call = next(block for block in first.content if block.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "blue"}
    second = create(
        client,
        model="auto:low",
        tools=[TOOL],
        messages=[
            *HELLO,
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [result]},
        ],
    )
    assert second.stop_reason == "end_turn"


def test_a_query_cannot_be_sent_with_a_routed_model(client: anthropic.Anthropic) -> None:
    with pytest.raises(turnout.InvalidRequest, match="extra_query"):
        create(client, extra_query={"a": "b"})


# -- time-outs, options, closing


@pytest.mark.parametrize("timeout", [0.3, httpx2.Timeout(0.3)], ids=["seconds", "Timeout"])
def test_a_timeout_is_honoured(
    make: MakeRouter, claude: anthropic.Anthropic, upstream: Upstream, timeout: Any
) -> None:
    upstream.script({"do": {"hang": True}})
    client = turnout.wrap(claude, make(clock=turnout.utc_now))
    with pytest.raises(turnout.AllAttemptsFailed, match=r"within 0.3 s"):
        create(client, timeout=timeout)


def test_the_deadline_of_the_settings_holds_where_the_caller_says_nothing(
    make: MakeRouter, claude: anthropic.Anthropic, upstream: Upstream
) -> None:
    upstream.script({"do": {"hang": True}})
    router = make({"execution": {"deadline_s": 0.3}}, clock=turnout.utc_now)
    with pytest.raises(turnout.AllAttemptsFailed, match=r"within 0.3 s"):
        create(turnout.wrap(claude, router))


def test_with_options_keeps_routing(client: anthropic.Anthropic, upstream: Upstream) -> None:
    other = client.with_options(timeout=30, default_headers={"x-team": "blue"})
    create(other)
    create(other.with_options(max_retries=0).copy(), model="auto:low")
    assert upstream.models == ["claude-haiku-5-5", "claude-sonnet-5-5"]
    assert upstream.requests[1].headers["x-team"] == "blue"


def test_it_is_an_anthropic_client_in_every_way(
    client: anthropic.Anthropic, claude: anthropic.Anthropic
) -> None:
    assert isinstance(client, anthropic.Anthropic)
    assert type(client) is type(claude)
    assert (client.base_url, client.api_key) == (claude.base_url, claude.api_key)


def test_wrapping_leaves_the_original_alone(
    client: anthropic.Anthropic, claude: anthropic.Anthropic
) -> None:
    with pytest.raises(anthropic.NotFoundError):
        create(claude)


def test_wrapping_twice_routes_once(
    client: anthropic.Anthropic, make: MakeRouter, router: turnout.Router, upstream: Upstream
) -> None:
    create(turnout.wrap(client, make()))
    assert len(upstream.requests) == len(recorded(router)) == 1


def test_closing_closes_the_shared_connections(upstream: Upstream, make: MakeRouter) -> None:
    inner = upstream.client()
    with turnout.wrap(inner, make()) as client:
        create(client)
    assert client.is_closed()
    assert inner.is_closed()


def test_wrap_takes_only_the_vendors_clients(make: MakeRouter, upstream: Upstream) -> None:
    with pytest.raises(turnout.InvalidRequest, match="neither Anthropic nor AsyncAnthropic"):
        turnout.wrap("client")  # type: ignore[type-var]
    with upstream.client() as client, pytest.raises(turnout.InvalidRequest, match="Router"):
        turnout.wrap(client, turnout.AsyncRouter({}))


# -- errors


def test_a_wrong_key_is_said_in_the_apis_words(make: MakeRouter, upstream: Upstream) -> None:
    with (
        upstream.client().with_options(api_key="bad-key") as inner,
        pytest.raises(turnout.AllAttemptsFailed, match="invalid x-api-key") as failed,
    ):
        create(turnout.wrap(inner, make()))
    assert isinstance(failed.value.__cause__, anthropic.AuthenticationError)


def test_a_missing_key_is_said_as_such(make: MakeRouter, upstream: Upstream) -> None:
    with (
        anthropic.Anthropic(base_url=upstream.url) as inner,
        pytest.raises(turnout.ConfigError, match="ANTHROPIC_API_KEY"),
    ):
        create(turnout.wrap(inner, make()))


def test_a_refusal_of_all_is_refused(client: anthropic.Anthropic) -> None:
    with pytest.raises(turnout.Refused):
        create(client, messages=[{"role": "user", "content": "[[refuse]]"}])


def test_a_stream_that_breaks_raises_in_the_loop(
    client: anthropic.Anthropic, router: turnout.Router, upstream: Upstream
) -> None:
    upstream.script({"do": {"cut_after": 5, "reply": "word " * 50, "thinking": False}})
    with (
        client.messages.stream(model="auto", max_tokens=2000, messages=HELLO) as stream,
        pytest.raises(turnout.AllAttemptsFailed),
    ):
        stream.until_done()
    assert recorded(router, "outcome")[0]["status"] == "failed"


# -- AsyncAnthropic


AsyncWork = Callable[[anthropic.AsyncAnthropic], Any]


@pytest.fixture
def run_async(upstream: Upstream, clock: Clock, tmp_path: Path) -> Callable[[AsyncWork], Any]:
    """Runs work with a wrapped AsyncAnthropic, and closes everything."""

    async def with_client(work: AsyncWork) -> Any:
        settings = {"ledger": {"folder": str(tmp_path / "ledger")}, "classifier": "rules"}
        async with (
            upstream.async_client() as inner,
            turnout.AsyncRouter(settings, clock=clock, rng=Random(7)) as router,
        ):
            return await work(turnout.wrap(inner, router))

    return lambda work: asyncio.run(with_client(work))


def test_async_create_is_routed(run_async: Any, upstream: Upstream) -> None:
    async def work(client: anthropic.AsyncAnthropic) -> None:
        assert isinstance(client, anthropic.AsyncAnthropic)
        message = await create(client, model="auto:low")
        assert message.model == "claude-sonnet-5-5"
        outcome = turnout.outcome_of(message)
        assert outcome is not None
        assert outcome.decision.tier == "low"
        plain = await create(client, model="claude-haiku-5-5")
        assert turnout.outcome_of(plain) is None

    run_async(work)


def test_async_streams_are_routed(run_async: Any, upstream: Upstream) -> None:
    async def work(client: anthropic.AsyncAnthropic) -> None:
        raw: AsyncIterator[Any] = await create(client, model="auto:low", stream=True)
        assert [event.type async for event in raw][-1] == "message_stop"
        async with client.messages.stream(
            model="auto:low", max_tokens=2000, messages=HELLO
        ) as stream:
            text = "".join([piece async for piece in stream.text_stream])
            message = await stream.get_final_message()
        assert text
        outcome = turnout.outcome_of(message)
        assert outcome is not None
        assert outcome.text == text

    run_async(work)


def test_async_helpers_are_routed(run_async: Any, upstream: Upstream) -> None:
    upstream.script({"when": {"call": 1}, "do": {"reply": '{"number": 7, "paid": true}'}})

    async def work(client: anthropic.AsyncAnthropic) -> None:
        message = await client.messages.parse(
            model="auto", max_tokens=2000, messages=HELLO, output_format=Invoice
        )
        assert message.parsed_output == Invoice(number=7, paid=True)
        beta = await client.with_options(timeout=30).beta.messages.create(
            model="auto:low", max_tokens=2000, messages=HELLO, betas=["a-1"]
        )
        assert beta.model == "claude-sonnet-5-5"
        with pytest.raises(turnout.InvalidRequest, match="raw responses"):
            await client.messages.with_raw_response.create(
                model="auto", max_tokens=9, messages=HELLO
            )

    run_async(work)


def test_an_async_stream_left_early_is_cancelled(run_async: Any, upstream: Upstream) -> None:
    upstream.script({"do": {"event_delay_s": 0.01, "reply": "word " * 300, "thinking": False}})

    async def work(client: anthropic.AsyncAnthropic) -> None:
        async with client.messages.stream(
            model="auto:low", max_tokens=2000, messages=HELLO
        ) as stream:
            async for _ in stream.text_stream:
                break

    run_async(work)
    assert not upstream.requests[0].finished


def test_async_clients_need_an_async_router(make: MakeRouter, upstream: Upstream) -> None:
    async def work() -> None:
        async with upstream.async_client() as inner:
            with pytest.raises(turnout.InvalidRequest, match="AsyncRouter"):
                turnout.wrap(inner, make())

    asyncio.run(work())
