"""What the emulator knows about each model: its own table, apart from the router's catalog."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Literal

EFFORTS = ("low", "medium", "high", "xhigh", "max")
"""All effort levels there are, weakest first."""

CATEGORIES = ("cyber", "bio", "frontier_llm", "reasoning_extraction", "general_harms")
"""The named categories of a refusal."""

VERSIONS = ("2023-06-01", "2026-10-21")
"""The API versions there are; the newer one takes no sampling fields at all."""

FALLBACK_BETAS = ("server-side-fallback-2026-06-01", "server-side-fallback-2026-07-01")
CREDIT_BETAS = ("fallback-credit-2026-06-01", "fallback-credit-2026-07-01")


@dataclass(frozen=True, slots=True)
class Fast:
    """The rules of a model's fast mode."""

    beta: str | None
    """The beta header that any `speed` value needs; None when none is needed."""

    ends: str | None
    """First day on which the model has no fast mode any more, as an ISO date."""

    ignored: bool = False
    """True when `fast` is accepted and runs at standard speed."""


@dataclass(frozen=True, slots=True)
class Model:
    """The facts of one model."""

    id: str
    display_name: str
    aliases: tuple[str, ...]
    line: str
    max_input_tokens: int
    max_output_tokens: int
    max_tokens_counts_in_window: bool
    """True when prompt and `max_tokens` together must fit the window."""

    efforts: tuple[str, ...]
    default_effort: str | None
    thinking: Mapping[str, str | None]
    """Each accepted `thinking.type`, with the highest effort it allows; None is any."""

    thinks_when_omitted: bool
    sampling: Literal["accepted", "defaults", "rejected"]
    """What the 2023-06-01 version does with `temperature`, `top_p` and `top_k`."""

    prefill: bool
    forced_tool_choice: bool
    min_cacheable_tokens: int
    tokenizer_ratio: float
    """Tokens for a text, relative to the older tokenizer."""

    fallback_targets: tuple[str, ...]
    refuses: tuple[str, ...]
    """Categories that the marker `[[refuse:CATEGORY]]` makes this model refuse."""

    never_retried: tuple[str, ...]
    """Categories for which no server-side fallback happens."""

    default_retries: tuple[str, ...] | None
    """Categories that `fallbacks: "default"` retries; None is every category."""

    needs_retention: bool
    verified_only: bool
    lifecycle: Literal["active", "deprecated", "retired"]
    created_at: str | None
    deprecated_at: str | None
    retires_at: str | None
    fast: Fast | None
    system_role: bool
    """True when `role: "system"` may stand among the messages."""

    us_inference: bool
    vision: bool
    pdf: bool
    structured_outputs: bool

    @property
    def always_thinks(self) -> bool:
        """True when adaptive thinking is the only type there is."""
        return tuple(self.thinking) == ("adaptive",)

    def stage(self, now: datetime) -> str:
        """Where the model stands in its life at `now`: active, deprecated or retired."""
        if self.retires_at and now >= day(self.retires_at):
            return "retired"
        return self.lifecycle

    def tokens(self, base_tokens: float) -> int:
        """Tokens of this model's tokenizer for a count in the older one."""
        return max(0, round(base_tokens * self.tokenizer_ratio))


class Models:
    """The table of models; iterates newest family last, as listed in `models.json`."""

    def __init__(self, models: tuple[Model, ...]) -> None:
        self._models = models
        self._by_name = {name: m for m in models for name in (m.id, *m.aliases)}

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models)

    def find(self, name: object) -> Model | None:
        """The model with this id or alias, if there is one."""
        return self._by_name.get(name) if isinstance(name, str) else None


def day(text: str) -> datetime:
    """The start of an ISO date in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def load_models() -> Models:
    """Read the bundled table."""
    text = files("turnout.emulator").joinpath("models.json").read_text("utf-8")
    return Models(tuple(_model(row) for row in json.loads(text)["models"]))


def _model(row: Mapping[str, Any]) -> Model:
    known = {field.name for field in fields(Model)}
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in row.items()
        if key in known
    }
    values["fast"] = Fast(**row["fast"]) if row["fast"] else None
    return Model(**values)
