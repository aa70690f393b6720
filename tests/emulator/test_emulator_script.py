"""Scripts: which rule fits, what it does, and what a faulty one is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from turnout.emulator import Do, Emulator, Failure, Rule, Script, When
from turnout.errors import ConfigError

Send = Callable[..., httpx2.Response]


@pytest.fixture
def play(send: Send, emulator: Emulator) -> Callable[..., None]:
    """Give the emulator the script of these tables."""

    def script(*rules: dict[str, Any]) -> None:
        emulator.script = Script(rules)

    return script


def said(response: httpx2.Response) -> str:
    return "".join(b.get("text", "") for b in response.json()["content"])


def test_a_reply(play: Callable[..., None], send: Send) -> None:
    play({"do": {"reply": "42"}})
    body = send().json()
    assert [block["type"] for block in body["content"]] == ["thinking", "text"]
    assert body["content"][1]["text"] == "42"


def test_the_first_rule_that_fits_decides(play: Callable[..., None], send: Send) -> None:
    play(
        {"when": {"model": "claude-haiku-*"}, "do": {"reply": "haiku"}},
        {"when": {"contains": "WEATHER"}, "do": {"reply": "sunny"}},
        {"when": {"header": {"X-Team": "red"}}, "do": {"reply": "red"}},
        {"when": {"header": "x-any"}, "do": {"reply": "any"}},
        {"when": {"stream": False}, "do": {"reply": "plain"}},
    )
    opus = "claude-opus-4-8"
    weather = [{"role": "user", "content": "the weather"}]
    assert said(send()) == "haiku"
    assert said(send(model="claude-haiku-4-5")) == "haiku"
    assert said(send(model=opus, messages=weather)) == "sunny"
    assert said(send(model=opus, headers={"x-team": "red"})) == "red"
    assert said(send(model=opus, headers={"x-any": "1"})) == "any"
    assert said(send(model=opus, headers={"x-team": "blue"})) == "plain"
    assert "event: message_start" in send(model=opus, stream=True).text


def test_an_alias_names_the_model_too(play: Callable[..., None], send: Send) -> None:
    play({"when": {"model": "claude-haiku-4-5"}, "do": {"reply": "hi"}})
    assert said(send(model="claude-haiku-4-5-20251001")) == "hi"


def test_calls_are_counted_per_rule(play: Callable[..., None], send: Send) -> None:
    play(
        {"when": {"model": "claude-haiku-5-5", "call": 2}, "do": {"reply": "second"}},
        {"when": {"model": "claude-haiku-5-5", "call": [3, 4]}, "do": {"reply": "later"}},
        {"when": {"call": [3]}, "do": {"reply": "rest"}},
    )
    assert "answers" in said(send(model="claude-opus-4-8"))
    answers = [said(send()) for _ in range(6)]
    assert answers[1] == "second"
    assert answers[3:5] == ["later", "later"]
    assert answers[5] == "rest"


def test_a_rule_fires_so_many_times(
    play: Callable[..., None], send: Send, emulator: Emulator
) -> None:
    play({"do": {"error": 529}, "times": 2})
    assert [send().status_code for _ in range(3)] == [529, 529, 200]
    assert emulator.script.fired == [2]
    emulator.reset()
    assert send().status_code == 529


def test_a_share_of_the_calls(send: Send, emulator: Emulator) -> None:
    emulator.script = Script([{"when": {"chance": 0.1}, "do": {"error": 500}}], seed=7)
    first = [send().status_code for _ in range(200)]
    emulator.script.reset()
    assert [send().status_code for _ in range(200)] == first
    assert 10 <= first.count(500) <= 30


def test_errors_carry_what_the_script_says(play: Callable[..., None], send: Send) -> None:
    details = {"error_code": "enforced_spend_limit_reached"}
    headers = {"retry-after": 3, "x-should-retry": "false"}
    failure = {"status": 429, "message": "Slow down", "details": details, "headers": headers}
    play({"do": {"error": failure}})
    response = send()
    assert response.status_code == 429
    assert (response.headers["retry-after"], response.headers["x-should-retry"]) == ("3", "false")
    error = {"type": "rate_limit_error", "message": "Slow down", "details": details}
    assert response.json()["error"] == error
    assert response.json()["request_id"] == response.headers["request-id"]


def test_rules_come_after_checks(play: Callable[..., None], send: Send) -> None:
    """A script does not hide a mistake in the request."""
    play({"do": {"reply": "fine"}})
    assert send(temperature=2).status_code == 400
    play({"do": {"error": 529}})
    long = [{"role": "user", "content": "word " * 800_000}]
    assert send(messages=long).status_code == 400


def test_other_paths(play: Callable[..., None], send: Send, emulator: Emulator) -> None:
    play(
        {"when": {"path": "/v1/messages/count_tokens"}, "do": {"error": 429}},
        {"when": {"path": "/v1/models"}, "do": {"error": 500}},
    )
    assert send().status_code == 200
    headers = {"x-api-key": "test", "anthropic-version": "2026-10-21"}
    body = {"model": "claude-haiku-5-5", "messages": [{"role": "user", "content": "Hi"}]}
    with emulator.http_client() as client:
        counted = client.post("/v1/messages/count_tokens", json=body, headers=headers)
        assert counted.status_code == 429
        assert client.get("/v1/models", headers=headers).status_code == 500


def test_tool_use_content_thinking_and_stop_reason(play: Callable[..., None], send: Send) -> None:
    play(
        {"when": {"call": 1}, "do": {"tool_use": {"name": "look", "input": {"at": 1}}}},
        {"when": {"call": 1}, "do": {"reply": "Both.", "tool_use": ["look", "hear"]}},
        {"when": {"call": 1}, "do": {"content": [{"type": "text", "text": "a"}] * 2}},
        {"when": {"call": 1}, "do": {"thinking": False, "stop_reason": "pause_turn"}},
        {"when": {"call": 1}, "do": {"thinking": "Well…"}},
    )
    call = send().json()
    assert (call["stop_reason"], call["content"][1]["input"]) == ("tool_use", {"at": 1})
    kinds = [block["type"] for block in send().json()["content"]]
    assert kinds == ["thinking", "text", "tool_use", "tool_use"]
    assert said(send()) == "aa"
    paused = send().json()
    assert (paused["stop_reason"], len(paused["content"])) == ("pause_turn", 1)
    assert send().json()["content"][0]["thinking"] == "Well…"


def test_usage_to_report(play: Callable[..., None], send: Send) -> None:
    usage = {
        "input_tokens": 120_000,
        "output_tokens": 7,
        "cache_read_input_tokens": 5,
        "cache_creation_input_tokens": 11,
        "thinking_tokens": 3,
        "inference_geo": "us",
        "web_search_requests": 2,
        "service_tier": "priority",
    }
    play({"do": {"usage": usage}})
    found = send().json()["usage"]
    for key in ("input_tokens", "output_tokens", "inference_geo", "service_tier"):
        assert found[key] == usage[key]
    assert found["cache_creation"]["ephemeral_5m_input_tokens"] == 11
    assert found["output_tokens_details"]["thinking_tokens"] == 3
    assert found["server_tool_use"]["web_search_requests"] == 2
    stream = send(stream=True).text
    final = next(line for line in stream.splitlines() if '"message_delta"' in line[:40])
    assert json.loads(final.removeprefix("data: "))["usage"]["output_tokens"] == 7


def test_iterations_to_report(play: Callable[..., None], send: Send) -> None:
    entries = [{"type": "compaction", "input_tokens": 5, "output_tokens": 6}]
    play({"do": {"usage": {"iterations": entries}}})
    assert send().json()["usage"]["iterations"] == entries
    assert '"type": "compaction"' in send(stream=True).text


def test_extra_headers(play: Callable[..., None], send: Send) -> None:
    play({"do": {"headers": {"X-Extra": "1"}}})
    assert send().headers["x-extra"] == "1"


def test_rules_from_python(send: Send, emulator: Emulator) -> None:
    emulator.script = Script([Rule(Do(error=Failure(503, "Down")), When(contains="hello"))])
    assert send().status_code == 503


TOML = """
[[rules]]
name = "busy at first"
when = { model = "claude-haiku-5-5" }
do = { error = { status = 529, message = "Overloaded" } }
times = 1
"""


@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_scripts_from_files(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"script{suffix}"
    rule = {"name": "busy at first", "do": {"error": 529}, "times": 1}
    path.write_text(TOML if suffix == ".toml" else json.dumps({"rules": [rule]}))
    (read,) = Emulator(path).script.rules
    assert (read.name, read.times) == ("busy at first", 1)
    assert read.do.error is not None
    assert (read.do.error.status, read.do.error.message) == (529, "Overloaded")
    plain = tmp_path / "list.json"
    plain.write_text(json.dumps([rule]))
    assert len(Script.load(plain).rules) == 1


FAULTS: list[tuple[Any, str]] = [
    ({"wen": {}}, "rule 1: unknown key 'wen'; did you mean 'when'? The keys are name, when,"),
    ({"do": {"replies": "x"}}, "rule 1: do: unknown key 'replies'; did you mean 'reply'?"),
    ({"name": "n", "do": {"reply": 5}}, "rule 1 ('n'): do: reply: should be a string, not 5"),
    ({"when": {"call": 0}}, "rule 1: when: call: should be a number from 1, [FIRST] or"),
    ({"when": {"call": [3, 2]}}, "rule 1: when: call: should be a number from 1"),
    ({"when": {"stream": "yes"}}, "rule 1: when: stream: should be true or false, not 'yes'"),
    ({"when": {"header": 5}}, "rule 1: when: header: should be a table of header names"),
    ({"when": {"chance": 2}}, "rule 1: when: chance: should be a share from 0 to 1, not 2"),
    ({"when": "always"}, "rule 1: when: should be a table with any of model, contains"),
    ({"do": {"refuse": "cyberr"}}, "rule 1: do: refuse: unknown category 'cyberr'; did you mean"),
    ({"do": {"error": 200}}, "rule 1: do: error: should be an HTTP status from 400 to 599"),
    ({"do": {"error": {"code": 5}}}, "rule 1: do: error: unknown key 'code'; choose from status"),
    ({"do": {"delay_s": -1}}, "rule 1: do: delay_s: should be a number of seconds"),
    ({"do": {"cut_after": 1.5}}, "rule 1: do: cut_after: should be a whole number from 0"),
    ({"do": {"usage": {"tokens": 1}}}, "rule 1: do: usage: unknown key 'tokens'"),
    ({"do": {"usage": {"input_tokens": -1}}}, "rule 1: do: usage: input_tokens: should be a whole"),
    ({"do": {"usage": {"iterations": 1}}}, "rule 1: do: usage: iterations: should be a list"),
    ({"do": {"content": ["x"]}}, "rule 1: do: content: block 1 should be a table with a `type`"),
    ({"do": {"thinking": 5}}, "rule 1: do: thinking: should be true, false or the thinking"),
    ({"do": {"stop_reason": "done"}}, "rule 1: do: stop_reason: unknown stop reason 'done'"),
    ({"times": "twice"}, "rule 1: times: should be a whole number from 0, not 'twice'"),
]


@pytest.mark.parametrize(("rule", "message"), FAULTS, ids=[m[8:50] for _, m in FAULTS])
def test_a_fault_is_named(tmp_path: Path, rule: Any, message: str) -> None:
    path = tmp_path / "script.json"
    path.write_text(json.dumps([rule]))
    with pytest.raises(ConfigError) as caught:
        Script.load(path)
    assert str(caught.value).startswith(f"{path}: {message}")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.toml", "rules = [", "the script is not valid toml"),
        ("a.json", "{", "the script is not valid json"),
        ("a.json", '"x"', "a script is a list of tables named `rules`"),
        ("a.json", "[1]", "a script is a list of tables named `rules`"),
        ("a.toml", "rule = []", "unknown key 'rule'; did you mean 'rules'?"),
    ],
)
def test_files_that_are_no_scripts(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        Script.load(path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the script"):
        Script.load(tmp_path / "none.toml")
