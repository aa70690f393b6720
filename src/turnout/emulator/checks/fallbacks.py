"""Rules about `fallbacks`, and the body that each fallback attempt runs with."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from turnout.emulator.checks import fields, values
from turnout.emulator.checks.model_rules import (
    can_run_fast,
    check_effort,
    check_max_tokens,
    check_speed,
    check_thinking,
)
from turnout.emulator.facts import EFFORTS, FALLBACK_BETAS, Model, Models
from turnout.emulator.failure import ApiError, invalid

KEYS = ("model", "max_tokens", "thinking", "output_config", "speed")
MOST = 3
Body = dict[str, Any]


def check_fallbacks(
    body: Body, model: Model, models: Models, betas: frozenset[str], now: datetime
) -> None:
    """A list of one to three distinct targets of the model, or `"default"`."""
    asked = body.get("fallbacks")
    if asked is None:
        return
    if body.get("fallback_credit_token") is not None:
        raise invalid("fallback_credit_token", "cannot be combined with `fallbacks`")
    if asked == "default":
        if FALLBACK_BETAS[1] not in betas:
            problem = f'"default" requires the `anthropic-beta: {FALLBACK_BETAS[1]}` header'
            raise invalid("fallbacks", problem)
        return
    entries = values.array(asked, "fallbacks")
    if not 1 <= len(entries) <= MOST:
        raise invalid("fallbacks", f"List should have 1 to {MOST} items, not {len(entries)}")
    if not model.fallback_targets:
        raise invalid("fallbacks", f"not supported for {model.id}")
    seen = {model.id}
    for index, entry in enumerate(entries):
        target = _check_entry(entry, f"fallbacks.{index}", model, models)
        if target.id in seen:
            raise invalid(f"fallbacks.{index}.model", "each fallback must be a different model")
        seen.add(target.id)
        _check_overrides(body, entry, target, f"fallbacks.{index}", betas, now)


def _check_entry(entry: object, path: str, model: Model, models: Models) -> Model:
    item = values.mapping(entry, path)
    values.only(item, KEYS, path)
    name = values.string(values.required(item, "model", path), f"{path}.model")
    target = models.find(name)
    if target is None or target.id not in model.fallback_targets:
        allowed = ", ".join(model.fallback_targets)
        raise invalid(
            f"{path}.model", f"{name} is not a fallback for {model.id}. Allowed: {allowed}."
        )
    return target


def _check_overrides(
    body: Body, entry: Body, target: Model, path: str, betas: frozenset[str], now: datetime
) -> None:
    """Overrides are held to the target's rules as if the request were made to it."""
    attempt = attempt_body(body, entry, target, now)
    given = {key for key in KEYS[1:] if entry.get(key) is not None}
    try:
        if attempt.get("max_tokens") is not None:
            check_max_tokens(attempt["max_tokens"], target)
        if "output_config" in given:
            fields.check_output_config(entry, target, betas)
            check_effort(entry, target)
        if "thinking" in given:
            check_thinking(attempt, target)
        if "speed" in given:
            check_speed(entry, target, betas, now)
    except ApiError as error:
        raise ApiError(error.status, f"{path}.{error.message}") from error


def chain(body: Body, model: Model) -> list[Body]:
    """The entries to try after a refusal, in order."""
    asked = body.get("fallbacks")
    if asked == "default":
        return [{"model": target} for target in model.fallback_targets]
    return list(asked or ())


def attempt_body(body: Body, entry: Body, target: Model, now: datetime) -> Body:
    """The request as the fallback attempt runs it, after the documented merging."""
    merged = {key: value for key, value in body.items() if key != "fallbacks"}
    merged["model"] = target.id
    if entry.get("max_tokens") is not None:
        merged["max_tokens"] = entry["max_tokens"]
    _put(merged, "thinking", _thinking(body, entry, target))
    _put(merged, "output_config", _output_config(body, entry, target, merged))
    _put(merged, "speed", _speed(body, entry, target, now))
    return merged


def _put(merged: Body, key: str, value: object) -> None:
    if value is None:
        merged.pop(key, None)
    else:
        merged[key] = value


def _thinking(body: Body, entry: Body, target: Model) -> Body | None:
    if "thinking" in entry:
        return entry["thinking"] or None
    asked = body.get("thinking") or {}
    if asked.get("type") in target.thinking:
        return dict(asked)
    if asked.get("type") == "between_tools" and "disabled" in target.thinking:
        return {"type": "disabled"}
    return None


def _output_config(body: Body, entry: Body, target: Model, merged: Body) -> Body | None:
    asked = dict(body.get("output_config") or {})
    if "output_config" in entry and entry["output_config"] is None:
        return None
    override = entry.get("output_config") or {}
    config = {**asked, **override}
    inherited = "effort" not in override
    if inherited and not _can_inherit(config.get("effort"), target, merged):
        config["effort"] = None
    return {key: value for key, value in config.items() if value is not None} or None


def _can_inherit(effort: object, target: Model, merged: Body) -> bool:
    if effort not in target.efforts:
        return False
    kind = (merged.get("thinking") or {}).get("type")
    most = target.thinking.get(str(kind))
    return not most or EFFORTS.index(str(effort)) <= EFFORTS.index(most)


def _speed(body: Body, entry: Body, target: Model, now: datetime) -> str | None:
    if "speed" in entry:
        return str(entry["speed"]) if entry["speed"] else None
    return "fast" if body.get("speed") == "fast" and can_run_fast(target, now) else None
