"""What is answered: thinking and its price, tools, formats, stops, and the stream's order."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import pytest

from turnout.emulator import Emulator

Send = Callable[..., httpx2.Response]
TOOL = {
    "name": "look",
    "input_schema": {
        "type": "object",
        "properties": {"place": {"type": "string"}, "near": {"type": "boolean"}},
        "required": ["place"],
    },
}


def user(content: Any = "Hi") -> dict[str, Any]:
    return {"role": "user", "content": content}


def test_the_same_request_gets_the_same_answer(send: Send) -> None:
    first, second = send().json(), send().json()
    assert first["content"] == second["content"]
    assert first["id"] != second["id"]
    assert "Claude Haiku 5.5" in first["content"][-1]["text"]


def test_a_seed_changes_the_answers() -> None:
    def answer(seed: int) -> Any:
        with Emulator(seed=seed).http_client() as client:
            headers = {"x-api-key": "test", "anthropic-version": "2026-10-21"}
            body = {"model": "claude-opus-4-8", "max_tokens": 500, "messages": [user()]}
            return client.post("/v1/messages", json=body, headers=headers).json()["content"]

    assert answer(1) == answer(1)
    assert len({json.dumps(answer(seed)) for seed in range(5)}) > 1


@pytest.mark.parametrize(
    ("effort", "thinking"),
    [("low", 50), ("medium", 200), ("high", 800), ("xhigh", 4000), ("max", 12000)],
)
def test_thinking_is_paid_out_of_max_tokens(send: Send, effort: str, thinking: int) -> None:
    fields = {"model": "claude-opus-5-5", "output_config": {"effort": effort}}
    enough = send(fields, max_tokens=thinking + 500).json()
    assert enough["stop_reason"] == "end_turn"
    assert enough["usage"]["output_tokens_details"] == {"thinking_tokens": thinking}
    assert enough["usage"]["output_tokens"] > thinking
    short = send(fields, max_tokens=thinking).json()
    assert short["stop_reason"] == "max_tokens"
    assert [block["type"] for block in short["content"]] == ["thinking"]
    assert short["usage"]["output_tokens"] == thinking


def test_a_short_limit_cuts_the_text(send: Send) -> None:
    body = send(model="claude-opus-4-8", max_tokens=5).json()
    assert body["stop_reason"] == "max_tokens"
    assert body["usage"]["output_tokens"] == 5
    assert 0 < len(body["content"][0]["text"]) < 20


def test_zero_max_tokens_only_warms_the_cache(send: Send) -> None:
    marked = [{"type": "text", "text": "word " * 2000, "cache_control": {"type": "ephemeral"}}]
    warmed = send(max_tokens=0, system=marked).json()
    assert (warmed["content"], warmed["usage"]["output_tokens"]) == ([], 0)
    assert send(system=marked).json()["usage"]["cache_read_input_tokens"] > 2000


def test_enabled_thinking_spends_its_budget_at_most(send: Send) -> None:
    thinking = {"type": "enabled", "budget_tokens": 2000}
    body = send(model="claude-opus-4-5", max_tokens=4000, thinking=thinking).json()
    assert body["content"][0]["type"] == "thinking"
    assert body["usage"]["output_tokens_details"]["thinking_tokens"] == 800


def test_omitted_thinking_still_carries_its_signature(send: Send) -> None:
    body = send(thinking={"type": "adaptive", "display": "omitted"}).json()
    assert body["content"][0]["thinking"] == ""
    assert body["content"][0]["signature"]


def test_a_forced_tool_is_called_with_an_input_of_its_schema(send: Send) -> None:
    body = send(tools=[TOOL], tool_choice={"type": "tool", "name": "look"}).json()
    (call,) = body["content"]
    assert (body["stop_reason"], call["name"]) == ("tool_use", "look")
    assert call["input"] == {"place": "text"}
    back = [user(), {"role": "assistant", "content": body["content"]}]
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": "a door"}
    assert send(tools=[TOOL], messages=[*back, user([result])]).json()["stop_reason"] == "end_turn"


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"a": 0}),
        ({"type": "array", "items": {"enum": ["x", "y"]}, "minItems": 2}, ["x", "x"]),
        ({"type": "string", "minLength": 6}, "textxx"),
        ({"type": ["number", "null"], "minimum": 3}, 3),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, True),
        ({"const": 7}, 7),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "null"}}}, None),
        ({"enum": {}, "type": "boolean"}, True),
        ({"properties": 5, "required": [[], "a"]}, {"a": "text"}),
        ({"type": "array", "minItems": "2"}, []),
        ({"$ref": "#/nowhere/at/all"}, "text"),
        ({"allOf": [{"type": "object"}, {"properties": {"b": {"const": 1}}}]}, {"b": 1}),
    ],
)
def test_a_format_gets_an_instance_of_its_schema(
    send: Send, schema: dict[str, Any], expected: Any
) -> None:
    body = send(output_config={"format": {"type": "json_schema", "schema": schema}}).json()
    assert json.loads(body["content"][-1]["text"]) == expected


def test_a_stop_sequence_ends_the_text(send: Send) -> None:
    body = send(stop_sequences=["never said", " answers"]).json()
    assert (body["stop_reason"], body["stop_sequence"]) == ("stop_sequence", " answers")
    assert body["content"][-1]["text"] == "Claude Haiku 5.5"


def test_newer_tokenizers_count_more(send: Send) -> None:
    fields = {"messages": [user("word " * 1000)]}
    old = send(fields, model="claude-opus-4-6").json()["usage"]["input_tokens"]
    new = send(fields, model="claude-opus-4-7").json()["usage"]["input_tokens"]
    assert new / old == pytest.approx(1.3, rel=0.01)


def events(response: httpx2.Response) -> list[dict[str, Any]]:
    assert response.headers["content-type"].startswith("text/event-stream")
    frames = response.text.strip().split("\n\n")
    found = []
    for frame in frames:
        name, data = frame.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        found.append(event)
    return found


def test_a_stream_has_the_apis_order(send: Send) -> None:
    found = events(send(stream=True))
    kinds = [event["type"] for event in found]
    assert kinds[:3] == ["message_start", "ping", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    start = found[0]["message"]
    assert (start["content"], start["stop_reason"], start["model"]) == (
        [],
        None,
        "claude-haiku-5-5",
    )
    assert start["usage"]["input_tokens"] > 0
    starts = [e for e in found if e["type"] == "content_block_start"]
    assert [e["content_block"]["type"] for e in starts] == ["thinking", "text"]
    assert [e["index"] for e in starts] == [0, 1]
    deltas = [e["delta"]["type"] for e in found if e["type"] == "content_block_delta"]
    assert deltas[:3] == ["thinking_delta", "thinking_delta", "signature_delta"]
    assert set(deltas[3:]) == {"text_delta"}
    assert found[-2]["delta"]["stop_reason"] == "end_turn"
    assert found[-2]["usage"]["output_tokens"] > start["usage"]["output_tokens"]


def test_streamed_and_plain_answers_are_the_same(claude: anthropic.Anthropic, served: Any) -> None:
    fields: dict[str, Any] = {
        "model": "claude-sonnet-5-5",
        "max_tokens": 2000,
        "messages": [user("Tell me.")],
    }
    plain = claude.messages.create(**fields)
    with claude.messages.stream(**fields) as stream:
        text = "".join(stream.text_stream)
        streamed = stream.get_final_message()
    assert text == plain.content[-1].text
    assert [b.to_dict() for b in plain.content] == [b.to_dict() for b in streamed.content]
    assert streamed.usage.to_dict() == plain.usage.to_dict()
    assert streamed.stop_reason == plain.stop_reason == "end_turn"
    assert [request.finished for request in served[0].requests] == [True, True]


def test_a_streamed_tool_call_adds_up(claude: anthropic.Anthropic) -> None:
    with claude.messages.stream(
        model="claude-opus-5",
        max_tokens=2000,
        messages=[{"role": "user", "content": "Look."}],
        tools=[TOOL],  # type: ignore[list-item]
        tool_choice={"type": "any"},
    ) as stream:
        message = stream.get_final_message()
    (call,) = message.content
    assert call.type == "tool_use"
    assert call.input == {"place": "text"}
    assert message.stop_reason == "tool_use"
