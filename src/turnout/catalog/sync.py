"""What a live `/v1/models` says that the catalog does not, and which models are about to go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from turnout.catalog.model import Model
from turnout.catalog.store import Catalog
from turnout.types import Json, Ladder

SOON = timedelta(days=60)
"""How long before a retirement `check` begins to warn."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact on which the live list and the catalog differ."""

    model: str
    field: str
    ours: Any
    theirs: Any

    def to_dict(self) -> Json:
        """The difference as JSON."""
        return {
            "model": self.model,
            "field": self.field,
            "catalog": self.ours,
            "live": self.theirs,
        }


def differences(live: Iterable[Mapping[str, Any]], catalog: Catalog) -> list[Difference]:
    """Where a live model list differs from the catalog's Claude models."""
    found, seen = [], set()
    for entry in live:
        model = catalog.find(entry["id"])
        if model is None or model.provider != "anthropic":
            found.append(Difference(entry["id"], "id", None, "listed"))
            continue
        seen.add(model.id)
        found += _fields(model, entry)
    ours = [m for m in catalog if m.provider == "anthropic" and not m.restricted]
    found += [Difference(m.id, "id", "listed", None) for m in ours if m.id not in seen]
    return found


def _fields(model: Model, entry: Mapping[str, Any]) -> Iterator[Difference]:
    able = entry.get("capabilities") or {}
    pairs = {
        "context_window": (model.context_window, entry.get("max_input_tokens")),
        "max_output_tokens": (model.max_output_tokens, entry.get("max_tokens")),
        "line": (model.line, entry.get("line")),
        "lifecycle": (model.lifecycle, entry.get("lifecycle")),
        "efforts": (sorted(model.efforts), _supported(able.get("effort"))),
        "thinking": (sorted(model.thinking), _supported((able.get("thinking") or {}).get("types"))),
        "vision": ("vision" in model.abilities, _flag(able.get("image_input"))),
        "pdf": ("pdf" in model.abilities, _flag(able.get("pdf_input"))),
    }
    for field, (ours, theirs) in pairs.items():
        if theirs is not None and ours != theirs:
            yield Difference(model.id, field, ours, theirs)


def _supported(group: Mapping[str, Any] | None) -> list[str] | None:
    if group is None:
        return None
    return sorted(
        n for n, leaf in group.items() if isinstance(leaf, Mapping) and leaf.get("supported")
    )


def _flag(leaf: Mapping[str, Any] | None) -> bool | None:
    return None if leaf is None else bool(leaf.get("supported"))


def retirements(catalog: Catalog, ladder: Ladder, at: datetime) -> list[Json]:
    """Models that are gone, going within 60 days, or deprecated; those on the ladder first."""
    used = {target.model for tier in ladder.tiers for target in tier.targets}
    rows = [_warning(model, model.id in used, at) for model in catalog]
    return sorted((r for r in rows if r is not None), key=lambda r: (not r["on_ladder"], r["when"]))


def _warning(model: Model, on_ladder: bool, at: datetime) -> Json | None:
    day = at.date()
    if model.retired(at):
        text, when = "retired", model.retires
    elif model.retires and model.retires - day <= SOON:
        text, when = f"retires in {(model.retires - day).days} days", model.retires
    elif model.retires_not_before and model.retires_not_before - day <= SOON:
        text, when = "may retire from this day on", model.retires_not_before
    elif model.lifecycle != "active":
        text, when = model.lifecycle, model.retires
    else:
        return None
    return {
        "model": model.id,
        "warning": text,
        "when": when.isoformat() if when else "",
        "on_ladder": on_ladder,
        "retired": model.retired(at),
    }
