"""Small checks of a value's kind, in the API's own wording."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from turnout.emulator.failure import invalid


def integer(value: object, path: str, *, at_least: int = 0) -> int:
    """`value` as an int of at least `at_least`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid(path, "Input should be a valid integer")
    if value < at_least:
        raise invalid(path, f"Input should be greater than or equal to {at_least}")
    return value


def number(value: object, path: str, low: float, high: float) -> float:
    """`value` as a number within `low` and `high`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid(path, "Input should be a valid number")
    if not low <= value <= high:
        raise invalid(path, f"Input should be between {low:g} and {high:g}")
    return float(value)


def string(value: object, path: str, *, empty: bool = True) -> str:
    """`value` as a string, non-empty unless `empty`."""
    if not isinstance(value, str):
        raise invalid(path, "Input should be a valid string")
    if not (value or empty):
        raise invalid(path, "String should have at least 1 character")
    return value


def boolean(value: object, path: str) -> bool:
    """`value` as a bool."""
    if not isinstance(value, bool):
        raise invalid(path, "Input should be a valid boolean")
    return value


def mapping(value: object, path: str) -> dict[str, Any]:
    """`value` as a JSON object."""
    if not isinstance(value, dict):
        raise invalid(path, "Input should be a valid dictionary")
    return value


def array(value: object, path: str) -> list[Any]:
    """`value` as a JSON array."""
    if not isinstance(value, list):
        raise invalid(path, "Input should be a valid list")
    return value


def one_of(value: object, path: str, choices: Collection[str]) -> str:
    """`value` as one of `choices`."""
    if not isinstance(value, str) or value not in choices:
        listed = ", ".join(f"'{choice}'" for choice in choices)
        raise invalid(path, f"Input should be {listed}")
    return value


def required(item: dict[str, Any], key: str, path: str) -> Any:
    """The value of a key that has to be there."""
    if key not in item:
        raise invalid(f"{path}.{key}" if path else key, "Field required")
    return item[key]


def only(item: dict[str, Any], allowed: Collection[str], path: str) -> None:
    """Reject keys beyond `allowed`."""
    for key in item:
        if key not in allowed:
            raise invalid(f"{path}.{key}" if path else key, "Extra inputs are not permitted")


def tagged(item: object, path: str, tags: Collection[str]) -> str:
    """The `type` of a tagged object, one of `tags`."""
    kind = required(mapping(item, path), "type", path)
    if kind not in tags:
        listed = ", ".join(f"'{tag}'" for tag in tags)
        raise invalid(
            path,
            f"Input tag '{kind}' found using 'type' does not match any of the expected tags: "
            f"{listed}",
        )
    return str(kind)
