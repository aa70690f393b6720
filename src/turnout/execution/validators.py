"""Ready validators: accept an answer, or reject it with the reason."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from turnout.errors import ConfigError, InvalidRequest
from turnout.types import Outcome, Validator, Verdict

_FENCE = re.compile(r"^\s*```[\w-]*\n(?P<inside>.*?)\n?```\s*$", re.DOTALL)


def check_validator(validate: Any) -> None:
    """Raise InvalidRequest for what cannot validate an answer, before any call is made."""
    if validate is None:
        return
    if not callable(validate):
        raise InvalidRequest("validate", f"{validate!r} is not a function of an Outcome")
    if inspect.iscoroutinefunction(validate):
        raise InvalidRequest("validate", "must be a plain function; a coroutine is not awaited")


def one_of(labels: Iterable[str], *, ignore_case: bool = True) -> Validator:
    """The answer is exactly one of the labels, but for white space and a final full stop."""
    known = list(labels)
    if not known or isinstance(labels, str) or not all(isinstance(n, str) for n in known):
        raise InvalidRequest("labels", "give at least one label, as a list")
    allowed = {_label(name, ignore_case) for name in known}

    def check(outcome: Outcome) -> Verdict:
        if _label(outcome.text, ignore_case) in allowed:
            return True
        return f"the answer is not one of {', '.join(known)}"

    return check


def _label(text: str, ignore_case: bool) -> str:
    bare = text.strip().rstrip(".。").strip()
    return bare.casefold() if ignore_case else bare


def valid_json(outcome: Outcome) -> Verdict:
    """The answer is JSON, with or without a code fence around it."""
    try:
        read_json(outcome.text)
    except ValueError as error:
        return f"the answer is not JSON: {error}"
    return True


def json_schema(schema: Mapping[str, Any]) -> Validator:
    """The answer is JSON that fits a JSON Schema. Needs the `schema` extra.

    Raises InvalidRequest for a schema that is itself broken.
    """
    try:
        import jsonschema
    except ImportError:
        raise ConfigError("json_schema needs jsonschema: pip install 'turnout[schema]'") from None
    if not isinstance(schema, Mapping):
        raise InvalidRequest("schema", f"{schema!r} is not a mapping")
    kind = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)
    try:
        kind.check_schema(dict(schema))
    except jsonschema.SchemaError as error:
        raise InvalidRequest("schema", error.message) from error
    return _fits(kind(schema))


def _fits(validator: Any) -> Validator:

    def check(outcome: Outcome) -> Verdict:
        try:
            value = read_json(outcome.text)
        except ValueError as error:
            return f"the answer is not JSON: {error}"
        first = next(iter(validator.iter_errors(value)), None)
        return True if first is None else f"{first.json_path}: {first.message}"

    return check


def matches(pattern: str) -> Validator:
    """A regular expression is found in the answer. Raises InvalidRequest for a broken one."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise InvalidRequest("pattern", f"{pattern!r} does not compile: {error}") from error

    def check(outcome: Outcome) -> Verdict:
        return True if compiled.search(outcome.text) else f"nothing in the answer matches {pattern}"

    return check


def non_empty(outcome: Outcome) -> Verdict:
    """The answer holds text, not tool use alone."""
    return True if outcome.text.strip() else "the answer holds no text"


def not_truncated(outcome: Outcome) -> Verdict:
    """The answer did not stop at an output or context limit."""
    return f"the answer stopped at {outcome.stop_reason}" if outcome.truncated else True


def all_of(*validators: Validator) -> Validator:
    """Every validator accepts; the first that does not says why."""

    def check(outcome: Outcome) -> Verdict:
        for validator in validators:
            verdict = validator(outcome)
            if verdict is not True:
                return verdict
        return True

    return check


def read_json(text: str) -> Any:
    """JSON from an answer, a code fence around it left aside. Raises ValueError."""
    fenced = _FENCE.match(text)
    try:
        return json.loads(fenced["inside"] if fenced else text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")
