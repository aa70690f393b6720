"""Answers: usage, text, who served, and a stream put together into what a plain call returns."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.types import Iteration, Usage
from turnout.wire.anthropic import (
    Assembly,
    add_usage,
    billed_usage,
    read_usage,
    served_by,
    text_of,
)

# -- usage ---------------------------------------------------------------------------------


def test_the_apis_usage_is_read_field_by_field() -> None:
    raw = {
        "input_tokens": 1,
        "output_tokens": 2,
        "cache_creation_input_tokens": 7,
        "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
        "cache_read_input_tokens": 5,
        "server_tool_use": {"web_search_requests": 6},
        "service_tier": "batch",
        "speed": "fast",
        "inference_geo": "us",
        "fallback_credit": {"status": {"type": "redeemed"}},
    }
    assert read_usage(raw) == Usage(
        input_tokens=1,
        output_tokens=2,
        cache_write_5m_tokens=3,
        cache_write_1h_tokens=4,
        cache_read_tokens=5,
        web_searches=6,
        batch=True,
        fast=True,
        us_only=True,
        fallback_credit="redeemed",
    )


@pytest.mark.parametrize(
    "raw",
    [
        None,
        {},
        {"input_tokens": None, "cache_creation": None, "server_tool_use": None},
        {"service_tier": "standard", "speed": "standard", "inference_geo": "global"},
        {"iterations": None, "fallback_credit": None},
    ],
)
def test_what_is_missing_or_null_is_nothing(raw: Any) -> None:
    assert read_usage(raw) == Usage()


def test_cache_writes_without_their_split_are_5_minute_ones() -> None:
    assert read_usage({"cache_creation_input_tokens": 9}) == Usage(cache_write_5m_tokens=9)


def test_a_credit_that_did_not_apply_says_why() -> None:
    raw = {"fallback_credit": {"status": {"type": "not_applied", "reason": "expired"}}}
    assert read_usage(raw).fallback_credit == "not_applied: expired"


FALLEN: dict[str, Any] = {
    "input_tokens": 10,
    "output_tokens": 5,
    "iterations": [
        {"type": "message", "model": "claude-fable-5-2", "input_tokens": 10, "output_tokens": 1},
        {
            "type": "fallback_message",
            "model": "claude-opus-5",
            "input_tokens": 10,
            "output_tokens": 5,
            "cache_read_input_tokens": 2,
        },
    ],
}


def test_iterations_are_read_each_with_its_model() -> None:
    assert read_usage(FALLEN).iterations == (
        Iteration("message", "claude-fable-5-2", Usage(10, 1)),
        Iteration("fallback_message", "claude-opus-5", Usage(10, 5, cache_read_tokens=2)),
    )


def test_what_is_billed_is_the_sum_of_the_iterations() -> None:
    """The top level counts only the returned attempt."""
    found = billed_usage(read_usage(FALLEN))
    assert (found.input_tokens, found.output_tokens, found.cache_read_tokens) == (20, 6, 2)
    assert billed_usage(Usage(3, 4)) == Usage(3, 4)


def test_two_usages_add_up() -> None:
    one = Usage(1, 2, 3, 4, 5, 6, iterations=(Iteration("message", "a", Usage(1)),))
    two = Usage(10, 20, 30, 40, 50, 60, fast=True, fallback_credit="redeemed")
    both = Usage(11, 22, 33, 44, 55, 66, fast=True, fallback_credit="redeemed")
    assert add_usage(one, two).iterations == one.iterations
    assert add_usage(Usage(1, 2, 3, 4, 5, 6), two) == both


# -- text and server -----------------------------------------------------------------------


def test_text_is_all_text_blocks_and_nothing_else() -> None:
    content = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "One, "},
        {"type": "tool_use", "id": "t", "name": "n", "input": {}},
        {"type": "text", "text": "two."},
    ]
    assert text_of({"content": content}) == "One, two."
    assert text_of({"content": []}) == ""
    assert text_of({"content": None}) == ""
    assert text_of({}) == ""


@pytest.mark.parametrize(
    ("message", "model"),
    [
        ({"model": "a"}, "a"),
        ({"model": "b", "usage": FALLEN}, "claude-opus-5"),
        ({"model": "a", "usage": {"iterations": []}}, "a"),
        ({"model": "a", "usage": {"iterations": [{"type": "message", "model": "z"}]}}, "a"),
        ({"model": "a", "usage": {"iterations": [{"type": "compaction", "model": "z"}]}}, "a"),
        ({"model": "a", "usage": None}, "a"),
        ({}, None),
    ],
    ids=str,
)
def test_who_served(message: Any, model: str | None) -> None:
    """The reliable sign of a fallback is an entry in the iterations."""
    assert served_by(message) == model


def test_the_last_hop_served() -> None:
    hops = [{"type": "fallback_message", "model": name} for name in ("b", "c")]
    assert served_by({"model": "a", "usage": {"iterations": hops}}) == "c"


# -- streams -------------------------------------------------------------------------------

MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-5-5",
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {"input_tokens": 10, "output_tokens": 25, "cache_read_input_tokens": 3},
    "content": [
        {"type": "thinking", "thinking": "Let me see. 让我看看。", "signature": "sig+/="},
        {
            "type": "text",
            "text": "It is “Lima”, 🙂.",
            "citations": [{"type": "char_location", "cited_text": "Lima"}],
        },
        {"type": "redacted_thinking", "data": "opaque"},
        {
            "type": "tool_use",
            "id": "toolu_1",
            "name": "save",
            "input": {"city": "Lima", "tags": ["a", {"é": None}], "n": 1.5},
        },
        {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}},
        {"type": "tool_use", "id": "toolu_2", "name": "done", "input": {}},
    ],
}
EMPTY: dict[str, dict[str, Any]] = {
    "text": {"text": "", "citations": None},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
}
Cut = Callable[[str], list[str]]


def deltas(block: dict[str, Any], cut: Cut) -> list[dict[str, Any]]:
    """What fills a block, in pieces."""
    if block["type"] == "text":
        found = [{"type": "text_delta", "text": piece} for piece in cut(block["text"])]
        marks = [{"type": "citations_delta", "citation": c} for c in block["citations"]]
        return [*found, *marks]
    if block["type"] == "thinking":
        found = [{"type": "thinking_delta", "thinking": p} for p in cut(block["thinking"])]
        return [*found, {"type": "signature_delta", "signature": block["signature"]}]
    if block["type"] == "tool_use" and block["input"]:
        text = json.dumps(block["input"])
        return [{"type": "input_json_delta", "partial_json": piece} for piece in cut(text)]
    return []


def events(message: dict[str, Any], cut: Cut) -> list[dict[str, Any]]:
    """The stream of a message; `cut` splits a text into the pieces of its deltas."""
    start = {**message, "content": [], "stop_reason": None, "usage": {"input_tokens": 10}}
    found: list[dict[str, Any]] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for index, block in enumerate(message["content"]):
        opening = {**block, **EMPTY.get(block["type"], {})}
        found.append({"type": "content_block_start", "index": index, "content_block": opening})
        found += [
            {"type": "content_block_delta", "index": index, "delta": delta}
            for delta in deltas(block, cut)
        ]
        found.append({"type": "content_block_stop", "index": index})
    ending = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    found.append({"type": "message_delta", "delta": ending, "usage": message["usage"]})
    found.append({"type": "message_stop"})
    return found


def whole(text: str) -> list[str]:
    return [text]


def put_together(stream: list[dict[str, Any]]) -> tuple[Assembly, str]:
    assembly = Assembly()
    return assembly, "".join(assembly.add(event) for event in stream)


def first(stream: list[dict[str, Any]], kind: str) -> int:
    """The place of the first delta of a kind."""
    return next(i for i, e in enumerate(stream) if e.get("delta", {}).get("type") == kind)


def test_a_stream_makes_the_message_that_a_plain_call_returns() -> None:
    assembly, text = put_together(events(MESSAGE, whole))
    assert assembly.close() == MESSAGE
    assert text == text_of(MESSAGE) == "It is “Lima”, 🙂."
    assert assembly.complete


@given(st.data())
def test_however_the_deltas_are_split_the_message_is_the_same(data: st.DataObject) -> None:
    def cut(text: str) -> list[str]:
        spots = data.draw(st.lists(st.integers(0, len(text)), max_size=8).map(sorted))
        return [text[a:b] for a, b in pairwise([0, *spots, len(text)])]

    assembly, text = put_together(events(MESSAGE, cut))
    assert assembly.close() == MESSAGE
    assert text == text_of(MESSAGE)


def test_the_events_are_left_as_they_came() -> None:
    """They are relayed to the caller too; citations were added to the event's own list."""
    stream = events(MESSAGE, whole)
    before = copy.deepcopy(stream)
    put_together(stream)[0].close()
    assert stream == before


