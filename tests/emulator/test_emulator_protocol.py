"""Keys, versions, paths, error bodies, model listings and lifecycle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import httpx2
import pytest

from turnout.emulator import Emulator

Send = Callable[..., httpx2.Response]
GOOD = {"x-api-key": "test", "anthropic-version": "2026-10-21"}
BODY = {
    "model": "claude-haiku-5-5",
    "max_tokens": 1024,
    "messages": [{"role": "user", "content": "Hi"}],
}


@pytest.fixture
def http(emulator: Emulator) -> Iterator[httpx2.Client]:
    with emulator.http_client() as client:
        yield client


@pytest.mark.parametrize(
    ("headers", "status", "kind", "message"),
    [
        ({"x-api-key": ""}, 401, "authentication_error", "x-api-key header is required"),
        ({"x-api-key": "bad-key"}, 401, "authentication_error", "invalid x-api-key"),
        ({"anthropic-version": ""}, 400, "invalid_request_error", "anthropic-version: header is"),
        ({"anthropic-version": "2020-01-01"}, 400, "invalid_request_error", "anthropic-version: "),
    ],
)
def test_headers_that_are_turned_away(
    http: httpx2.Client, headers: dict[str, str], status: int, kind: str, message: str
) -> None:
    response = http.post("/v1/messages", json=BODY, headers={**GOOD, **headers})
    assert response.status_code == status
    error = response.json()["error"]
    assert (error["type"], error["message"][: len(message)]) == (kind, message)


@pytest.mark.parametrize(
    "headers",
    [
        GOOD,
        {"anthropic-version": "2023-06-01", "x-api-key": "k"},
        {"anthropic-version": "2023-06-01", "authorization": "Bearer k"},
    ],
)
def test_both_versions_and_both_kinds_of_key(http: httpx2.Client, headers: dict[str, str]) -> None:
    response = http.post("/v1/messages?beta=true", json=BODY, headers=headers)
    assert response.status_code == 200
    assert response.headers["request-id"].startswith("req_")
    assert response.headers["anthropic-organization-id"]
    for name in ("requests", "tokens", "input-tokens", "output-tokens"):
        for part in ("limit", "remaining", "reset"):
            assert response.headers[f"anthropic-ratelimit-{name}-{part}"]


def test_a_body_that_is_not_json(http: httpx2.Client) -> None:
    response = http.post("/v1/messages", content=b"{", headers=GOOD)
    assert response.status_code == 400
    assert "not valid JSON" in response.json()["error"]["message"]
    assert http.post("/v1/messages", json=[], headers=GOOD).status_code == 400
    for odd in (b'{"a": NaN}', b"[" * 100_000, b"\xff", b""):
        assert http.post("/v1/messages", content=odd, headers=GOOD).status_code == 400


def test_a_body_over_32_megabytes(http: httpx2.Client) -> None:
    response = http.post("/v1/messages", content=b" " * (32 * 1024 * 1024 + 1), headers=GOOD)
    assert response.status_code == 413
    assert response.json()["error"]["type"] == "request_too_large"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("HEAD", "/", 200),
        ("HEAD", "/api/hello", 200),
        ("GET", "/v1/unknown", 404),
        ("POST", "/v1/complete", 404),
        ("GET", "/v1/messages", 405),
        ("POST", "/v1/models", 405),
    ],
)
def test_other_paths(http: httpx2.Client, method: str, path: str, status: int) -> None:
    response = http.request(method, path)
    assert response.status_code == status
    if status >= 400:
        assert response.json()["type"] == "error"


@pytest.mark.parametrize("model", ["claude-none", "gpt-4o", "claude-mythos-preview"])
def test_an_unknown_model(send: Send, model: str) -> None:
    response = send(model=model)
    assert response.status_code == 404
    assert response.json()["error"] == {"type": "not_found_error", "message": f"model: {model}"}


def test_models_retire_by_the_clock(send: Send, clock: Any) -> None:
    assert send(model="claude-sonnet-4-5").json()["model"] == "claude-sonnet-4-5-20250929"
    clock.move(days=9, hours=12)  # 2026-11-30
    assert send(model="claude-sonnet-4-5").status_code == 404


def test_opus_4_8_loses_fast_mode_by_the_clock(send: Send, clock: Any) -> None:
    headers = {"anthropic-beta": "fast-mode-2026-02-01"}
    fields = {"model": "claude-opus-4-8", "speed": "fast"}
    assert send(fields, headers=headers).status_code == 200
    clock.move(days=10)
    assert send(fields, headers=headers).status_code == 400


def test_unverified_organisations_do_not_see_mythos() -> None:
    emulator = Emulator(verified=False)
    with emulator.http_client() as client:
        body = {**BODY, "model": "claude-mythos-5-2"}
        assert client.post("/v1/messages", json=body, headers=GOOD).status_code == 404
        listed = client.get("/v1/models?limit=1000", headers=GOOD).json()["data"]
    assert "mythos" not in {model["line"] for model in listed}


def test_the_vendors_client_lists_every_model(claude: anthropic.Anthropic) -> None:
    """Small pages make the client follow `after_id`."""
    listed = list(claude.models.list(limit=5))
    ids = [model.id for model in listed]
    assert len(ids) == len(set(ids)) == 18
    assert listed[0].id == "claude-haiku-5-5"  # the latest release that has a date
    assert {model.line for model in listed} == {"haiku", "sonnet", "opus", "fable", "mythos"}


def test_pages_of_models(http: httpx2.Client) -> None:
    first = http.get("/v1/models?limit=3", headers=GOOD).json()
    assert (len(first["data"]), first["has_more"]) == (3, True)
    second = http.get(f"/v1/models?limit=3&after_id={first['last_id']}", headers=GOOD).json()
    back = http.get(f"/v1/models?limit=3&before_id={second['first_id']}", headers=GOOD).json()
    assert back["data"] == first["data"]
    assert back["has_more"] is False
    for bad in ("limit=0", "limit=1001", "limit=x", "after_id=nobody", "lifecycle=old"):
        assert http.get(f"/v1/models?{bad}", headers=GOOD).status_code == 400


def test_one_model_by_id_alias_and_escaped_name(claude: anthropic.Anthropic) -> None:
    sonnet = claude.models.retrieve("claude-sonnet-5-5")
    assert (sonnet.max_input_tokens, sonnet.max_tokens) == (1_000_000, 128_000)
    assert sonnet.lifecycle == "active"
    assert sonnet.retires_at is None
    assert sonnet.capabilities is not None
    types = sonnet.capabilities.thinking.types
    assert (types.between_tools.supported, types.disabled.supported) == (True, False)
    assert claude.models.retrieve("claude-opus-4-5").id == "claude-opus-4-5-20251101"
    with pytest.raises(anthropic.NotFoundError):
        claude.models.retrieve("claude/none")


def test_a_model_that_is_to_retire(claude: anthropic.Anthropic) -> None:
    model = claude.models.retrieve("claude-sonnet-4-5")
    assert model.lifecycle == "deprecated"
    assert model.retires_at is not None
    assert model.retires_at.date().isoformat() == "2026-11-30"
    assert model.capabilities is not None
    assert not model.capabilities.effort.supported


def test_retired_models_are_listed_only_on_request(http: httpx2.Client, clock: Any) -> None:
    clock.move(days=30)
    ids = {m["id"] for m in http.get("/v1/models", headers=GOOD).json()["data"]}
    assert "claude-sonnet-4-5-20250929" not in ids
    retired = http.get("/v1/models?lifecycle=retired", headers=GOOD).json()["data"]
    assert [(m["id"], m["lifecycle"]) for m in retired] == [
        ("claude-sonnet-4-5-20250929", "retired")
    ]


def test_allowed_fallbacks_are_shown_with_the_beta(claude: anthropic.Anthropic) -> None:
    beta = claude.beta.models.retrieve("claude-opus-5-5", betas=["server-side-fallback-2026-06-01"])
    assert beta.allowed_fallback_models == ["claude-opus-5", "claude-opus-4-8"]
    assert claude.beta.models.retrieve("claude-opus-5-5").allowed_fallback_models is None


def test_requests_are_kept_without_their_keys(claude: anthropic.Anthropic, served: Any) -> None:
    emulator = served[0]
    claude.messages.create(
        model="claude-haiku-5-5", max_tokens=50, messages=[{"role": "user", "content": "Hi"}]
    )
    (request,) = emulator.requests
    assert (request.method, request.path, request.status) == ("POST", "/v1/messages", 200)
    assert request.body["model"] == "claude-haiku-5-5"
    assert request.response["id"].startswith("msg_")
    assert request.finished
    assert "test" not in {request.headers.get("x-api-key"), request.headers.get("authorization")}
    emulator.reset()
    assert emulator.requests == []


def test_only_the_last_requests_are_kept(clock: Any) -> None:
    emulator = Emulator(clock=clock, keep_requests=2)
    with emulator.http_client() as client:
        for number in range(5):
            client.post(f"/v1/messages?n={number}", json=BODY, headers=GOOD)
    assert [request.query for request in emulator.requests] == ["n=3", "n=4"]


def test_rate_limit_headers_count_down_and_reset(send: Send, clock: Any) -> None:
    remaining = "anthropic-ratelimit-requests-remaining"
    assert send().headers[remaining] == "3999"
    assert send().headers[remaining] == "3998"
    clock.move(minutes=1)
    assert send().headers[remaining] == "3999"
