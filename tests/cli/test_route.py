"""`turnout route`: a decision from a prompt, a pipe or a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import turnout

ASK = "What is the capital of Peru?"


def test_a_decision_in_one_line(run: Any) -> None:
    done = run("route", ASK)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("claude-haiku-5-5 @low  tier trivial, confidence ")
    assert ", about $0." in done.out
    assert len(done.out.splitlines()) == 1


def test_json_is_the_decision_and_nothing_else(run: Any) -> None:
    done = run("route", ASK, "--json")
    wanted = turnout.Router({}, ledger=False).route(ASK).to_dict()
    assert (done.code, done.err) == (0, "")
    assert list(done.json) == list(wanted)
    changing = {"id", "at", "elapsed_us"}
    assert {k: v for k, v in done.json.items() if k not in changing} == {
        k: v for k, v in wanted.items() if k not in changing
    }


def test_explain_prints_the_whole_reason(run: Any) -> None:
    done = run("route", ASK, "--explain", "--min-tier", "mid")
    assert done.out.startswith("Model selected: claude-opus-5-5 at effort high, tier mid")
    assert "Changed by floor: min_tier is mid" in done.out
    assert "Alternatives:" in done.out


def test_every_wish_of_the_library_is_an_option(run: Any) -> None:
    from turnout.core import Wish

    options = run("route", "--help").out
    for name in Wish.__annotations__:
        assert f"--{name.replace('_', '-')}" in options


@pytest.mark.parametrize(
    ("options", "key", "value"),
    [
        (("--tier", "high"), "tier", "high"),
        (("--min-tier", "mid"), "tier", "mid"),
        (("--max-tier", "trivial"), "tier", "trivial"),
        (("--model", "claude-opus-5@max"), "model", "claude-opus-5"),
        (("--model", "claude-opus-5@max"), "effort", "max"),
        (("--capability", "prefill"), "model", "claude-haiku-4-5"),
        (("--capability", "prefill", "--capability", "vision"), "model", "claude-haiku-4-5"),
        (("--prefer", "quality"), "tier", "low"),
        (("--quality", "1"), "tier", "high"),
        (("--max-cost-usd", "0.001"), "tier", "trivial"),
        (("--conversation", "c1"), "conversation", "c1"),
        (("--ladder", "three"), "tier", "haiku"),
        (("--classifier", "rules"), "classifier", "rules"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_options_do_what_they_say(run: Any, options: tuple[str, ...], key: str, value: str) -> None:
    assert run("route", ASK, "--json", *options).json[key] == value


def test_context_tokens_count(run: Any) -> None:
    found = run("route", ASK, "--json", "--context-tokens", "10000").json
    assert found["estimated_input_tokens"] > 13_000


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--tier", "EXPERT"), "tier: unknown tier 'EXPERT'; the ladder has trivial, low"),
        (("--model", "claude-opus-9"), "did you mean"),
        (("--capability", "telepathy"), "capability: unknown capability 'telepathy'"),
        (("--prefer", "claude"), "choose from cost, speed, quality, anthropic"),
        (("--quality", "1.5"), "quality: 1.5 must be from 0 to 1"),
        (("--quality", "nan"), "quality: nan must be from 0 to 1"),
        (("--max-cost-usd", "cheap"), "max_cost_usd: 'cheap' is not an amount"),
        (("--max-cost-usd", "0"), "max_cost_usd: 0 must be above zero"),
        (("--context-tokens", "-1"), "context_tokens: -1 must be a whole number"),
        (("--context-tokens", "2000000"), "no model of the ladder can take this request"),
        (("--experiment", "x"), "experiment: unknown experiment 'x'"),
        (("--ladder", "thre"), "did you mean 'three'"),
        (("--classifier", "magic"), "unknown classifier 'magic'"),
        (("--file", "x.txt"), "give a prompt or --file, not both"),
        (("--json", "--explain"), "leave --explain out"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_wrong_option_is_exit_code_2_and_says_why(
    run: Any, options: tuple[str, ...], said: str
) -> None:
    done = run("route", ASK, *options)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert done.err.startswith("turnout: ")
    assert len(done.err.splitlines()) <= 2


# -- where the prompt comes from -----------------------------------------------------------


@pytest.mark.parametrize("arguments", [("route",), ("route", "-")])
def test_a_prompt_may_be_piped_in(run: Any, arguments: tuple[str, ...]) -> None:
    text = "把下面的日期改成 ISO 格式：2026年3月4日"
    done = run(*arguments, "--json", stdin=text.encode())
    given = run("route", text, "--json")
    assert done.code == 0
    for key in ("tier", "evidence", "estimated_input_tokens"):
        assert done.json[key] == given.json[key]


def test_a_file_of_text_is_the_prompt(run: Any) -> None:
    Path("ask.txt").write_text(ASK, "utf-8")
    assert run("route", "--file", "ask.txt", "--json").json["tier"] == "trivial"


@pytest.mark.parametrize(
    "body",
    [
        [{"role": "user", "content": ASK}],
        {"messages": [{"role": "user", "content": ASK}], "max_tokens": 100},
        ASK,
    ],
    ids=["messages", "body", "text"],
)
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a mark"])
def test_a_json_file_holds_messages_a_body_or_text(run: Any, body: Any, start: bytes) -> None:
    Path("ask.json").write_bytes(start + json.dumps(body).encode())
    found = run("route", "--file", "ask.json", "--json").json
    assert found["tier"] == "trivial"


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("a.json", b"{", "a.json is not valid JSON"),
        ("a.json", b"[" * 100_000, "a.json is nested too deeply"),
        ("a.json", b"5", "request: an int cannot be routed"),
        ("a.json", b"null", "request: nothing cannot be routed"),
        ("a.json", b"{}", "messages: missing"),
        ("a.json", b'[{"role": "boss", "content": "x"}]', "messages[0].role: 'boss'"),
        ("a.txt", b"", "there is nothing to answer"),
        ("a.txt", b"\xff\xfe", "a.txt is not UTF-8 text"),
        ("a.JSON", b"{", "a.JSON is not valid JSON"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(run: Any, name: str, raw: bytes, said: str) -> None:
    Path(name).write_bytes(raw)
    done = run("route", "--file", name)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize("name", ["missing.txt", "."])
def test_a_file_that_cannot_be_read_is_named(run: Any, name: str) -> None:
    done = run("route", "--file", name)
    assert done.code == 2
    assert f"{name} cannot be read" in done.err


def test_input_that_is_not_utf_8_is_refused(run: Any) -> None:
    done = run("route", stdin=b"caf\xe9")
    assert (done.code, done.out) == (2, "")
    assert "standard input is not UTF-8 text" in done.err


def test_an_argument_that_is_not_utf_8_is_refused(run: Any) -> None:
    """It was routed, and failed when it was sent."""
    done = run("route", "caf\udce9")
    assert done.code == 2
    assert "the prompt is not UTF-8 text" in done.err


@pytest.mark.parametrize("stdin", [b"", b" \n"])
def test_nothing_to_answer(run: Any, stdin: bytes) -> None:
    done = run("route", stdin=stdin)
    assert done.code == 2
    assert "there is nothing to answer" in done.err


def test_route_writes_nothing(run: Any) -> None:
    before = sorted(Path.home().parent.rglob("*"))
    run("route", ASK, "--json")
    assert sorted(Path.home().parent.rglob("*")) == before


def test_the_working_folders_file_cannot_turn_routing_to_another_host(run: Any) -> None:
    Path("turnout.toml").write_text('[api]\nbase_url = "https://evil.example"')
    done = run("route", ASK)
    assert done.code == 2
    assert "'api' cannot be set from a working folder" in done.err
