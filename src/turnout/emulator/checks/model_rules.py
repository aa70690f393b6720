"""Rules that differ from model to model: tokens, thinking, effort, sampling, speed, place."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from turnout.emulator.checks import values
from turnout.emulator.facts import EFFORTS, Model, day
from turnout.emulator.failure import ApiError, invalid

THINKING = ("adaptive", "between_tools", "disabled", "enabled")
THINKING_KEYS = {
    "adaptive": ("type", "display", "block_binding"),
    "enabled": ("type", "display", "block_binding", "budget_tokens"),
}
LEAST_BUDGET = 1024
DEFAULTS = {"temperature": 1, "top_p": 0.99}


def check_model(
    body: dict[str, Any], model: Model, version: str, betas: frozenset[str], now: datetime
) -> None:
    """Every rule of this file, in the order a caller meets them."""
    if "max_tokens" in body:
        check_max_tokens(body["max_tokens"], model)
    check_effort(body, model)
    check_thinking(body, model)
    check_sampling(body, model, version)
    check_speed(body, model, betas, now)
    _check_place(body, model)


def check_max_tokens(value: object, model: Model) -> None:
    """0 warms the cache; the most is the model's output limit."""
    asked = values.integer(value, "max_tokens")
    if asked > model.max_output_tokens:
        raise ApiError(
            400,
            f"max_tokens: {asked} > {model.max_output_tokens}, which is the maximum allowed "
            f"number of output tokens for {model.id}",
        )


def effort_of(body: dict[str, Any], model: Model) -> str | None:
    """The effort that this request runs at."""
    asked = (body.get("output_config") or {}).get("effort")
    return str(asked) if asked else model.default_effort


def thinking_of(body: dict[str, Any], model: Model) -> str:
    """The thinking type that this request runs with."""
    asked = body.get("thinking")
    if asked:
        return str(asked["type"])
    return "adaptive" if model.thinks_when_omitted else "disabled"


def check_effort(body: dict[str, Any], model: Model) -> None:
    """`output_config.effort` is one of the model's own levels."""
    asked = (body.get("output_config") or {}).get("effort")
    if asked is None:
        return
    level = values.one_of(asked, "output_config.effort", EFFORTS)
    if not model.efforts:
        raise invalid("output_config.effort", "This model does not support the effort parameter.")
    if level not in model.efforts:
        listed = ", ".join(model.efforts)
        raise invalid(
            "output_config.effort",
            f"'{level}' is not supported for this model. Supported levels: {listed}.",
        )


def check_thinking(body: dict[str, Any], model: Model) -> None:
    """`thinking` is of a type the model takes, at an effort that type allows."""
    asked = body.get("thinking")
    if asked is None:
        return
    kind = values.tagged(asked, "thinking", THINKING)
    if kind not in model.thinking:
        listed = ", ".join(f'"{name}"' for name in model.thinking)
        raise invalid(
            "thinking.type", f'"{kind}" is not supported for this model. Supported: {listed}.'
        )
    values.only(asked, THINKING_KEYS.get(kind, ("type",)), f"thinking.{kind}")
    if asked.get("display") is not None:
        shown = ("summarized", "omitted", "updates")
        values.one_of(asked["display"], f"thinking.{kind}.display", shown)
    if kind == "enabled":
        _check_budget(asked, body)
    most = model.thinking[kind]
    effort = effort_of(body, model)
    if most and effort and EFFORTS.index(effort) > EFFORTS.index(most):
        raise invalid(
            "thinking.type",
            f'"{kind}" is not supported with output_config.effort "{effort}" for this model; '
            f'the highest is "{most}".',
        )


def _check_budget(asked: dict[str, Any], body: dict[str, Any]) -> None:
    path = "thinking.enabled.budget_tokens"
    given = values.required(asked, "budget_tokens", "thinking.enabled")
    budget = values.integer(given, path, at_least=LEAST_BUDGET)
    most = body.get("max_tokens")
    if isinstance(most, int) and budget >= most:
        raise ApiError(
            400,
            "thinking.budget_tokens: `max_tokens` must be greater than `thinking.budget_tokens`.",
        )


def check_sampling(body: dict[str, Any], model: Model, version: str) -> None:
    """The newer version takes no sampling field; on the older one it depends on the model."""
    given = {k: body[k] for k in ("temperature", "top_p", "top_k") if body.get(k) is not None}
    for name, value in given.items():
        if version != "2023-06-01":
            raise invalid(name, f"not supported with anthropic-version {version}")
        if model.sampling == "rejected":
            raise invalid(name, "not supported for this model")
        if model.sampling == "defaults" and value != DEFAULTS.get(name):
            default = DEFAULTS.get(name)
            hint = f"only the default {default:g} is accepted" if default else "leave it out"
            raise invalid(name, f"may not be changed for this model; {hint}")
    if model.sampling == "accepted":
        _check_sampling_values(given, thinking_of(body, model) in ("adaptive", "enabled"))


def _check_sampling_values(given: dict[str, Any], thinks: bool) -> None:
    for name in ("temperature", "top_p"):
        if name in given:
            values.number(given[name], name, 0, 1)
    if "top_k" in given:
        values.integer(given["top_k"], "top_k")
    if thinks and given.get("temperature", 1) != 1:
        raise invalid("temperature", "may only be set to 1 when thinking is enabled.")
    if thinks and "top_k" in given:
        raise invalid("top_k", "must be unset when thinking is enabled.")
    if thinks and given.get("top_p", 1) < 0.95:
        raise invalid("top_p", "must be at least 0.95 or unset when thinking is enabled.")


def check_speed(body: dict[str, Any], model: Model, betas: frozenset[str], now: datetime) -> None:
    """`speed: "fast"` needs a model that has it, and on some models a beta header."""
    speed = body.get("speed")
    if speed is None:
        return
    values.one_of(speed, "speed", ("standard", "fast"))
    fast = model.fast
    if fast and fast.beta and fast.beta not in betas:
        raise invalid("speed", f"requires the `anthropic-beta: {fast.beta}` header on this model")
    if speed == "fast" and not can_run_fast(model, now):
        raise invalid("speed", "'fast' is not supported for this model")


def can_run_fast(model: Model, now: datetime) -> bool:
    """True when the model takes `speed: "fast"` on this day."""
    return model.fast is not None and not (model.fast.ends and now >= day(model.fast.ends))


def _check_place(body: dict[str, Any], model: Model) -> None:
    place = body.get("inference_geo")
    if place is None:
        return
    values.one_of(place, "inference_geo", ("us", "global"))
    if not model.us_inference:
        raise invalid("inference_geo", "not supported for this model")
