"""Each model's own rules, written out by hand from the published tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from turnout.emulator import Emulator

Send = Callable[..., httpx2.Response]

ALL = ("low", "medium", "high", "xhigh", "max")
HAIKU_45, HAIKU = "claude-haiku-4-5-20251001", "claude-haiku-5-5"
SONNET_45, SONNET_46 = "claude-sonnet-4-5-20250929", "claude-sonnet-4-6"
SONNET_5, SONNET = "claude-sonnet-5", "claude-sonnet-5-5"
OPUS_45, OPUS_46, OPUS_47 = "claude-opus-4-5-20251101", "claude-opus-4-6", "claude-opus-4-7"
OPUS_48, OPUS_5, OPUS = "claude-opus-4-8", "claude-opus-5", "claude-opus-5-5"
FABLES = ("claude-fable-5", "claude-fable-5-1", "claude-fable-5-2")
MYTHOS = ("claude-mythos-5", "claude-mythos-5-1", "claude-mythos-5-2")
TOP = (OPUS, *FABLES, *MYTHOS)
MODELS = (
    *(HAIKU_45, HAIKU, SONNET_45, SONNET_46, SONNET_5, SONNET),
    *(OPUS_45, OPUS_46, OPUS_47, OPUS_48, OPUS_5, OPUS, *FABLES, *MYTHOS),
)

EFFORTS = {
    **dict.fromkeys(MODELS, ALL),
    HAIKU_45: (),
    SONNET_45: (),
    SONNET_46: ("low", "medium", "high", "max"),
    OPUS_45: ("low", "medium", "high"),
    OPUS_46: ("low", "medium", "high", "max"),
}
THINKING = {
    **{key: {"enabled", "disabled"} for key in (HAIKU_45, SONNET_45, OPUS_45)},
    **{key: {"adaptive", "enabled", "disabled"} for key in (SONNET_46, OPUS_46)},
    **{key: {"adaptive", "disabled"} for key in (HAIKU, SONNET_5, OPUS_47, OPUS_48, OPUS_5)},
    SONNET: {"adaptive", "between_tools"},
    **{key: {"adaptive"} for key in TOP},
}
THINKS_UNASKED = (HAIKU, SONNET_5, SONNET, OPUS_5, *TOP)
FORCED = set(MODELS) - {SONNET, OPUS, *FABLES[1:], *MYTHOS[1:]}
PREFILL = {HAIKU_45, SONNET_45, OPUS_45}
SMALL = {HAIKU_45, SONNET_45, OPUS_45}
SAMPLING = {HAIKU_45, SONNET_45, OPUS_45, SONNET_46, OPUS_46}
SAMPLING_DEFAULTS = {HAIKU, SONNET_5, SONNET}
FAST_PLAIN = {OPUS, FABLES[2], MYTHOS[2], OPUS_46}
FAST_BETA = {OPUS_5, OPUS_48}
CACHEABLE = {
    **dict.fromkeys(MODELS, 512),
    **dict.fromkeys((HAIKU_45, OPUS_45, OPUS_46), 4096),
    **dict.fromkeys((SONNET_45, SONNET_46, SONNET_5, OPUS_48), 1024),
    OPUS_47: 2048,
}
TARGETS = {
    SONNET: {SONNET_5},
    OPUS_5: {OPUS_48},
    OPUS: {OPUS_5, OPUS_48},
    **{key: {OPUS_48, OPUS_5} for key in (*FABLES, *MYTHOS[1:])},
}
TOOL = {"name": "look", "description": "Look.", "input_schema": {"type": "object"}}


def problem(response: httpx2.Response) -> str:
    assert response.status_code == 400, response.text
    document = response.json()
    assert document["type"] == "error"
    assert document["error"]["type"] == "invalid_request_error"
    assert document["request_id"] == response.headers["request-id"]
    return str(document["error"]["message"])


@pytest.mark.parametrize("effort", ALL)
@pytest.mark.parametrize("model", MODELS)
def test_effort_is_one_of_the_models_levels(shared_send: Send, model: str, effort: str) -> None:
    response = shared_send(model=model, max_tokens=20_000, output_config={"effort": effort})
    if effort in EFFORTS[model]:
        assert response.status_code == 200
    else:
        assert problem(response).startswith("output_config.effort: ")


@pytest.mark.parametrize("kind", ["adaptive", "between_tools", "disabled", "enabled"])
@pytest.mark.parametrize("model", MODELS)
def test_thinking_is_of_a_type_the_model_takes(shared_send: Send, model: str, kind: str) -> None:
    thinking = {"type": kind, **({"budget_tokens": 1024} if kind == "enabled" else {})}
    response = shared_send(model=model, max_tokens=4096, thinking=thinking)
    if kind in THINKING[model]:
        assert response.status_code == 200
    else:
        assert problem(response).startswith("thinking.type: ")


@pytest.mark.parametrize("effort", ALL)
@pytest.mark.parametrize(
    ("model", "kind", "limited"),
    [
        (HAIKU, "disabled", True),
        (OPUS_5, "disabled", True),
        (SONNET, "between_tools", True),
        (SONNET_5, "disabled", False),
        (OPUS_48, "disabled", False),
    ],
)
def test_thinking_off_allows_high_effort_at_most(
    shared_send: Send, model: str, kind: str, limited: bool, effort: str
) -> None:
    body = {"thinking": {"type": kind}, "output_config": {"effort": effort}}
    response = shared_send(body, model=model, max_tokens=20_000)
    if limited and effort in ("xhigh", "max"):
        assert problem(response).startswith("thinking.type: ")
    else:
        assert response.status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_some_models_think_unasked(shared_send: Send, model: str) -> None:
    kinds = [block["type"] for block in shared_send(model=model).json()["content"]]
    assert kinds == (["thinking", "text"] if model in THINKS_UNASKED else ["text"])


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "look"}])
@pytest.mark.parametrize("model", MODELS)
def test_forced_tools(shared_send: Send, model: str, choice: dict[str, str]) -> None:
    response = shared_send(model=model, tools=[TOOL], tool_choice=choice)
    if model in FORCED:
        assert response.json()["stop_reason"] == "tool_use"
    else:
        assert problem(response).startswith("tool_choice.type: ")


@pytest.mark.parametrize("model", MODELS)
def test_prefill(shared_send: Send, model: str) -> None:
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "My answer:"}]
    response = shared_send(model=model, messages=messages)
    if model in PREFILL:
        assert response.status_code == 200
    else:
        assert "does not support assistant message prefill" in problem(response)


@pytest.mark.parametrize("name", ["temperature", "top_p", "top_k"])
@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21"])
@pytest.mark.parametrize("model", MODELS)
def test_sampling(shared_send: Send, model: str, version: str, name: str) -> None:
    value = {"temperature": 0.5, "top_p": 0.5, "top_k": 5}[name]
    response = shared_send({name: value}, model=model, headers={"anthropic-version": version})
    if version == "2023-06-01" and model in SAMPLING:
        assert response.status_code == 200
    else:
        assert problem(response).startswith(f"{name}: ")


@pytest.mark.parametrize("default", [{"temperature": 1}, {"temperature": 1.0, "top_p": 0.99}])
@pytest.mark.parametrize("model", MODELS)
def test_default_sampling_values(shared_send: Send, model: str, default: dict[str, Any]) -> None:
    passes = model in SAMPLING or model in SAMPLING_DEFAULTS
    assert shared_send(default, model=model).status_code == (200 if passes else 400)
    newer = shared_send(default, model=model, headers={"anthropic-version": "2026-10-21"})
    assert problem(newer).startswith("temperature: ")


@pytest.mark.parametrize("model", MODELS)
def test_the_most_max_tokens(shared_send: Send, model: str) -> None:
    most = 64_000 if model in SMALL else 128_000
    assert shared_send(model=model, max_tokens=most).status_code == 200
    assert problem(shared_send(model=model, max_tokens=most + 1)) == (
        f"max_tokens: {most + 1} > {most}, which is the maximum allowed number of output "
        f"tokens for {model}"
    )


@pytest.mark.parametrize("model", MODELS)
def test_fast_mode(shared_send: Send, model: str) -> None:
    plain = shared_send(model=model, speed="fast")
    beta = {"anthropic-beta": "fast-mode-2026-02-01"}
    with_beta = shared_send(model=model, speed="fast", headers=beta)
    if model in FAST_PLAIN | FAST_BETA:
        expected = "standard" if model == OPUS_46 else "fast"
        assert with_beta.json()["usage"]["speed"] == expected
    else:
        assert problem(with_beta).startswith("speed: ")
    assert plain.status_code == (200 if model in FAST_PLAIN else 400)


@pytest.mark.parametrize("model", sorted(FAST_BETA))
def test_the_beta_is_needed_for_standard_speed_too(shared_send: Send, model: str) -> None:
    assert "fast-mode-2026-02-01" in problem(shared_send(model=model, speed="standard"))


@pytest.mark.parametrize("model", MODELS)
def test_us_inference(shared_send: Send, model: str) -> None:
    response = shared_send(model=model, inference_geo="us")
    if model in SMALL:
        assert problem(response).startswith("inference_geo: ")
    else:
        assert response.json()["usage"]["inference_geo"] == "us"


@pytest.mark.parametrize("model", MODELS)
def test_fallback_targets(shared_send: Send, model: str) -> None:
    headers = {"anthropic-beta": "server-side-fallback-2026-06-01"}
    for target in (SONNET_5, OPUS_48, OPUS_5, HAIKU):
        response = shared_send(model=model, fallbacks=[{"model": target}], headers=headers)
        if target in TARGETS.get(model, ()):
            assert response.status_code == 200
        else:
            assert problem(response).startswith("fallbacks")


@pytest.mark.parametrize("model", MODELS)
def test_default_fallback_is_never_an_error(shared_send: Send, model: str) -> None:
    headers = {"anthropic-beta": "server-side-fallback-2026-07-01"}
    response = shared_send(model=model, fallbacks="default", headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_the_least_that_is_cached(send: Send, model: str) -> None:
    """Counted by the API itself, so that the test does not depend on how text is counted."""
    least = CACHEABLE[model]

    def marked(words: int) -> dict[str, Any]:
        text = "word " * words
        block = {"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}
        return {"model": model, "system": [block]}

    def written(words: int) -> tuple[int, int]:
        usage = send(marked(words)).json()["usage"]
        return usage["cache_creation_input_tokens"], usage["input_tokens"]

    assert written(int(least / 2.5))[0] == 0
    assert written(int(least * 1.5))[0] >= least


@pytest.mark.parametrize("model", [*FABLES, *MYTHOS])
def test_zero_retention_organisations_get_nothing_from_fable_and_mythos(model: str) -> None:
    emulator = Emulator(zero_retention=True)
    with emulator.http_client() as client:
        headers = {"x-api-key": "test", "anthropic-version": "2026-10-21"}
        body = {"model": model, "max_tokens": 10, "messages": [{"role": "user", "content": "Hi"}]}
        assert "retention" in problem(client.post("/v1/messages", json=body, headers=headers))
        body["model"] = "claude-opus-5-5"
        assert client.post("/v1/messages", json=body, headers=headers).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_a_system_message_among_the_messages(shared_send: Send, model: str) -> None:
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "system", "content": "Be brief."},
    ]
    response = shared_send(model=model, messages=messages)
    if model == SONNET_5:
        assert problem(response).startswith("messages.1.role: ")
    else:
        assert response.status_code == 200


def test_prompts_beyond_the_window(shared_send: Send) -> None:
    text = "word " * 170_000  # five characters each: 212,500 tokens of the older tokenizer
    message = problem(shared_send(model=HAIKU_45, messages=[{"role": "user", "content": text}]))
    assert message.startswith("prompt is too long: 2125")
    assert message.endswith(" tokens > 200000 maximum")
    fits = shared_send(model=HAIKU, messages=[{"role": "user", "content": text}])
    assert fits.status_code == 200


def test_prompt_and_max_tokens_together_on_small_windows(shared_send: Send) -> None:
    text = "word " * 120_000  # 150,000 tokens
    messages = [{"role": "user", "content": text}]
    message = problem(shared_send(model=HAIKU_45, messages=messages, max_tokens=64_000))
    assert message.startswith("input length and `max_tokens` exceed context limit: 1500")
    assert shared_send(model=HAIKU_45, messages=messages, max_tokens=1000).status_code == 200


def test_new_models_stop_at_the_window_instead(shared_send: Send) -> None:
    text = "word " * 615_000  # 999,375 tokens after the newer tokenizer's 1.3
    messages = [{"role": "user", "content": text}]
    body = shared_send(
        model=OPUS, messages=messages, max_tokens=50_000, output_config={"effort": "high"}
    ).json()
    assert body["stop_reason"] == "model_context_window_exceeded"
