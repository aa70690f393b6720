"""The simulated prompt cache: what is written, read, forgotten and missed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2

from turnout.emulator import Emulator

Send = Callable[..., httpx2.Response]
LONG = "word " * 2000  # 2,500 tokens of the older tokenizer, 3,250 of the newer
SHORT_LIVED = {"type": "ephemeral"}
LONG_LIVED = {"type": "ephemeral", "ttl": "1h"}


def block(text: str, marker: dict[str, str] | None = None) -> dict[str, Any]:
    return {"type": "text", "text": text, **({"cache_control": marker} if marker else {})}


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def usage(response: httpx2.Response) -> tuple[int, int, int]:
    """Tokens written for 5 minutes, written for 1 hour, and read."""
    counts = response.json()["usage"]
    split = counts["cache_creation"]
    short, long = split["ephemeral_5m_input_tokens"], split["ephemeral_1h_input_tokens"]
    assert short + long == counts["cache_creation_input_tokens"]
    return short, long, counts["cache_read_input_tokens"]


def marked(marker: dict[str, str] = SHORT_LIVED, **more: Any) -> dict[str, Any]:
    return {"system": [block(LONG, marker)], **more}


def test_nothing_is_cached_without_a_marker(send: Send) -> None:
    assert usage(send(system=LONG)) == (0, 0, 0)


def test_written_once_then_read(send: Send) -> None:
    assert usage(send(marked())) == (3250, 0, 0)
    assert usage(send(marked())) == (0, 0, 3250)
    assert usage(send(marked(), messages=[user(block("Another"))])) == (0, 0, 3250)


def test_prompt_size_is_the_sum_of_its_three_parts(send: Send) -> None:
    first, second = send(marked()).json()["usage"], send(marked()).json()["usage"]

    def total(counts: dict[str, Any]) -> int:
        return int(
            counts["input_tokens"]
            + counts["cache_creation_input_tokens"]
            + counts["cache_read_input_tokens"]
        )

    assert total(first) == total(second)
    assert first["input_tokens"] == second["input_tokens"] > 0


def test_five_minutes_then_forgotten(send: Send, clock: Any) -> None:
    send(marked())
    clock.move(minutes=5)
    assert usage(send(marked())) == (3250, 0, 0)


def test_a_read_starts_the_time_again(send: Send, clock: Any) -> None:
    send(marked())
    for _ in range(3):
        clock.move(minutes=4)
        assert usage(send(marked())) == (0, 0, 3250)


def test_an_hour_on_request(send: Send, clock: Any) -> None:
    assert usage(send(marked(LONG_LIVED))) == (0, 3250, 0)
    clock.move(minutes=59)
    assert usage(send(marked(LONG_LIVED))) == (0, 0, 3250)
    clock.move(minutes=60)
    assert usage(send(marked(LONG_LIVED))) == (0, 3250, 0)


def test_two_lifetimes_are_counted_apart(send: Send) -> None:
    body = {**marked(LONG_LIVED), "messages": [user(block(LONG, SHORT_LIVED))]}
    assert usage(send(body)) == (3255, 3250, 0)  # a message costs 4 × 1.3 more


def test_another_model_another_key_and_other_tools_miss(send: Send) -> None:
    send(marked())
    assert usage(send(marked(), model="claude-opus-5-5")) == (3250, 0, 0)
    assert usage(send(marked(), headers={"x-api-key": "other"})) == (3250, 0, 0)
    tool = {"name": "look", "input_schema": {"type": "object"}}
    short, _, read = usage(send(marked(), tools=[tool]))
    assert short > 3250
    assert read == 0
    assert usage(send(marked()))[2] == 3250


def test_keys_of_one_workspace_share_a_cache(clock: Any) -> None:
    emulator = Emulator(clock=clock, workspaces={"a": "w", "b": "w"})
    with emulator.http_client() as client:

        def read(key: str) -> int:
            body = {
                **marked(),
                "model": "claude-haiku-5-5",
                "max_tokens": 500,
                "messages": [user(block("Hi"))],
            }
            headers = {"x-api-key": key, "anthropic-version": "2026-10-21"}
            return usage(client.post("/v1/messages", json=body, headers=headers))[2]

        assert [read("a"), read("b"), read("c")] == [0, 3250, 0]


def test_effort_and_thinking_break_the_messages_part_only(send: Send) -> None:
    body = {**marked(), "messages": [user(block(LONG, SHORT_LIVED))]}
    assert usage(send(body)) == (6505, 0, 0)
    assert usage(send(body, output_config={"effort": "low"})) == (3255, 0, 3250)
    assert usage(send(body, thinking={"type": "disabled"})) == (3255, 0, 3250)
    assert usage(send(body)) == (0, 0, 6505)


def test_a_growing_conversation_reads_what_it_wrote(send: Send) -> None:
    """The top-level marker stands on the last block, so each turn reads the one before."""
    history = [user(block(LONG))]
    first = send(messages=history, cache_control=SHORT_LIVED)
    assert usage(first) == (3255, 0, 0)
    history += [{"role": "assistant", "content": first.json()["content"]}, user(block("Go on"))]
    short, _, read = usage(send(messages=history, cache_control=SHORT_LIVED))
    assert read == 3255
    assert short > 0
    assert send(messages=history, cache_control=SHORT_LIVED).json()["usage"]["input_tokens"] == 0


def test_a_hit_is_looked_for_twenty_blocks_back(send: Send) -> None:
    def read(blocks: int) -> int:
        emulator_body = user(*[block(f"{n} {LONG}") for n in range(blocks)])
        emulator_body["content"][-1]["cache_control"] = SHORT_LIVED
        return usage(send(messages=[emulator_body]))[2]

    assert read(1) == 0
    assert read(21) > 0
    assert read(42) == 0


def test_short_prompts_are_silently_not_cached(send: Send) -> None:
    body = {"system": [block("Be brief.", SHORT_LIVED)]}
    assert usage(send(body)) == (0, 0, 0)
    assert usage(send(body)) == (0, 0, 0)


def test_a_failed_request_caches_nothing(send: Send) -> None:
    assert send(marked(), output_config={"effort": "no"}).status_code == 400
    assert usage(send(marked())) == (3250, 0, 0)
