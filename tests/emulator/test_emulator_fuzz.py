"""Whatever is sent, the emulator answers in the API's shape and never falls over."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turnout.emulator import Emulator
from turnout.emulator.reply import Call

HEADERS = {
    "x-api-key": "test",
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "server-side-fallback-2026-07-01,fallback-credit-2026-07-01",
}
EMULATOR = Emulator()
SCALARS = st.none() | st.booleans() | st.integers(-5, 200_000) | st.text(max_size=8)
KEYS = """
type text role content id name input tool_use_id source data thinking signature ttl model
input_schema cache_control effort format schema budget_tokens token mode user_id url media_type
"""
WORDS = """
user assistant system text image document tool_use tool_result thinking fallback ephemeral
adaptive enabled disabled any tool auto low max 5m 1h base64 json_schema object default
claude-opus-5 claude-opus-4-8 fast look web_search_20250305
"""
FIELDS = """
model max_tokens messages system tools tool_choice thinking output_config cache_control
speed metadata stop_sequences stream temperature top_p top_k fallbacks service_tier
fallback_credit_token inference_geo
"""
BLOCKS = "text image document tool_use tool_result thinking redacted_thinking fallback"


def words(text: str) -> st.SearchStrategy[str]:
    return st.sampled_from(text.split())


JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS | words(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words(KEYS), inner, max_size=4),
    max_leaves=12,
)
BLOCK = st.builds(
    lambda kind, more: {"type": kind, **more},
    words(BLOCKS),
    st.dictionaries(words("text id name input tool_use_id source content signature"), JSON),
)
TURN = st.builds(
    lambda role, content: {"role": role, "content": content},
    words("user assistant system"),
    st.lists(BLOCK, max_size=3) | st.text(max_size=4),
)
MODELS = st.sampled_from(["claude-opus-5-5", "claude-haiku-4-5", "claude-sonnet-5-5"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    fields=st.dictionaries(words(FIELDS), JSON, max_size=3),
    turns=st.lists(TURN, max_size=3),
    model=MODELS,
)
def test_any_body_is_answered(fields: dict[str, Any], turns: list[Any], model: str) -> None:
    plain = {
        "model": model,
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "Hi"}, *turns],
        "tools": [{"name": "look", "input_schema": {"type": "object"}}],
    }
    body = {**plain, **fields}
    raw = json.dumps(body).encode()
    for path in ("/v1/messages", "/v1/messages/count_tokens"):
        reply = EMULATOR.handle(Call("POST", path, headers=HEADERS, body=raw))
        assert reply.status in (200, 400, 404)
        assert reply.chunks
