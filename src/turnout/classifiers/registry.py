"""Classifiers by name: the bundled ones, and those that other packages offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any

import msgspec

from turnout.errors import ConfigError, choices
from turnout.types import Classifier

GROUP = "turnout.classifiers"
"""Entry point group: each entry is a callable that returns a Classifier."""


def load(name: str, rules: Sequence[Mapping[str, Any]] = ()) -> Classifier:
    """The classifier of this name; `rules` are the user's own.

    Raises ConfigError for unknown names and for rules that are wrong.
    """
    if name == "rules":
        from turnout.classifiers.rules import Rules

        return Rules(user_rules(rules))
    offered = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in offered:
        known = ["rules", *offered]
        raise ConfigError(f"classifier: unknown classifier {name!r}; {choices(name, known)}")
    classifier: Classifier = offered[name].load()()
    return classifier


def user_rules(raw: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The `[[rules]]` of a config. ConfigError names the rule and the key."""
    from turnout.classifiers.rules import Rule

    made = []
    for number, item in enumerate(raw, 1):
        try:
            made.append(msgspec.convert(dict(item), Rule))
        except msgspec.ValidationError as error:
            name = item.get("name", f"number {number}")
            keys = ", ".join(Rule.__struct_fields__)
            raise ConfigError(f"rules: rule {name}: {error}; keys are {keys}") from error
    return made
