"""The emulator's page: every example runs, every key is explained."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from turnout.emulator import Script
from turnout.emulator.script_file import DO, RULE, USAGE_KEYS, WHEN

PAGE = Path(__file__).parents[2] / "docs" / "emulator.md"
EXAMPLES = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)


def examples(language: str) -> list[str]:
    found = [text for name, text in EXAMPLES if name == language]
    assert found
    return found


@pytest.mark.parametrize("example", examples("python"))
def test_python_examples_run(example: str) -> None:
    names: dict[str, Any] = {}
    exec(compile(example, str(PAGE), "exec"), names)


@pytest.mark.parametrize("language", ["toml", "json"])
def test_script_examples_load(tmp_path: Path, language: str) -> None:
    for example in examples(language):
        path = tmp_path / f"script.{language}"
        path.write_text(example)
        assert Script.load(path).rules


def test_every_key_is_explained() -> None:
    page = PAGE.read_text("utf-8")
    for key in (*WHEN, *DO, *RULE, *USAGE_KEYS):
        assert f"`{key}`" in page, key
