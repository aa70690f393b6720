"""Recorded answers: known prompts, and how each model did on them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from turnout.errors import ConfigError


class Replay:
    """Prompts and scores from a folder with `prompts.jsonl` and `scores.jsonl`.

    `models` says under which name of the score file each Claude model's results stand.
    """

    def __init__(
        self,
        prompts: Mapping[str, str],
        scores: Mapping[tuple[str, str], float],
        models: Mapping[str, str] | None = None,
    ) -> None:
        self.prompts = dict(prompts)
        self.scores = dict(scores)
        self.models = dict(models or {})
        self._ids = {text.strip(): name for name, text in self.prompts.items()}

    @classmethod
    def load(cls, folder: str | Path, models: Mapping[str, str] | None = None) -> Replay:
        """Read a folder of recorded results; a broken line is a `ConfigError` that names it."""
        prompts = {
            str(row["id"]): str(row["prompt"])
            for row in _rows(Path(folder) / "prompts.jsonl", ("id", "prompt"))
        }
        scores = {
            (str(row["id"]), str(row["model"])): float(row["score"])
            for row in _rows(Path(folder) / "scores.jsonl", ("id", "model", "score"))
        }
        return cls(prompts, scores, models)

    def score(self, prompt: str, model: str) -> float | None:
        """The recorded score of a prompt (its id or its text); None when there is none."""
        name = prompt if prompt in self.prompts else self._ids.get(prompt.strip())
        return None if name is None else self.scores.get((name, self.models.get(model, model)))

    def answer(self, prompt: str, model: str) -> str | None:
        """A text that stands for the recorded answer; None for an unknown prompt."""
        name = self._ids.get(prompt.strip())
        score = self.score(prompt, model)
        if name is None or score is None:
            return None
        return f"Recorded answer of {model} to {name}: score {score:g}."


def _rows(path: Path, needed: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot read recorded answers: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ConfigError(f"{path}, line {number}: not valid JSON: {error}") from error
        if not isinstance(row, dict) or not all(key in row for key in needed):
            raise ConfigError(f"{path}, line {number}: needs the keys {', '.join(needed)}")
        yield row
