"""Failures over real HTTP: what is tried again, where, and what the caller hears.

The emulator scripts what an API can do; a small hostile server does the rest.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import anthropic
import pytest

import turnout

if TYPE_CHECKING:
    from tests.execution.conftest import Json, MakeCaller, MakeRouter, Upstream

HI = "Hello"
SOON = {"retry-after-ms": "1"}
NO_RETRIES = {"execution": {"max_retries": 0}}


def fails(status: int, headers: dict[str, str] = SOON, **error: Any) -> Json:
    return {"error": {"status": status, "headers": headers, **error}}


def test_an_overload_that_passes_is_not_noticed(both: MakeCaller, upstream: Upstream) -> None:
    upstream.script({"do": fails(529), "times": 2})
    outcome = both().run(HI)
    assert outcome.text
    assert [a.http_status for a in outcome.attempts] == [529, 529, 200]
    assert upstream.models == ["claude-haiku-5-5"] * 3


def test_retries_are_the_routers_alone(both: MakeCaller, upstream: Upstream) -> None:
    """The SDK's own retries are off, else each of ours would be three."""
    upstream.script({"do": fails(500)})
    settings = {"execution": {"max_retries": 1, "max_fallbacks": 1}}
    with pytest.raises(turnout.AllAttemptsFailed):
        both(settings).run(HI)
    assert len(upstream.requests) == 4


@pytest.mark.parametrize("status", [429, 500, 504, 529])
def test_a_failure_that_stays_goes_to_the_next_target(
    both: MakeCaller, upstream: Upstream, status: int
) -> None:
    upstream.script({"when": {"model": "claude-haiku-5-5"}, "do": fails(status)})
    outcome = both(NO_RETRIES).run(HI)
    assert outcome.served_by == "claude-haiku-4-5"
    assert [a.status for a in outcome.attempts] == ["error", "accepted"]


def test_retry_after_ms_is_waited_for(router: turnout.Router, upstream: Upstream) -> None:
    upstream.script({"do": fails(429, {"retry-after-ms": "300", "retry-after": "9"}), "times": 1})
    began = time.monotonic()
    assert router.run(HI).text
    assert 0.3 <= time.monotonic() - began < 2


def test_retry_after_is_waited_for(router: turnout.Router, upstream: Upstream) -> None:
    upstream.script({"do": fails(529, {"retry-after": "1"}), "times": 1})
    began = time.monotonic()
    assert router.run(HI).text
    assert 1.0 <= time.monotonic() - began < 3


@pytest.mark.parametrize("nonsense", ["soon", "-5", "nan", "inf", ""])
def test_a_retry_after_that_makes_no_sense_counts_as_absent(
    make: MakeRouter, upstream: Upstream, nonsense: str
) -> None:
    upstream.script({"do": fails(529, {"retry-after": nonsense}), "times": 1})
    assert make({"execution": {"max_retries": 1}}).run(HI).text


def test_x_should_retry_is_obeyed(router: turnout.Router, upstream: Upstream) -> None:
    upstream.script(
        {"when": {"model": "claude-haiku-5-5"}, "do": fails(529, {"x-should-retry": "false"})},
        {"do": fails(404, {"x-should-retry": "true", **SOON}), "times": 1},
    )
    assert router.run(HI).served_by == "claude-haiku-4-5"
    assert upstream.models == ["claude-haiku-5-5", "claude-haiku-4-5", "claude-haiku-4-5"]


def test_a_spend_cap_is_raised_at_once(both: MakeCaller, upstream: Upstream) -> None:
    capped = {"details": {"error_code": "enforced_spend_limit_reached"}, "message": "Cap reached"}
    upstream.script({"do": fails(429, {}, **capped)})
    with pytest.raises(turnout.AllAttemptsFailed, match="Cap reached"):
        both().run(HI)
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 402])
def test_what_no_target_can_mend_is_raised_at_once(
    both: MakeCaller, upstream: Upstream, status: int
) -> None:
    upstream.script({"do": fails(status, message="Pay first")})
    with pytest.raises(turnout.AllAttemptsFailed, match="Pay first") as failed:
        both().run(HI)
    assert len(upstream.requests) == 1
    assert isinstance(failed.value.__cause__, anthropic.APIStatusError)


