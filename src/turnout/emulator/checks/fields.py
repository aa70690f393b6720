"""Rules about the fields of the body that hold for every model."""

from __future__ import annotations

from typing import Any

from turnout.emulator.checks import values
from turnout.emulator.facts import CREDIT_BETAS, FALLBACK_BETAS, Model
from turnout.emulator.failure import ApiError, invalid

COUNTED = [
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "cache_control",
    "speed",
]
"""Fields that count_tokens takes too."""

OPEN = (
    *COUNTED,
    *["max_tokens", "metadata", "stop_sequences", "stream", "temperature", "top_p", "top_k"],
    *["service_tier", "inference_geo", "container", "diagnostics"],
)
"""Fields that need no beta header."""

BETA_FIELDS: dict[str, tuple[str, ...]] = {
    "fallbacks": FALLBACK_BETAS,
    "fallback_credit_token": CREDIT_BETAS,
    "context_management": ("context-management-2025-06-27", "compact-2026-01-12"),
    "compaction": ("compact-2026-09-04",),
    "mcp_servers": ("mcp-client-2025-04-04", "mcp-client-2025-11-20", "mcp-client-2026-09-15"),
    "output_format": ("structured-outputs-2025-11-13",),
    "thread": ("message-threads-2026-08-12",),
    "billing_policy": ("user-profiles-billing-2026-10-01",),
    "safeguards": (),
}
"""Fields that need one of these beta headers; none named means any beta header at all."""

UNCOUNTED_BETA = ("fallbacks", "fallback_credit_token", "thread", "safeguards")
TASK_BUDGET_BETA = "task-budgets-2026-03-13"


def check_names(body: dict[str, Any], betas: frozenset[str], *, counting: bool) -> None:
    """Every top-level field is known, and has the beta header it needs."""
    for name in body:
        if name in (COUNTED if counting else OPEN):
            continue
        needs = BETA_FIELDS.get(name)
        allowed = needs is not None and not (counting and name in UNCOUNTED_BETA)
        if not allowed:
            raise invalid(name, "Extra inputs are not permitted")
        if not (betas & set(needs or ()) if needs else betas):
            raise invalid(name, f"Extra inputs are not permitted{_hint(needs)}")


def _hint(needs: tuple[str, ...] | None) -> str:
    return f" without the `anthropic-beta: {needs[-1]}` header" if needs else ""


def check_plain(body: dict[str, Any]) -> None:
    """Fields whose shape does not depend on the model."""
    if body.get("metadata") is not None:
        metadata = values.mapping(body["metadata"], "metadata")
        values.only(metadata, ("user_id",), "metadata")
        if metadata.get("user_id") is not None:
            values.string(metadata["user_id"], "metadata.user_id")
    if body.get("stop_sequences") is not None:
        _check_stops(body["stop_sequences"])
    if body.get("stream") is not None:
        values.boolean(body["stream"], "stream")
    if body.get("service_tier") is not None:
        values.one_of(body["service_tier"], "service_tier", ("auto", "standard_only"))


def _check_stops(stops: object) -> None:
    for index, stop in enumerate(values.array(stops, "stop_sequences")):
        text = values.string(stop, f"stop_sequences.{index}")
        if not text.strip():
            problem = "each stop sequence must contain non-whitespace"
            raise invalid(f"stop_sequences.{index}", problem)


def check_output_config(body: dict[str, Any], model: Model, betas: frozenset[str]) -> None:
    """`output_config` holds effort, a JSON Schema format and, in beta, a task budget."""
    check_format(body.get("output_format"), "output_format", model)
    config = body.get("output_config")
    if config is None:
        return
    item = values.mapping(config, "output_config")
    extra = ("task_budget",) if TASK_BUDGET_BETA in betas else ()
    values.only(item, ("effort", "format", *extra), "output_config")
    check_format(item.get("format"), "output_config.format", model)


def check_format(wanted: object, path: str, model: Model) -> None:
    """An output format is a JSON Schema the model can be held to."""
    if wanted is None:
        return
    values.tagged(wanted, path, ("json_schema",))
    item = values.mapping(wanted, path)
    values.only(item, ("type", "schema"), path)
    values.mapping(values.required(item, "schema", path), f"{path}.schema")
    if not model.structured_outputs:
        raise invalid(path, "structured outputs are not supported by this model")


def required_model_name(body: dict[str, Any]) -> str:
    """The `model` field as a string."""
    return values.string(values.required(body, "model", ""), "model", empty=False)


def parse_betas(header: str) -> frozenset[str]:
    """The betas of an `anthropic-beta` header."""
    return frozenset(part.strip() for part in header.split(",") if part.strip())


def check_version(version: str | None, known: tuple[str, ...]) -> str:
    """The `anthropic-version` header, which is required."""
    if not version:
        raise ApiError(400, "anthropic-version: header is required")
    if version not in known:
        raise ApiError(
            400,
            f'anthropic-version: "{version}" is not a valid version. Please use "{known[-1]}".',
        )
    return version
