"""Ladders: the presets, and those a user writes."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

from turnout.catalog.model import EFFORTS
from turnout.catalog.store import Catalog
from turnout.errors import ConfigError, choices
from turnout.types import LEVELS, Ladder, Target, Tier

LADDERS = ("claude", "claude-5", "three", "five")
"""Names of the presets; the first is the default."""


@lru_cache(maxsize=1)
def _presets() -> dict[str, Any]:
    return tomllib.loads((files("turnout.catalog") / "ladders.toml").read_text("utf-8"))


def ladder(name: str, catalog: Catalog) -> Ladder:
    """A preset by name. Raises ConfigError that lists the presets."""
    if name not in LADDERS:
        raise ConfigError(f"ladder: unknown ladder {name!r}; {choices(name, LADDERS)}")
    return parse_ladder(_presets()[name], catalog, name=name)


def parse_ladder(
    tiers: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    catalog: Catalog,
    name: str = "custom",
) -> Ladder:
    """A ladder from `{tier: targets}` or a list of `{tier, targets, covers, fallbacks}`.

    Raises ConfigError for fewer than two tiers, repeated names, unknown models, efforts that a
    model does not know, or `covers` values that do not rise to 4.
    """
    rows = _rows(tiers)
    if len(rows) < 2:
        raise ConfigError("ladder: a ladder needs at least two tiers, cheapest first")
    built = tuple(
        _tier(row, len(LEVELS) * (i + 1) / len(rows), catalog) for i, row in enumerate(rows)
    )
    names = [tier.name for tier in built]
    if len(set(names)) < len(names):
        raise ConfigError(f"ladder: tier names repeat in {', '.join(names)}")
    covers = [tier.covers for tier in built]
    if covers[-1] != len(LEVELS) or not all(a < b for a, b in pairwise([0.0, *covers])):
        raise ConfigError(f"ladder: covers must rise from above 0 to exactly 4, not {covers}")
    return Ladder(name, built)


def _rows(tiers: Any) -> list[Mapping[str, Any]]:
    if isinstance(tiers, Mapping):
        return [
            {"tier": name, **(value if isinstance(value, Mapping) else {"targets": value})}
            for name, value in tiers.items()
        ]
    if isinstance(tiers, str) or not isinstance(tiers, Iterable):
        raise ConfigError(f"ladder: {tiers!r} is neither a preset's name nor a table of tiers")
    rows = list(tiers)
    for row in rows:
        if not isinstance(row, Mapping):
            raise ConfigError(f"ladder: {row!r} is not a table with tier and targets")
    return rows


def _tier(row: Mapping[str, Any], covers: float, catalog: Catalog) -> Tier:
    known = ("tier", "targets", "covers", "fallbacks")
    for key in row:
        if key not in known:
            raise ConfigError(f"ladder: unknown key {key!r}; {choices(key, known)}")
    name = row.get("tier")
    if not isinstance(name, str) or not name:
        raise ConfigError(f"ladder: every tier needs a name, not {name!r}")
    targets = _targets(row.get("targets", ()), name, catalog)
    if not targets:
        raise ConfigError(f"ladder: tier {name!r} has no targets")
    wanted = row.get("covers", covers)
    if isinstance(wanted, bool) or not isinstance(wanted, (int, float, Decimal)):
        raise ConfigError(f"ladder: covers of tier {name!r} is not a number: {wanted!r}")
    fallbacks = _targets(row.get("fallbacks", ()), name, catalog)
    return Tier(name, targets, float(wanted), fallbacks)


def _targets(raw: Any, tier: str, catalog: Catalog) -> tuple[Target, ...]:
    items = [raw] if isinstance(raw, (str, Target)) else raw
    if not isinstance(items, Iterable) or isinstance(items, Mapping):
        raise ConfigError(f"ladder: targets of tier {tier!r} are no list: {raw!r}")
    return tuple(_target(item, tier, catalog) for item in items)


def _target(raw: Any, tier: str, catalog: Catalog) -> Target:
    """A target from "model", "model@effort" or a Target; ids are made canonical."""
    if isinstance(raw, Target):
        name, effort = raw.model, raw.effort
    elif isinstance(raw, str):
        head, _, tail = raw.rpartition("@")
        name, effort = (head, tail) if tail in EFFORTS else (raw, None)
    else:
        raise ConfigError(f'ladder: a target of tier {tier!r} is not "model@effort": {raw!r}')
    model = catalog.find(name)
    if model is None:
        known = [m.id for m in catalog]
        raise ConfigError(
            f"ladder: tier {tier!r} names unknown model {name!r}; {choices(name, known)}"
        )
    if not model.accepts_effort(effort):
        levels = ", ".join(model.efforts) or "none"
        raise ConfigError(f"ladder: {model.id} does not take effort {effort!r}; it takes {levels}")
    return Target(model.id, effort)