def test_a_wrong_key_is_named(make: MakeRouter, upstream: Upstream) -> None:
    with upstream.client().with_options(api_key="bad-key") as client:
        router = make(client=client)
        with pytest.raises(turnout.AllAttemptsFailed, match="invalid x-api-key") as failed:
            router.run(HI)
    assert len(failed.value.attempts) == 1


def test_a_missing_key_is_a_setting_that_is_wrong(make: MakeRouter) -> None:
    with pytest.raises(turnout.ConfigError, match="ANTHROPIC_API_KEY"):
        make(client=None).run(HI)


def test_a_client_without_a_key_is_found_out(make: MakeRouter, upstream: Upstream) -> None:
    with anthropic.Anthropic(base_url=upstream.url) as client:
        router = make(client=client)
        with pytest.raises(turnout.ConfigError, match="ANTHROPIC_API_KEY"):
            router.run(HI)


def test_a_key_from_the_environment_will_do(
    make: MakeRouter, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "test")
    router = make({"api": {"key_env": "MY_KEY", "base_url": upstream.url}}, client=None)
    assert router.run(HI).text


def test_a_prompt_too_long_goes_to_a_larger_window(make: MakeRouter, upstream: Upstream) -> None:
    upstream.script(
        {"when": {"model": "claude-haiku-4-5"}, "do": fails(400, message="prompt is too long: 9")}
    )
    outcome = make(ladder="claude-5").run(HI)
    assert (outcome.served_by, len(outcome.attempts)) == ("claude-sonnet-5", 2)


def test_a_rate_limit_skips_the_pools_siblings(make: MakeRouter, upstream: Upstream) -> None:
    tiers = {
        "low": {"targets": ["claude-haiku-5-5"], "covers": 2},
        "high": {"targets": ["claude-fable-5", "claude-fable-5-1", "claude-fable-5-2"]},
    }
    upstream.script({"when": {"model": "claude-fable-5"}, "do": fails(429)})
    router = make(NO_RETRIES, ladder=tiers)
    outcome = router.run(HI, tier="high")
    assert upstream.models == ["claude-fable-5", "claude-fable-5-2"]
    assert outcome.served_by == "claude-fable-5-2"


def test_the_errors_own_words_are_kept_short(make: MakeRouter) -> None:
    page = "<html>" + "x" * 5000
    with (
        hostile(response(502, page, "text/html")) as url,
        client_of(url) as client,
        pytest.raises(turnout.AllAttemptsFailed) as failed,
    ):
        make(NO_RETRIES, client=client).run(HI)
    assert all(len(attempt.error or "") <= 500 for attempt in failed.value.attempts)


def test_a_host_that_is_not_there_is_named_and_soon(make: MakeRouter) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with client_of(url) as client:
            began = time.monotonic()
            with pytest.raises(turnout.AllAttemptsFailed, match="refused") as failed:
                make({"execution": {"max_retries": 1}}, client=client).run(HI)
    assert time.monotonic() - began < 10
    assert url in str(failed.value)


def test_a_connection_reset_goes_to_the_next_target(make: MakeRouter) -> None:
    with hostile(reset, answer()) as url, client_of(url) as client:
        outcome = make(NO_RETRIES, client=client).run(HI, max_tokens=100)
    assert [a.status for a in outcome.attempts] == ["error", "accepted"]


def test_a_call_that_times_out_goes_to_the_next_target(
    both: MakeCaller, upstream: Upstream
) -> None:
    """The client's own time-out holds for each call; the deadline for all of them."""
    upstream.script({"when": {"model": "claude-haiku-5-5"}, "do": {"hang": True}})
    caller = both(NO_RETRIES)
    caller.router._client = caller.router._client.with_options(timeout=0.3)
    outcome = caller.run(HI, max_tokens=100)
    assert outcome.served_by == "claude-haiku-4-5"
    assert "timed out" in str(outcome.attempts[0].error)


# -- the deadline, on the real clock


def utc() -> datetime:
    return datetime.now(UTC)


@pytest.mark.parametrize("max_tokens", [100, 64_000], ids=["plain", "streamed"])
def test_an_upstream_that_never_answers_is_left_at_the_deadline(
    both: MakeCaller, upstream: Upstream, max_tokens: int
) -> None:
    upstream.script({"do": {"hang": True}})
    caller = both(clock=utc)
    began = time.monotonic()
    with pytest.raises(turnout.AllAttemptsFailed, match=r"within 0.4 s"):
        caller.run(HI, max_tokens=max_tokens, deadline_s=0.4)
    assert 0.4 <= time.monotonic() - began < 1.5


