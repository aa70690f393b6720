"""Rules that hold for every model: headers, fields, conversation, tools, caching."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from turnout.emulator import Emulator

Send = Callable[..., httpx2.Response]
OPUS_45 = "claude-opus-4-5"
TOOL = {"name": "look", "input_schema": {"type": "object", "properties": {}}}
EPHEMERAL = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}


def user(content: Any = "Hi") -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def text(words: str = "Hi", **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def call(name: str = "toolu_1") -> dict[str, Any]:
    return {"type": "tool_use", "id": name, "name": "look", "input": {}}


def result(name: str = "toolu_1", **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": name, "content": "seen", **more}


def image(media: str = "image/png", data: str = "aGVsbG8=") -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": media, "data": data}}


SEAM = {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}

REJECTED: list[tuple[dict[str, Any], str]] = [
    ({"max_tokens": "5"}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": True}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": -1}, "max_tokens: Input should be greater than or equal to 0"),
    ({"max_tokens": None}, "max_tokens: Input should be a valid integer"),
    ({"model": 5}, "model: Input should be a valid string"),
    ({"temprature": 1}, "temprature: Extra inputs are not permitted"),
    ({"fallbacks": "default"}, "fallbacks: Extra inputs are not permitted"),
    ({"fallback_credit_token": "fct_"}, "fallback_credit_token: Extra inputs"),
    ({"context_management": {"edits": []}}, "context_management: Extra inputs"),
    ({"mcp_servers": []}, "mcp_servers: Extra inputs"),
    ({"safeguards": {}}, "safeguards: Extra inputs"),
    ({"metadata": {"user_id": "u", "team": "x"}}, "metadata.team: Extra inputs are not permitted"),
    ({"metadata": {"user_id": 5}}, "metadata.user_id: Input should be a valid string"),
    ({"stream": "yes"}, "stream: Input should be a valid boolean"),
    ({"service_tier": "gold"}, "service_tier: Input should be"),
    ({"stop_sequences": "x"}, "stop_sequences: Input should be a valid list"),
    ({"stop_sequences": [" "]}, "stop_sequences.0: "),
    ({"system": 5}, "system: Input should be a valid list"),
    ({"system": [text("")]}, "system: text content blocks must be non-empty"),
    ({"system": [image()]}, "system.0: Input tag 'image' found using 'type'"),
    ({"messages": []}, "messages: at least one message is required"),
    ({"messages": "Hi"}, "messages: Input should be a valid list"),
    ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role: Input should be"),
    ({"messages": [{**user(), "name": "x"}]}, "messages.0.name: Extra inputs"),
    ({"messages": [user("")]}, "messages.0: user messages must have non-empty content"),
    ({"messages": [user([])]}, "messages.0: user messages must have non-empty content"),
    ({"messages": [user("  ")]}, "messages: text content blocks must contain non-whitespace"),
    ({"messages": [user([text("")])]}, "messages: text content blocks must be non-empty"),
    ({"messages": [user([text(" ")])]}, "messages: text content blocks must contain"),
    ({"messages": [user([{"type": "txt"}])]}, "messages.0.content.0: Input tag 'txt' found"),
    ({"messages": [user([{"text": "x"}])]}, "messages.0.content.0.type: Field required"),
    ({"messages": [user([call()])]}, "messages.0.content.0: Input tag 'tool_use'"),
    ({"messages": [user([text(colour="red")])]}, "messages.0.content.0.colour: Extra inputs"),
    ({"messages": [user([image(media="image/bmp")])]}, "messages.0.content.0.source.media_type"),
    ({"messages": [user([image(data="no base64!")])]}, "messages.0.content.0.source.data: "),
    ({"messages": [assistant("Hi"), user()]}, 'messages: first message must use the "user" role'),
    (
        {"messages": [user(), assistant([{**THOUGHT, "signature": ""}]), user()]},
        "messages.1.content.0.signature: ",
    ),
    (
        {"messages": [user(), assistant([call()]), user()]},
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: "
        "toolu_1",
    ),
    (
        {"messages": [user([result()])]},
        "messages.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1",
    ),
    (
        {"messages": [user(), assistant([call()]), user([result("toolu_2")])]},
        "messages.2: unexpected `tool_use_id`",
    ),
    (
        {"messages": [user(), assistant([call("a"), call("b")]), user([result("a")])]},
        "messages.1: `tool_use` ids were found without",
    ),
    (
        {"messages": [user(), assistant([call(), call()]), user([result()])]},
        "messages: `tool_use` ids must be unique: toolu_1",
    ),
    (
        {"messages": [user(), assistant([call("a b")]), user([result("a b")])]},
        "messages.1.content.0.id: String should match pattern",
    ),
    (
        {"messages": [user(), assistant([call()]), user([result(colour="red")])]},
        "messages.2.content.0.colour: Extra inputs",
    ),
    (
        {"messages": [user(), assistant([THOUGHT, SEAM, text()]), user()]},
        "messages.1.content.0: `thinking` blocks before the last `fallback` block",
    ),
    (
        {"messages": [user(), assistant([call(), SEAM, text()]), user([result()])]},
        "messages.1.content.0: `tool_use` blocks before the last `fallback` block",
    ),
    (
        {"model": OPUS_45, "messages": [user(), assistant("So: ")]},
        "messages: final assistant content cannot end with trailing whitespace",
    ),
    ({"tools": [{"name": "look"}]}, "tools.0.custom.input_schema: Field required"),
    ({"tools": [{**TOOL, "name": "a b"}]}, "tools.0.custom.name: String should match pattern"),
    ({"tools": [{**TOOL, "input_schema": {"type": "array"}}]}, "tools.0.custom.input_schema.type"),
    ({"tools": [{**TOOL, "colour": "red"}]}, "tools.0.custom.colour: Extra inputs"),
    ({"tools": [{"type": "web_search_20250305", "name": []}]}, "tools.0.name: Input should be"),
    (
        {
            "messages": [
                user(),
                assistant([call()]),
                user([result(content=[{**image(), "cache_control": 5}])]),
            ]
        },
        "messages.2.content.0.content.0.cache_control: Input should be a valid dictionary",
    ),
    ({"tools": [TOOL, TOOL]}, "tools: Tool names must be unique."),
    ({"tool_choice": {"type": "auto"}}, "tool_choice: may only be specified while"),
    ({"tools": [TOOL], "tool_choice": "auto"}, "tool_choice: Input should be a valid dictionary"),
    ({"tools": [TOOL], "tool_choice": {"type": "must"}}, "tool_choice: Input tag 'must'"),
    ({"tools": [TOOL], "tool_choice": {"type": "tool"}}, "tool_choice.tool.name: Field required"),
    (
        {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "hear"}},
        "tool_choice: Tool 'hear' not found in provided tools",
    ),
    (
        {"tools": [TOOL], "tool_choice": {"type": "any"}, "thinking": {"type": "adaptive"}},
        "thinking: Thinking may not be enabled when tool_choice forces tool use.",
    ),
    (
        {
            "model": OPUS_45,
            "max_tokens": 4096,
            "tools": [TOOL],
            "tool_choice": {"type": "any"},
            "thinking": {"type": "enabled", "budget_tokens": 1024},
        },
        "thinking: Thinking may not be enabled when tool_choice forces tool use.",
    ),
    ({"thinking": "on"}, "thinking: Input should be a valid dictionary"),
    ({"thinking": {"type": "sometimes"}}, "thinking: Input tag 'sometimes'"),
    ({"thinking": {"type": "adaptive", "budget_tokens": 5}}, "thinking.adaptive.budget_tokens"),
    (
        {"model": OPUS_45, "thinking": {"type": "enabled"}},
        "thinking.enabled.budget_tokens: Field required",
    ),
    (
        {"model": OPUS_45, "thinking": {"type": "enabled", "budget_tokens": 1023}},
        "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
    ),
    (
        {"model": OPUS_45, "thinking": {"type": "enabled", "budget_tokens": 1024}},
        "thinking.budget_tokens: `max_tokens` must be greater than",
    ),
    (
        {
            "model": OPUS_45,
            "max_tokens": 4096,
            "thinking": {"type": "enabled", "budget_tokens": 1024},
            "temperature": 0,
        },
        "temperature: may only be set to 1 when thinking is enabled.",
    ),
    ({"model": OPUS_45, "temperature": 1.5}, "temperature: Input should be between 0 and 1"),
    ({"output_config": {"effort": "turbo"}}, "output_config.effort: Input should be 'low'"),
    ({"output_config": {"efort": "low"}}, "output_config.efort: Extra inputs"),
    ({"output_config": {"task_budget": {}}}, "output_config.task_budget: Extra inputs"),
    ({"output_config": {"format": {"type": "json"}}}, "output_config.format: Input tag 'json'"),
    (
        {"output_config": {"format": {"type": "json_schema"}}},
        "output_config.format.schema: Field required",
    ),
    ({"speed": "warp"}, "speed: Input should be 'standard', 'fast'"),
    ({"cache_control": {"type": "forever"}}, "cache_control: Input tag 'forever'"),
    ({"cache_control": {"type": "ephemeral", "ttl": "2h"}}, "cache_control.ttl: Input should be"),
    (
        {"messages": [user([text(str(n), cache_control=EPHEMERAL) for n in range(5)])]},
        "cache_control: A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ),
    (
        {
            "system": [text("Be brief.", cache_control=EPHEMERAL)],
            "messages": [user([text(cache_control=HOUR)])],
        },
        "messages.0.content.0.cache_control.ttl: a ttl='1h' cache_control block must not come",
    ),
]


@pytest.mark.parametrize(("fields", "message"), REJECTED, ids=[m[:60] for _, m in REJECTED])
def test_is_rejected(shared_send: Send, fields: dict[str, Any], message: str) -> None:
    response = shared_send(fields)
    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith(message)


ACCEPTED: list[dict[str, Any]] = [
    {"metadata": {"user_id": "u"}, "service_tier": "auto", "stop_sequences": ["END"]},
    {"system": "Be brief."},
    {"system": [text("Be brief.", cache_control=HOUR)], "cache_control": EPHEMERAL},
    {"messages": [user(), assistant("Yes?"), user([text(), image()])]},
    {"messages": [user(), user("and"), assistant([THOUGHT, text()]), user()]},
    {"messages": [user(), assistant([text(), call()]), user([result(), text()])]},
    {"messages": [user(), assistant([text("a"), SEAM, THOUGHT, text()]), user()]},
    {"messages": [user(), assistant([call()]), user([result(content=[text(), image()])])]},
    {"messages": [user([{"type": "document", "source": {"type": "text", "data": "x"}}])]},
    {"tools": [TOOL], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
    {"tools": [TOOL, {"type": "web_search_20250305", "name": "web_search"}]},
    {"model": "claude-fable-5", "tools": [TOOL], "tool_choice": {"type": "any"},
     "thinking": {"type": "adaptive"}},
    {"thinking": None, "output_config": {"effort": None}, "temperature": None},
    {"max_tokens": 0},
]  # fmt: skip


@pytest.mark.parametrize("fields", ACCEPTED, ids=lambda fields: "-".join(fields))
def test_is_accepted(shared_send: Send, fields: dict[str, Any]) -> None:
    response = shared_send(fields)
    assert response.status_code == 200, response.text


def test_thinking_comes_back_as_it_was(shared_send: Send) -> None:
    content = shared_send().json()["content"]
    assert content[0]["type"] == "thinking"
    history = [user(), assistant(content), user("And?")]
    assert shared_send(messages=history).status_code == 200
    assert shared_send(messages=history, model="claude-opus-5-5").status_code == 200
    content[0]["thinking"] += "!"
    message = shared_send(messages=history).json()["error"]["message"]
    assert message.startswith("messages.1.content.0: `thinking` or `redacted_thinking` blocks")


@pytest.mark.parametrize("missing", ["model", "max_tokens", "messages"])
def test_fields_that_are_required(emulator: Emulator, missing: str) -> None:
    body = {"model": "claude-haiku-5-5", "max_tokens": 9, "messages": [user()]}
    del body[missing]
    headers = {"x-api-key": "test", "anthropic-version": "2023-06-01"}
    with emulator.http_client() as client:
        response = client.post("/v1/messages", json=body, headers=headers)
    assert response.json()["error"]["message"] == f"{missing}: Field required"


@pytest.mark.parametrize(
    ("field", "value", "beta"),
    [
        ("context_management", {"edits": []}, "context-management-2025-06-27"),
        ("compaction", {"type": "auto"}, "compact-2026-09-04"),
        ("mcp_servers", [], "mcp-client-2025-11-20"),
        ("safeguards", {}, "any-beta-at-all"),
        (
            "messages",
            [{**user(), "output_config": {"effort": "low"}}],
            "mid-conversation-output-config-2026-07-01",
        ),
        ("output_config", {"task_budget": {"total": 9}}, "task-budgets-2026-03-13"),
    ],
)
def test_a_beta_header_lets_its_field_in(
    shared_send: Send, field: str, value: Any, beta: str
) -> None:
    assert shared_send({field: value}).status_code == 400
    headers = {"anthropic-beta": f"claude-code-20250219, {beta}"}
    assert shared_send({field: value}, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("fallbacks", "message"),
    [
        ([], "fallbacks: List should have 1 to 3 items, not 0"),
        ("opus", "fallbacks: Input should be a valid list"),
        ([{}], "fallbacks.0.model: Field required"),
        (["claude-opus-5"], "fallbacks.0: Input should be a valid dictionary"),
        ([{"model": "claude-opus-5", "temperature": 1}], "fallbacks.0.temperature: Extra inputs"),
        ([{"model": "claude-opus-5-5"}], "fallbacks.0.model: claude-opus-5-5 is not a fallback"),
        ([{"model": "claude-haiku-5-5"}], "fallbacks.0.model: claude-haiku-5-5 is not a fallback"),
        ([{"model": "claude-opus-5"}] * 2, "fallbacks.1.model: each fallback must be"),
        ([{"model": "claude-opus-5"}] * 4, "fallbacks: List should have 1 to 3 items, not 4"),
        (
            [{"model": "claude-opus-5", "max_tokens": 128_001}],
            "fallbacks.0.max_tokens: 128001 > 128000",
        ),
        (
            [{"model": "claude-opus-5", "thinking": {"type": "enabled", "budget_tokens": 2000}}],
            'fallbacks.0.thinking.type: "enabled" is not supported',
        ),
        (
            [{"model": "claude-opus-5", "output_config": {"effort": "huge"}}],
            "fallbacks.0.output_config.effort: Input should be",
        ),
        (
            [{"model": "claude-opus-5", "speed": "fast"}],
            "fallbacks.0.speed: requires the `anthropic-beta: fast-mode-2026-02-01` header",
        ),
    ],
)
def test_the_shape_of_fallbacks(shared_send: Send, fallbacks: Any, message: str) -> None:
    headers = {"anthropic-beta": "server-side-fallback-2026-07-01"}
    response = shared_send(model="claude-opus-5-5", fallbacks=fallbacks, headers=headers)
    assert response.json()["error"]["message"].startswith(message)


def test_default_fallbacks_need_the_later_beta(shared_send: Send) -> None:
    headers = {"anthropic-beta": "server-side-fallback-2026-06-01"}
    response = shared_send(model="claude-opus-5-5", fallbacks="default", headers=headers)
    assert "server-side-fallback-2026-07-01" in response.json()["error"]["message"]


def test_count_tokens_counts_and_checks(shared_send: Send, emulator: Emulator) -> None:
    headers = {"x-api-key": "test", "anthropic-version": "2023-06-01"}
    body: dict[str, Any] = {"model": "claude-haiku-5-5", "messages": [user("word " * 800)]}
    with emulator.http_client() as client:

        def count(**more: Any) -> httpx2.Response:
            path = "/v1/messages/count_tokens"
            return client.post(path, json={**body, **more}, headers=headers)

        assert count().json() == {"input_tokens": 1305}  # (4,000 / 4 + 4) × 1.3
        assert count(model="claude-haiku-4-5").json() == {"input_tokens": 1004}
        assert count(messages=[user("字" * 1000)]).json() == {"input_tokens": 1305}
        assert count(max_tokens=5).json()["error"]["message"].startswith("max_tokens: Extra")
        assert count(output_config={"effort": "no"}).status_code == 400
        assert count(model="claude-none").status_code == 404
        usage = client.post("/v1/messages", json={**body, "max_tokens": 5}, headers=headers)
        assert usage.json()["usage"]["input_tokens"] == 1305
