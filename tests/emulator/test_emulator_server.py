"""The emulator on a socket: slow, broken and abandoned connections, sync and async clients."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import pytest

from turnout.emulator import Emulator, Script, serve

MESSAGES: Any = [{"role": "user", "content": "Hi"}]
FIELDS: dict[str, Any] = {"model": "claude-haiku-5-5", "max_tokens": 1024, "messages": MESSAGES}


@pytest.fixture
def play(served: Any, claude: anthropic.Anthropic) -> Any:
    """Give the served emulator one rule for the length of a test."""
    emulator = served[0]

    def script(**do: Any) -> None:
        emulator.script = Script([{"do": do}])

    yield script
    emulator.script = Script()


def test_events_arrive_as_they_are_sent(play: Callable[..., None], served: Any) -> None:
    play(event_delay_s=0.03, reply="one two three four five six seven eight nine ten eleven")
    headers = {"x-api-key": "test", "anthropic-version": "2026-10-21"}
    moments = []
    with (
        httpx2.Client(base_url=served[1]) as client,
        client.stream(
            "POST", "/v1/messages", json={**FIELDS, "stream": True}, headers=headers
        ) as r,
    ):
        assert r.headers["content-type"].startswith("text/event-stream")
        for _ in r.iter_raw():
            moments.append(time.monotonic())
    assert len(moments) >= 10
    assert moments[-1] - moments[0] >= 0.25


def test_a_delay_before_the_answer(play: Callable[..., None], claude: anthropic.Anthropic) -> None:
    play(delay_s=0.2)
    start = time.monotonic()
    claude.messages.create(**FIELDS)
    assert time.monotonic() - start >= 0.2


def test_a_cut_stream(play: Callable[..., None], claude: anthropic.Anthropic, served: Any) -> None:
    play(cut_after=6)
    with (
        pytest.raises(httpx2.RemoteProtocolError),
        claude.messages.stream(**FIELDS) as stream,
    ):
        stream.get_final_message()
    assert not served[0].requests[-1].finished


def test_a_cut_answer(play: Callable[..., None], claude: anthropic.Anthropic) -> None:
    play(cut_after=0)
    with pytest.raises((anthropic.APIConnectionError, httpx2.RemoteProtocolError)):
        claude.messages.create(**FIELDS)


def test_a_clean_end_without_message_stop(
    play: Callable[..., None], claude: anthropic.Anthropic
) -> None:
    play(end_after=6)
    with claude.messages.stream(**FIELDS) as stream:
        message = stream.get_final_message()
    assert message.stop_reason is None


def test_an_error_event_in_the_stream(
    play: Callable[..., None], claude: anthropic.Anthropic
) -> None:
    play(error_after={"events": 5, "type": "overloaded_error", "message": "Overloaded"})
    with (
        pytest.raises(anthropic.APIStatusError) as caught,
        claude.messages.stream(**FIELDS) as stream,
    ):
        stream.get_final_message()
    assert "overloaded_error" in str(caught.value.body)
    with pytest.raises(anthropic.APIStatusError) as plain:
        claude.messages.create(**FIELDS)
    assert plain.value.status_code == 529


def test_a_malformed_event(play: Callable[..., None], claude: anthropic.Anthropic) -> None:
    play(malformed_after=4)
    with (
        pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter|control"),
        claude.messages.stream(**FIELDS) as stream,
    ):
        stream.get_final_message()


def test_a_malformed_body(play: Callable[..., None], served: Any) -> None:
    play(malformed_after=0)
    headers = {"x-api-key": "test", "anthropic-version": "2026-10-21"}
    with httpx2.Client(base_url=served[1]) as client:
        response = client.post("/v1/messages", json=FIELDS, headers=headers)
    assert response.status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter|control"):
        response.json()


def test_no_answer_at_all(play: Callable[..., None], claude: anthropic.Anthropic) -> None:
    play(hang=True)
    with pytest.raises(anthropic.APITimeoutError):
        claude.with_options(timeout=0.2).messages.create(**FIELDS)


def test_a_stream_that_goes_silent(
    play: Callable[..., None], claude: anthropic.Anthropic, served: Any
) -> None:
    play(hang_after=5)
    with (
        pytest.raises((anthropic.APITimeoutError, httpx2.ReadTimeout)),
        claude.with_options(timeout=0.2).messages.stream(**FIELDS) as stream,
    ):
        stream.get_final_message()
    assert not served[0].requests[-1].finished


def test_a_client_that_leaves_stops_the_stream(
    play: Callable[..., None], claude: anthropic.Anthropic, served: Any
) -> None:
    play(event_delay_s=0.05)
    with claude.messages.stream(**FIELDS) as stream:
        next(iter(stream))
    time.sleep(0.2)
    assert not served[0].requests[-1].finished


def test_the_vendors_client_retries_as_it_is_told(served: Any) -> None:
    emulator, url = served
    error = {"status": 529, "message": "Overloaded", "headers": {"retry-after-ms": "1"}}
    emulator.reset()
    emulator.script = Script([{"do": {"error": error}, "times": 2}])
    with anthropic.Anthropic(api_key="test", base_url=url, max_retries=2) as client:
        assert client.messages.create(**FIELDS).stop_reason == "end_turn"
    assert [request.status for request in emulator.requests] == [529, 529, 200]
    error["headers"] = {"x-should-retry": "false"}
    emulator.script = Script([{"do": {"error": error}}])
    emulator.reset()
    with (
        anthropic.Anthropic(api_key="test", base_url=url, max_retries=2) as client,
        pytest.raises(anthropic.APIStatusError),
    ):
        client.messages.create(**FIELDS)
    assert len(emulator.requests) == 1
    emulator.script = Script()


def test_the_async_client_over_a_socket_and_in_process(served: Any) -> None:
    emulator, url = served

    async def texts(client: anthropic.AsyncAnthropic) -> list[str]:
        async with client:
            plain = await client.messages.create(**FIELDS)
            async with client.messages.stream(**FIELDS) as stream:
                streamed = await stream.get_final_text()
        assert plain.content[-1].type == "text"
        return [plain.content[-1].text, streamed]

    over_http = asyncio.run(texts(anthropic.AsyncAnthropic(api_key="test", base_url=url)))
    inside = asyncio.run(
        texts(
            anthropic.AsyncAnthropic(
                api_key="test",
                base_url="http://emulator",
                http_client=emulator.async_http_client(),
            )
        )
    )
    assert over_http == inside
    assert len(set(over_http)) == 1


def test_faults_in_process() -> None:
    emulator = Emulator([{"do": {"hang": True}, "times": 1}, {"do": {"cut_after": 4}}])
    with anthropic.Anthropic(
        api_key="test",
        base_url="http://emulator",
        http_client=emulator.http_client(),
        max_retries=0,
    ) as client:
        with pytest.raises(anthropic.APITimeoutError):
            client.messages.create(**FIELDS)
        with (
            pytest.raises(httpx2.RemoteProtocolError),
            client.messages.stream(**FIELDS) as stream,
        ):
            stream.get_final_message()


def test_many_threads_at_once() -> None:
    emulator = Emulator()
    with (
        serve(emulator) as url,
        anthropic.Anthropic(api_key="test", base_url=url) as client,
    ):
        threads = [threading.Thread(target=client.messages.create, kwargs=FIELDS) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [request.status for request in emulator.requests] == [200] * 8
    assert len({request.request_id for request in emulator.requests}) == 8


def test_a_server_ends_although_someone_hangs_on() -> None:
    emulator = Emulator([{"do": {"hang": True}}])
    start = time.monotonic()
    with (
        httpx2.Client(timeout=0.05) as client,
        serve(emulator) as url,
        pytest.raises(httpx2.ReadTimeout),
    ):
        client.post(
            f"{url}/v1/messages",
            json=FIELDS,
            headers={"x-api-key": "k", "anthropic-version": "2026-10-21"},
        )
    assert time.monotonic() - start < 3


def test_importing_the_emulator_loads_no_server_and_no_client() -> None:
    code = (
        "import sys, turnout.emulator; "
        "print([m for m in ('uvicorn', 'httpx2', 'anthropic', 'pytest') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