def test_a_slow_stream_is_left_at_the_deadline(both: MakeCaller, upstream: Upstream) -> None:
    upstream.script({"do": {"event_delay_s": 0.1, "reply": "word " * 200}})
    began = time.monotonic()
    with pytest.raises(turnout.AllAttemptsFailed, match="deadline"):
        both(clock=utc).stream(HI, deadline_s=0.55)
    assert time.monotonic() - began < 1.5
    assert len(upstream.requests) == 1


def test_a_stream_that_falls_silent_is_left(both: MakeCaller, upstream: Upstream) -> None:
    upstream.script({"do": {"hang_after": 2}})
    began = time.monotonic()
    with pytest.raises(turnout.AllAttemptsFailed):
        both(clock=utc).stream(HI, deadline_s=0.5)
    assert time.monotonic() - began < 2


def test_pings_do_not_keep_a_dead_stream_alive(make: MakeRouter) -> None:
    """The SDK swallows pings, so the deadline was never looked at."""

    def pings(peer: socket.socket) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        for _ in range(100):
            peer.sendall(b'event: ping\ndata: {"type": "ping"}\n\n')
            time.sleep(0.05)

    with hostile(pings) as url, client_of(url) as client:
        began = time.monotonic()
        with pytest.raises(turnout.AllAttemptsFailed, match="deadline"):
            list(make(client=client, clock=utc).stream(HI, deadline_s=0.5))
    assert time.monotonic() - began < 2


def test_the_deadline_is_for_everything_together(both: MakeCaller, upstream: Upstream) -> None:
    upstream.script({"do": {"delay_s": 0.3, **fails(529, {"retry-after-ms": "100"})}})
    began = time.monotonic()
    with pytest.raises(turnout.AllAttemptsFailed):
        both({"execution": {"max_retries": 50}}, clock=utc).run(HI, deadline_s=1)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), "5", True])
def test_a_deadline_must_be_seconds_above_zero(both: MakeCaller, wrong: Any) -> None:
    with pytest.raises(turnout.InvalidRequest, match="deadline_s"):
        both().run(HI, deadline_s=wrong)


# -- answers that are none


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "42",
        '"hello"',
        "not json",
        "{}",
        '{"content": 5}',
        '{"content": ["x"]}',
        '{"content": [{"type": "text"}]}',
        '{"content": [{"type": "text", "text": 7}]}',
        '{"content": [], "usage": 3}',
        '{"content": [], "usage": {"input_tokens": -1}}',
        '{"content": [], "usage": {"input_tokens": "12"}}',
        '{"content": [], "usage": {"input_tokens": 1.5}}',
        '{"content": [], "usage": {"iterations": [7]}}',
        '{"content": [], "usage": {"iterations": [{"input_tokens": -4}]}}',
    ],
)
def test_an_answer_that_is_none_counts_as_a_failure(make: MakeRouter, body: str) -> None:
    with hostile(response(200, body), answer()) as url, client_of(url) as client:
        outcome = make(NO_RETRIES, client=client).run(HI, max_tokens=100)
    assert [a.status for a in outcome.attempts] == ["error", "accepted"]


def stream_of(*events: Any) -> bytes:
    lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
    kinds = [event.get("type", "x") if isinstance(event, dict) else "x" for event in events]
    frames = [f"event: {k}\ndata: {line}\n\n" for k, line in zip(kinds, lines, strict=True)]
    return "".join(frames).encode()


START = {
    "type": "message_start",
    "message": {"model": "claude-haiku-5-5", "content": [], "usage": {"input_tokens": 10}},
}
STOP = {"type": "message_stop"}


