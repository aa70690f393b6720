"""Everything that makes a request a 400, before any answer is thought of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from turnout.emulator.checks import fields, values
from turnout.emulator.checks.caching import check_breakpoints
from turnout.emulator.checks.conversation import check_ending, check_messages, check_system
from turnout.emulator.checks.fallbacks import check_fallbacks
from turnout.emulator.checks.model_rules import check_model, thinking_of
from turnout.emulator.checks.tools import check_tool_choice, check_tools
from turnout.emulator.facts import Model, Models
from turnout.emulator.failure import ApiError

__all__ = ["Rules", "check_request", "check_window", "find_model"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a request is judged by, besides its body."""

    models: Models
    version: str
    betas: frozenset[str]
    now: datetime
    zero_retention: bool = False
    verified: bool = True


def find_model(name: str, rules: Rules) -> Model:
    """The live model of this name; 404 for one that is unknown, closed or retired."""
    model = rules.models.find(name)
    closed = model is not None and model.verified_only and not rules.verified
    if model is None or closed or model.stage(rules.now) == "retired":
        raise ApiError(404, f"model: {name}")
    if rules.zero_retention and model.needs_retention:
        raise ApiError(
            400,
            f"model: {model.id} requires 30-day data retention, and your organization has "
            "zero data retention",
        )
    return model


def check_request(body: object, rules: Rules, *, counting: bool = False) -> Model:
    """Hold a body to every rule; the model it is for. `counting` is for count_tokens."""
    item = values.mapping(body, "body")
    fields.check_names(item, rules.betas, counting=counting)
    name = fields.required_model_name(item)
    if not counting:
        values.integer(values.required(item, "max_tokens", ""), "max_tokens")
    values.required(item, "messages", "")
    model = find_model(name, rules)
    fields.check_plain(item)
    fields.check_output_config(item, model, rules.betas)
    if item.get("system") is not None:
        check_system(item["system"])
    check_messages(item["messages"], model, rules.betas)
    if item.get("tools") is not None:
        check_tools(item["tools"])
    check_breakpoints(item)
    check_model(item, model, rules.version, rules.betas, rules.now)
    check_tool_choice(item, model)
    _check_ending(item, model)
    check_fallbacks(item, model, rules.models, rules.betas, rules.now)
    return model


def _check_ending(body: dict[str, Any], model: Model) -> None:
    if body.get("fallback_credit_token") is not None:
        return  # a token may authorise one prefill; its own check decides
    thinking = thinking_of(body, model) in ("adaptive", "enabled")
    check_ending(body["messages"], model, thinking=thinking)


def check_window(prompt_tokens: int, body: dict[str, Any], model: Model) -> None:
    """The prompt fits the window, on some models together with `max_tokens`."""
    window = model.max_input_tokens
    if prompt_tokens > window:
        raise ApiError(400, f"prompt is too long: {prompt_tokens} tokens > {window} maximum")
    most = body.get("max_tokens") or 0
    if model.max_tokens_counts_in_window and prompt_tokens + most > window:
        raise ApiError(
            400,
            f"input length and `max_tokens` exceed context limit: {prompt_tokens} + {most} > "
            f"{window}, decrease input length or `max_tokens` and try again",
        )
