"""Scripts written as tables: JSON, TOML or plain dicts, with faults named precisely."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeAlias

from turnout.emulator.facts import CATEGORIES
from turnout.emulator.script import Do, Failure, Refusal, Rule, StreamFailure, When
from turnout.errors import ConfigError, choices

RuleTable: TypeAlias = Mapping[str, Any]
Reader: TypeAlias = Callable[[Any, str], Any]

USAGE_KEYS = [
    "input_tokens",
    "output_tokens",
    "thinking_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "cache_creation",
    "web_search_requests",
    "inference_geo",
    "service_tier",
    "speed",
    "iterations",
]
STOP_REASONS = [
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
]


def read_file(path: Path) -> list[RuleTable]:
    """The rule tables of a JSON (`.json`) or TOML file."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot read the script: {error}") from error
    try:
        document = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: the script is not valid {path.suffix[1:]}: {error}") from error
    rules = document.get("rules") if isinstance(document, dict) else document
    if isinstance(document, dict):
        _known(document, ("rules",), str(path))
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise ConfigError(f"{path}: a script is a list of tables named `rules`")
    return rules


def read_rule(table: RuleTable, where: str) -> Rule:
    """One rule from its table; `where` names it in errors."""
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where}: a rule is a table with `when` and `do`")
    if isinstance(table.get("name"), str):
        where = f"{where} ({table['name']!r})"
    return Rule(**_read(table, RULE, where))


def _read(table: object, readers: Mapping[str, Reader], where: str) -> dict[str, Any]:
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where}: should be a table with any of {', '.join(readers)}")
    _known(table, readers, where)
    return {key: readers[key](value, f"{where}: {key}") for key, value in table.items()}


def _known(table: Mapping[str, Any], keys: Any, where: str) -> None:
    for key in table:
        if key not in keys:
            hint = choices(key, keys)
            listed = "" if hint.startswith("choose") else f" The keys are {', '.join(keys)}."
            raise ConfigError(f"{where}: unknown key {key!r}; {hint}{listed}")


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{where}: should be a string, not {value!r}")
    return value


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"{where}: should be true or false, not {value!r}")
    return value


def _count(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigError(f"{where}: should be a whole number from 0, not {value!r}")
    return value


def _seconds(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
        raise ConfigError(f"{where}: should be a number of seconds from 0, not {value!r}")
    return float(value)


def _share(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ConfigError(f"{where}: should be a share from 0 to 1, not {value!r}")
    return float(value)


def _status(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 400 <= value <= 599:
        raise ConfigError(f"{where}: should be an HTTP status from 400 to 599, not {value!r}")
    return value


def _call(value: Any, where: str) -> tuple[int, int | None]:
    pair = value if isinstance(value, list | tuple) else [value, value]
    numbers = [n for n in pair if isinstance(n, int) and not isinstance(n, bool) and n > 0]
    if len(numbers) != len(pair) or len(pair) not in (1, 2) or numbers != sorted(numbers):
        raise ConfigError(
            f"{where}: should be a number from 1, [FIRST] or [FIRST, LAST], not {value!r}"
        )
    return (numbers[0], numbers[1] if len(numbers) == 2 else None)


def _headers(value: Any, where: str) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: should be a table of header names and values")
    return {str(name).lower(): str(text) for name, text in value.items()}


def _header(value: Any, where: str) -> dict[str, str | None]:
    return {value.lower(): None} if isinstance(value, str) else dict(_headers(value, where))


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: should be a table")
    return dict(value)


def _blocks(value: Any, where: str) -> tuple[dict[str, Any], ...]:
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where}: should be a list of content blocks")
    for number, block in enumerate(value, 1):
        if not isinstance(block, Mapping) or not isinstance(block.get("type"), str):
            raise ConfigError(f"{where}: block {number} should be a table with a `type`")
    return tuple(dict(block) for block in value)


def _calls(value: Any, where: str) -> tuple[dict[str, Any], ...]:
    listed = value if isinstance(value, list | tuple) else [value]
    calls = [{"name": call} if isinstance(call, str) else call for call in listed]
    return tuple(_read(call, {"name": _text, "input": _table}, where) for call in calls)


def _thinking(value: Any, where: str) -> bool | str:
    if not isinstance(value, bool | str):
        raise ConfigError(f"{where}: should be true, false or the thinking as a string")
    return value


def _category(value: Any, where: str) -> str | None:
    if value in (None, "none"):
        return None
    if value not in CATEGORIES:
        raise ConfigError(f"{where}: unknown category {value!r}; {choices(value, CATEGORIES)}")
    return str(value)


def _refusal(value: Any, where: str) -> Refusal:
    if isinstance(value, str):
        return Refusal(_category(value, where))
    if value is True:
        return Refusal()
    return Refusal(**_read(value, REFUSAL, where))


def _failure(value: Any, where: str) -> Failure:
    if isinstance(value, int):
        return Failure(_status(value, where), "Overloaded" if value == 529 else "Error")
    return Failure(**_read(value, FAILURE, where))


def _stream_failure(value: Any, where: str) -> StreamFailure:
    if isinstance(value, int) and not isinstance(value, bool):
        return StreamFailure(_count(value, where))
    return StreamFailure(**_read(value, STREAM_FAILURE, where))


def _stop_reason(value: Any, where: str) -> str:
    if value not in STOP_REASONS:
        raise ConfigError(f"{where}: unknown stop reason {value!r}; {choices(value, STOP_REASONS)}")
    return str(value)


def _usage(value: Any, where: str) -> dict[str, Any]:
    table = _table(value, where)
    _known(table, USAGE_KEYS, where)
    if not isinstance(table.get("iterations", []), list | tuple):
        raise ConfigError(f"{where}: iterations: should be a list of tables")
    for key in [*USAGE_KEYS[:5], "web_search_requests"]:
        if key in table:
            _count(table[key], f"{where}: {key}")
    return table


def _when(value: Any, where: str) -> When:
    return When(**_read(value, WHEN, where))


def _do(value: Any, where: str) -> Do:
    return Do(**_read(value, DO, where))


REFUSAL: dict[str, Reader] = {
    "category": _category,
    "explanation": _text,
    "partial_text": _text,
}
FAILURE: dict[str, Reader] = {
    "status": _status,
    "message": _text,
    "type": _text,
    "details": _table,
    "headers": _headers,
}
STREAM_FAILURE: dict[str, Reader] = {"events": _count, "type": _text, "message": _text}
WHEN: dict[str, Reader] = {
    "model": _text,
    "contains": _text,
    "header": _header,
    "call": _call,
    "path": _text,
    "stream": _flag,
    "chance": _share,
}
DO: dict[str, Reader] = {
    "reply": _text,
    "content": _blocks,
    "tool_use": _calls,
    "thinking": _thinking,
    "refuse": _refusal,
    "error": _failure,
    "headers": _headers,
    "delay_s": _seconds,
    "event_delay_s": _seconds,
    "cut_after": _count,
    "end_after": _count,
    "malformed_after": _count,
    "error_after": _stream_failure,
    "hang": _flag,
    "hang_after": _count,
    "stop_reason": _stop_reason,
    "usage": _usage,
}
RULE: dict[str, Reader] = {"name": _text, "when": _when, "do": _do, "times": _count}

for _made, _keys in ((When, WHEN), (Do, DO), (Rule, RULE)):
    assert {f.name for f in fields(_made)} == set(_keys)