@pytest.mark.parametrize(
    "events",
    [
        [],
        ["not json"],
        ["[]"],
        ["{}"],
        [STOP],
        [{"type": "message_start"}],
        [{"type": "message_start", "message": {}}],
        [{"type": "message_start", "message": {"content": [], "usage": {"input_tokens": "x"}}}],
        [START, {"type": "content_block_start", "index": 0}],
        [START, {"type": "content_block_start", "index": 0, "content_block": {}}, STOP],
        [START, {"type": "content_block_delta", "index": 9, "delta": {"type": "text_delta"}}],
        [START, {"type": "content_block_delta", "index": 9,
                 "delta": {"type": "text_delta", "text": "hi"}}, STOP],
        [START, {"type": "content_block_stop", "index": 4}],
        [START, {"type": "message_delta"}],
        [START, {"type": "message_delta", "delta": {}, "usage": {"output_tokens": -1}}, STOP],
    ],
)  # fmt: skip
@pytest.mark.parametrize("streaming", [True, False], ids=["stream", "run"])
def test_a_stream_that_is_none_counts_as_a_failure(
    make: MakeRouter, events: list[Any], streaming: bool
) -> None:
    broken = response(200, stream_of(*events).decode(), "text/event-stream")
    with hostile(broken, broken) as url, client_of(url) as client:
        router = make({"execution": {"max_retries": 0, "max_fallbacks": 1}}, client=client)
        with pytest.raises(turnout.AllAttemptsFailed):
            list(router.stream(HI)) if streaming else router.run(HI)


def test_json_in_place_of_a_stream_counts_as_a_failure(make: MakeRouter) -> None:
    with hostile(answer(), answer()) as url, client_of(url) as client:
        router = make({"execution": {"max_retries": 0, "max_fallbacks": 1}}, client=client)
        with pytest.raises(turnout.AllAttemptsFailed, match="message_stop"):
            list(router.stream(HI))


@pytest.mark.parametrize("error", [[], {"type": ["x"]}, "oops", {"details": 3}, None])
def test_an_error_body_of_any_shape_is_read(make: MakeRouter, error: Any) -> None:
    with (
        hostile(response(401, json.dumps({"error": error}))) as url,
        client_of(url) as client,
        pytest.raises(turnout.AllAttemptsFailed),
    ):
        make(NO_RETRIES, client=client).run(HI)


# -- a server that does what no emulator should


Act = Callable[[socket.socket], None]


@contextmanager
def hostile(*acts: Act) -> Iterator[str]:
    """A server whose n-th connection is treated by the n-th act, the last one for all others."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, acts), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _serve(listener: socket.socket, acts: tuple[Act, ...]) -> None:
    number = 0
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        with peer:
            try:
                _read_request(peer)
                acts[min(number, len(acts) - 1)](peer)
            except OSError:
                pass
        number += 1


def _read_request(peer: socket.socket) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        data += peer.recv(65536)
    head, _, rest = data.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    while len(rest) < length:
        rest += peer.recv(65536)


def reset(peer: socket.socket) -> None:
    """Break the connection off the hard way."""
    import struct

    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def response(status: int, body: str, kind: str = "application/json") -> Act:
    raw = body.encode()
    head = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(raw)}\r\n"
    return lambda peer: peer.sendall(head.encode() + b"connection: close\r\n\r\n" + raw)


def answer() -> Act:
    message = {
        "model": "claude-haiku-4-5",
        "content": [{"type": "text", "text": "Hello"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 10, "output_tokens": 5},
    }
    return response(200, json.dumps(message))


def client_of(url: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key="test", base_url=url)


def test_a_cancelled_task_ends_the_call_and_is_recorded(
    make: MakeRouter, upstream: Upstream, tmp_path: Any
) -> None:
    upstream.script({"do": {"hang": True}})

    async def cancelled() -> turnout.AsyncRouter:
        async with upstream.async_client() as client:
            settings = {"ledger": {"folder": str(tmp_path / "ledger")}}
            router = turnout.AsyncRouter(settings, client=client)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(router.run(HI, tier="trivial"), 0.3)
            await router.close()
            return router

    router = asyncio.run(cancelled())
    assert router.ledger is not None
    (recorded,) = router.ledger.documents("outcome")
    assert (recorded["status"], recorded["attempts"]) == ("cancelled", 1)
    router.ledger.close()


def test_a_plain_answer_that_trickles_is_left_at_the_deadline(make: MakeRouter) -> None:
    """Each byte came in time for the read time-out, and the whole took for ever."""

    def trickles(peer: socket.socket) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
        peer.sendall(b"content-length: 1000\r\n\r\n")
        for _ in range(60):
            peer.sendall(b" ")
            time.sleep(0.05)

    with hostile(trickles) as url, anthropic.Anthropic(base_url=url, api_key="k") as client:
        began = time.monotonic()
        with pytest.raises(turnout.AllAttemptsFailed, match="deadline"):
            make(client=client, clock=utc).run(HI, max_tokens=100, deadline_s=0.5)
        assert time.monotonic() - began < 2
