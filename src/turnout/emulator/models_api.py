"""`GET /v1/models` and `GET /v1/models/{id}`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from turnout.emulator.checks import Rules, values
from turnout.emulator.facts import EFFORTS, FALLBACK_BETAS, Model
from turnout.emulator.failure import ApiError, invalid

DEFAULT_LIMIT = 20
HIGHEST_LIMIT = 1000
STAGES = ("active", "deprecated", "retired")
THINKING = ("adaptive", "between_tools", "disabled", "enabled")
EDITS = ("clear_thinking_20251015", "clear_tool_uses_20250919", "compact_20260112")
Json = dict[str, Any]


def list_models(query: str, rules: Rules) -> Json:
    """One page of models, newest first."""
    asked = parse_qs(query, keep_blank_values=True)
    limit = _limit(asked.get("limit", [str(DEFAULT_LIMIT)])[-1])
    stages = asked.get("lifecycle", []) + asked.get("lifecycle[]", [])
    for stage in stages:
        values.one_of(stage, "lifecycle", STAGES)
    wanted = stages or STAGES[:2]
    shown = [m for m in _visible(rules) if m.stage(rules.now) in wanted]
    page, more = _page(shown, asked, limit)
    return {
        "data": [model_entry(model, rules) for model in page],
        "has_more": more,
        "first_id": page[0].id if page else None,
        "last_id": page[-1].id if page else None,
    }


def get_model(name: str, rules: Rules) -> Json:
    """One model by id or alias."""
    model = rules.models.find(name)
    if model is None or model not in _visible(rules):
        raise ApiError(404, f"model: {name}")
    return model_entry(model, rules)


def _visible(rules: Rules) -> list[Model]:
    shown = [model for model in rules.models if rules.verified or not model.verified_only]
    return sorted(shown, key=lambda model: model.created_at or "", reverse=True)


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise invalid("limit", "Input should be a valid integer")
    if not 1 <= int(text) <= HIGHEST_LIMIT:
        raise invalid("limit", f"Input should be between 1 and {HIGHEST_LIMIT}")
    return int(text)


def _page(
    shown: Sequence[Model], asked: dict[str, list[str]], limit: int
) -> tuple[Sequence[Model], bool]:
    if "after_id" in asked and "before_id" in asked:
        raise invalid("after_id", "cannot be combined with `before_id`")
    if "before_id" in asked:
        end = _index(shown, asked["before_id"][-1], "before_id")
        return shown[max(0, end - limit) : end], end > limit
    start = _index(shown, asked["after_id"][-1], "after_id") + 1 if "after_id" in asked else 0
    return shown[start : start + limit], start + limit < len(shown)


def _index(shown: Sequence[Model], cursor: str, name: str) -> int:
    ids = [model.id for model in shown]
    if cursor not in ids:
        raise invalid(name, f"'{cursor}' is not the id of a listed model")
    return ids.index(cursor)


def model_entry(model: Model, rules: Rules) -> Json:
    """One model as the API describes it."""
    stage = model.stage(rules.now)
    entry: Json = {
        "type": "model",
        "id": model.id,
        "display_name": model.display_name,
        "created_at": _moment(model.created_at) or "1970-01-01T00:00:00Z",
        "line": model.line,
        "lifecycle": stage,
        "deprecated_at": _moment(model.deprecated_at) if stage != "active" else None,
        "retires_at": _moment(model.retires_at) if stage != "active" else None,
        "max_input_tokens": model.max_input_tokens,
        "max_tokens": model.max_output_tokens,
        "capabilities": _capabilities(model),
    }
    if rules.betas & set(FALLBACK_BETAS):
        entry["allowed_fallback_models"] = list(model.fallback_targets)
    return entry


def _moment(date: str | None) -> str | None:
    return datetime.fromisoformat(date).strftime("%Y-%m-%dT00:00:00Z") if date else None


def _capabilities(model: Model) -> Json:
    adaptive = "adaptive" in model.thinking
    return {
        "batch": _leaf(True),
        "citations": _leaf(True),
        "code_execution": _leaf(True),
        "context_management": {**_leaf(True), **{name: _leaf(True) for name in EDITS}},
        "effort": {
            **_leaf(bool(model.efforts)),
            **{level: _leaf(level in model.efforts) for level in EFFORTS},
        },
        "image_input": _leaf(model.vision),
        "pdf_input": _leaf(model.pdf),
        "server_tools": {**_leaf(True), "web_search": _leaf(True), "code_execution": _leaf(True)},
        "structured_outputs": _leaf(model.structured_outputs),
        "thinking": {
            **_leaf(adaptive or "enabled" in model.thinking),
            "types": {kind: _leaf(kind in model.thinking) for kind in THINKING},
        },
    }


def _leaf(supported: bool) -> Json:
    return {"supported": supported}
