"""Scripts: ordered rules that say when the emulator does something else than answer.

The first rule that fits a request and has not fired `times` times decides.
"""

from __future__ import annotations

import fnmatch
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from turnout.emulator.script_file import RuleTable

Block: TypeAlias = dict[str, Any]
MESSAGES = "/v1/messages"


@dataclass(frozen=True, slots=True)
class When:
    """What a request must look like; conditions left out always hold."""

    model: str | None = None
    """Model id or alias, or a pattern such as `claude-haiku-*`."""

    contains: str | None = None
    """Words that the last user message must hold, upper or lower case."""

    header: Mapping[str, str | None] = field(default_factory=dict)
    """Headers that must be there, with this value, or with any when None."""

    call: tuple[int, int | None] | None = None
    """First and last of the calls that the other conditions let through, from 1."""

    path: str | None = None
    """Path of the request; `/v1/messages` when left out."""

    stream: bool | None = None
    chance: float = 1.0
    """Share of the calls that the other conditions let through, 0..1; drawn with the seed."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal to give."""

    category: str | None = None
    explanation: str | None = "This request was declined by a safety classifier."
    partial_text: str = ""
    """What was said before the refusal."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error to give in place of an answer."""

    status: int = 500
    message: str = "Internal server error"
    type: str | None = None
    """Error type; None takes the one that goes with the status."""

    details: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StreamFailure:
    """An `error` event in the middle of a stream."""

    events: int = 3
    """How many events come before it."""

    type: str = "overloaded_error"
    message: str = "Overloaded"


@dataclass(frozen=True, slots=True)
class Do:
    """What to do; everything left out is as usual."""

    reply: str | None = None
    content: tuple[Block, ...] | None = None
    """Content blocks, given as they are."""

    tool_use: tuple[Block, ...] = ()
    """Calls to make, each with `name` and perhaps `input`."""

    thinking: bool | str | None = None
    """False leaves thinking out; a string is the thinking itself."""

    refuse: Refusal | None = None
    error: Failure | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    """Seconds before the response headers."""

    event_delay_s: float = 0.0
    """Seconds before each event of a stream."""

    cut_after: int | None = None
    """Break the connection after so many events (or half of a plain body)."""

    end_after: int | None = None
    """End the stream cleanly after so many events, without `message_stop`."""

    malformed_after: int | None = None
    """Put a broken event after so many events (or break a plain body's JSON)."""

    error_after: StreamFailure | None = None
    hang: bool = False
    """Never answer."""

    hang_after: int | None = None
    """Send so many events, then nothing more."""

    stop_reason: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    """Token counts and other usage fields to report instead of the true ones."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When to do what."""

    do: Do = field(default_factory=Do)
    when: When = field(default_factory=When)
    times: int | None = None
    """How often it may fire; None is always."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """The facts of a request that rules look at."""

    path: str
    names: frozenset[str] = frozenset()
    """The model's id and aliases."""

    text: str = field(default="", repr=False)
    """Text of the last user message."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    stream: bool = False


class Script:
    """An ordered list of rules, and how often each has fitted and fired."""

    def __init__(
        self, rules: Iterable[Rule | RuleTable] = (), source: str = "script", seed: int = 0
    ) -> None:
        from turnout.emulator.script_file import read_rule

        self.rules = tuple(
            rule if isinstance(rule, Rule) else read_rule(rule, f"{source}: rule {number}")
            for number, rule in enumerate(rules, 1)
        )
        self.seed = seed
        self.reset()

    @classmethod
    def load(cls, path: str | Path) -> Script:
        """Read a script from a JSON or TOML file; a faulty one is a `ConfigError`."""
        from turnout.emulator.script_file import read_file

        return cls(read_file(Path(path)), source=str(path))

    def reset(self) -> None:
        """Forget which rules have fired."""
        self._fitted = [0] * len(self.rules)
        self.fired = [0] * len(self.rules)
        self._chance = random.Random(self.seed)  # noqa: S311 - not secret

    def pick(self, ask: Ask) -> Do:
        """What to do about a request; counts the rule as fired."""
        for index, rule in enumerate(self.rules):
            if not _fits(rule.when, ask):
                continue
            self._fitted[index] += 1
            if not _in_range(self._fitted[index], rule.when.call):
                continue
            if rule.times is not None and self.fired[index] >= rule.times:
                continue
            if rule.when.chance < 1 and self._chance.random() >= rule.when.chance:
                continue
            self.fired[index] += 1
            return rule.do
        return Do()


def _in_range(number: int, call: tuple[int, int | None] | None) -> bool:
    if call is None:
        return True
    first, last = call
    return number >= first and (last is None or number <= last)


def _fits(when: When, ask: Ask) -> bool:
    return (
        ask.path == (when.path or MESSAGES)
        and (when.model is None or _fits_model(when.model, ask))
        and (when.contains is None or when.contains.lower() in ask.text.lower())
        and (when.stream is None or when.stream == ask.stream)
        and all(_fits_header(name, value, ask) for name, value in when.header.items())
    )


def _fits_model(pattern: str, ask: Ask) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for name in ask.names)


def _fits_header(name: str, value: str | None, ask: Ask) -> bool:
    found = ask.headers.get(name.lower())
    return found is not None and (value is None or found == value)
