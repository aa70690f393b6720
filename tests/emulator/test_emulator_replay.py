"""Recorded answers, so that a loop of route, answer, score and feedback runs offline."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from turnout.emulator import Emulator, Replay
from turnout.errors import ConfigError

MODELS = {"claude-haiku-5-5": "small", "claude-opus-5-5": "large"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prompts = [{"id": "m/1", "prompt": "What is 2 + 2?"}, {"id": "m/2", "prompt": "Prove it."}]
    scores = [
        {"id": "m/1", "model": "small", "score": 1},
        {"id": "m/1", "model": "large", "score": 1.0},
        {"id": "m/2", "model": "small", "score": 0.0},
        {"id": "m/2", "model": "large", "score": 0.5},
    ]
    for name, rows in (("prompts", prompts), ("scores", scores)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return tmp_path


def test_known_prompts_get_their_recorded_answer(folder: Path) -> None:
    emulator = Emulator(replay=Replay.load(folder, MODELS))
    headers = {"x-api-key": "test", "anthropic-version": "2026-10-21"}
    with emulator.http_client() as client:

        def answer(model: str, prompt: str) -> str:
            body: dict[str, Any] = {
                "model": model,
                "max_tokens": 1024,
                "messages": [{"role": "user", "content": prompt}],
            }
            reply = client.post("/v1/messages", json=body, headers=headers).json()
            return str(reply["content"][-1]["text"])

        assert answer("claude-opus-5-5", "Prove it.") == (
            "Recorded answer of claude-opus-5-5 to m/2: score 0.5."
        )
        assert "score 0." in answer("claude-haiku-5-5", "Prove it.")
        assert "answers" in answer("claude-haiku-5-5", "Something new")
        assert "answers" in answer("claude-opus-4-8", "Prove it.")


def test_scores_by_id_or_text(folder: Path) -> None:
    emulator = Emulator(replay=Replay.load(folder, MODELS))
    assert emulator.score("m/2", "claude-opus-5-5") == 0.5
    assert emulator.score("What is 2 + 2?", "claude-haiku-5-5") == 1.0
    assert emulator.score("m/2", "small") == 0.0
    assert emulator.score("m/2", "claude-fable-5") is None
    assert emulator.score("m/3", "small") is None
    assert Emulator().score("m/1", "small") is None


@pytest.mark.parametrize(
    ("text", "message"), [("{", "line 1: not valid JSON"), ('{"id": 1}', "line 1: needs the keys")]
)
def test_broken_records_are_named(folder: Path, text: str, message: str) -> None:
    (folder / "scores.jsonl").write_text(text)
    with pytest.raises(ConfigError, match=message):
        Replay.load(folder)
    with pytest.raises(ConfigError, match="cannot read recorded answers"):
        Replay.load(folder / "none")


def test_answers_carry_nothing_of_the_prompt(send: Callable[..., Any]) -> None:
    secret = "Zanzibar-4711"
    body = send(messages=[{"role": "user", "content": f"Keep {secret}"}]).json()
    assert secret not in json.dumps(body)