def test_a_stream_that_broke_off_keeps_what_came() -> None:
    stream = events(MESSAGE, lambda text: [text[:6], text[6:]])
    assembly, text = put_together(stream[: first(stream, "text_delta") + 1])
    assert not assembly.complete
    found = assembly.close()
    assert text == "It is "
    assert found["content"][-1]["text"] == "It is "
    assert found["content"][0] == MESSAGE["content"][0]
    assert found["stop_reason"] is None


def test_tool_input_that_was_cut_off_is_kept_as_text() -> None:
    stream = events(MESSAGE, lambda text: [text[:10], text[10:]])
    found = put_together(stream[: first(stream, "input_json_delta") + 1])[0].close()
    assert found["content"][-1]["input"] == {"partial_json": '{"city": "'}


def test_usage_of_the_end_is_laid_over_that_of_the_start() -> None:
    start = {"content": [], "usage": {"input_tokens": 10, "output_tokens": 1}}
    last = {"output_tokens": 9, "input_tokens": None}
    found = put_together(
        [
            {"type": "message_start", "message": start},
            {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 5}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": last},
        ]
    )[0].close()
    assert found["usage"] == {"input_tokens": 10, "output_tokens": 9}
    assert found["stop_reason"] == "end_turn"


def test_events_and_deltas_of_next_year_are_passed_over() -> None:
    stream = events(MESSAGE, whole)
    stream.insert(3, {"type": "content_block_delta", "index": 0, "delta": {"type": "new_delta"}})
    stream.insert(2, {"type": "news"})
    assert put_together(stream)[0].close() == MESSAGE


def test_an_answer_of_very_many_deltas_is_put_together() -> None:
    """Adding each to a growing text is quadratic."""
    message = {**MESSAGE, "content": [{"type": "text", "text": "x" * 100_000, "citations": []}]}
    assembly, text = put_together(events(message, list))
    assert len(text) == len(assembly.close()["content"][0]["text"]) == 100_000
