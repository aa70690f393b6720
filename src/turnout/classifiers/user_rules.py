"""The user's own rules: frozen records, checked on the way in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from turnout.errors import ConfigError
from turnout.types import LEVELS, Request, Signals

Scalar = str | int | float | bool

_PATTERN_CHARS = 1000
"""A pattern sees this many characters of the head and of the tail of the ask."""

# (a+)+, (a*)*, (a|aa)+ …: a repeated group that itself repeats or branches
_NESTED_REPEAT = re.compile(
    r"\((?:[^()\\]|\\.)*(?:[+*|]|\{\d+,\d*\})(?:[^()\\]|\\.)*\)(?:[+*]|\{\d+,)"
)


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One rule: every condition that is set must hold; of words and phrases any one does."""

    name: str
    """Shown as evidence."""

    tier: str
    """The level of the work: one of `LEVELS`."""

    words: tuple[str, ...] = ()
    """Any of these as whole words of the ask, in any script."""

    phrases: tuple[str, ...] = ()
    """Any of these word sequences in the ask."""

    pattern: str | None = None
    """A regular expression searched in the head and the tail of the ask, ignoring case."""

    min_tokens: int | None = None
    """At least this many estimated input tokens."""

    max_tokens: int | None = None
    """At most this many estimated input tokens."""

    metadata: dict[str, Scalar] = {}
    """Equal text and flags, numbers at least as large, in the request's metadata."""

    at_least: bool = False
    """True makes the tier a floor for the built-in rules rather than a verdict."""

    def __post_init__(self) -> None:
        """Raise ConfigError for what msgspec cannot see."""
        if self.tier not in LEVELS:
            raise ConfigError(
                f"rules.{self.name}: unknown tier {self.tier!r}; choose from {', '.join(LEVELS)}"
            )
        if (
            not any((self.words, self.phrases, self.pattern, self.metadata))
            and self.min_tokens is None
            and self.max_tokens is None
        ):
            raise ConfigError(f"rules.{self.name}: it has no condition, so it would always match")
        if self.pattern is not None:
            _check_pattern(self.name, self.pattern)

    @property
    def level(self) -> int:
        """Index of the tier in `LEVELS`."""
        return LEVELS.index(self.tier)

    def matches(self, request: Request, signals: Signals) -> bool:
        """True when every condition holds."""
        if self.min_tokens is not None and signals.base_tokens < self.min_tokens:
            return False
        if self.max_tokens is not None and signals.base_tokens > self.max_tokens:
            return False
        if self.metadata and not _metadata_holds(self.metadata, request.metadata):
            return False
        if (self.words or self.phrases) and not _has_words(self, signals.ask):
            return False
        return self.pattern is None or _pattern_holds(self.pattern, signals.ask)


def _check_pattern(name: str, pattern: str) -> None:
    try:
        re.compile(pattern, re.IGNORECASE)
    except (re.error, RecursionError, OverflowError) as error:
        raise ConfigError(f"rules.{name}: the pattern does not compile: {error}") from None
    if _NESTED_REPEAT.search(pattern):
        raise ConfigError(
            f"rules.{name}: the pattern repeats a group that itself repeats or branches, which "
            "can take forever on some prompts; write it without the outer repeat"
        )


def _metadata_holds(wanted: Mapping[str, Scalar], given: Mapping[str, Any]) -> bool:
    for key, value in wanted.items():
        found = given.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            if found != value or isinstance(found, bool) != isinstance(value, bool):
                return False
        elif isinstance(found, bool) or not isinstance(found, int | float) or not found >= value:
            return False
    return True


@lru_cache(maxsize=512)
def _word_pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    # Scripts without spaces have no word bounds to insist on.
    bounded: list[str] = []
    loose: list[str] = []
    for word in words:
        body = r"\s+".join(re.escape(part) for part in word.split())
        if body:
            (loose if _unspaced(word) else bounded).append(body)
    parts = [rf"(?<!\w)(?:{'|'.join(bounded)})(?!\w)"] if bounded else []
    return re.compile("|".join(parts + loose) or r"(?!)", re.IGNORECASE)


def _unspaced(word: str) -> bool:
    return any(
        "\u0e00" <= c <= "\u0eff" or "\u3040" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7a3"
        for c in word
    )


def _has_words(rule: Rule, ask: str) -> bool:
    return _word_pattern((*rule.words, *rule.phrases)).search(ask) is not None


def _pattern_holds(pattern: str, ask: str) -> bool:
    compiled = re.compile(pattern, re.IGNORECASE)  # re keeps its own cache
    if len(ask) <= 2 * _PATTERN_CHARS:
        return compiled.search(ask) is not None
    return (
        compiled.search(ask[:_PATTERN_CHARS]) is not None
        or compiled.search(ask[-_PATTERN_CHARS:]) is not None
    )
