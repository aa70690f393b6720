"""The labelled corpus is what its guide says."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from turnout.types import LEVELS

CORPUS = Path(__file__).parents[2] / "corpus" / "prompts.jsonl"
SPLITS = {"dev", "calibration", "test"}
NEAR = 0.7
"""Share of character 4-grams in common from which two prompts count as the same."""


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CORPUS.read_text("utf-8").splitlines()]


def text_of(row: dict[str, Any]) -> str:
    if "prompt" in row:
        return str(row["prompt"])
    return " ".join(message["content"] for message in row["messages"])


def grams(text: str) -> frozenset[str]:
    squeezed = re.sub(r"\W+", " ", text.lower())[:600]
    return frozenset(squeezed[i : i + 4] for i in range(max(1, len(squeezed) - 3)))


def test_every_row_has_its_keys(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert row["tier"] in LEVELS, row["id"]
        assert row["split"] in SPLITS, row["id"]
        assert ("prompt" in row) != ("messages" in row), row["id"]
        assert {"id", "family", "language", "domain", "traits"} <= set(row), row["id"]
        assert text_of(row).strip(), row["id"]


def test_ids_are_unique(rows: list[dict[str, Any]]) -> None:
    assert max(Counter(row["id"] for row in rows).values()) == 1


def test_there_are_enough_prompts_languages_and_levels(rows: list[dict[str, Any]]) -> None:
    languages = Counter(row["language"] for row in rows)
    assert len(rows) >= 400
    assert len(languages) >= 12
    assert 1 - languages["en"] / len(rows) >= 0.35
    for split in SPLITS:
        tiers = Counter(row["tier"] for row in rows if row["split"] == split)
        assert min(tiers.values()) * 2 >= max(tiers.values()), split


def test_families_never_cross_splits(rows: list[dict[str, Any]]) -> None:
    splits = defaultdict(set)
    for row in rows:
        splits[row["family"]].add(row["split"])
    assert [family for family, found in splits.items() if len(found) > 1] == []


def test_no_prompt_is_nearly_another(rows: list[dict[str, Any]]) -> None:
    kept = [(row["id"], row["split"], grams(text_of(row))) for row in rows]
    near = [
        (one, other)
        for (one, split, a), (other, their_split, b) in combinations(kept, 2)
        if split != their_split and len(a & b) > NEAR * len(a | b)
    ]
    assert near == []
