"""The catalog: every model by id, alias or dated id."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

from turnout.catalog.model import Model, parse_price
from turnout.errors import ConfigError, UnknownModel, UnknownTier, choices
from turnout.types import Ladder

CLAUDE_ABILITIES = frozenset(
    {"vision", "pdf", "tools", "structured_outputs", "server_tools", "streaming", "batch"}
)
"""What every Claude model of the catalog can do; the rest are fields of their own."""

_FLAGS = ("forced_tool", "prefill", "system_messages")
_LISTS = ("aliases", "efforts", "thinking", "sampling", "fallback_targets")
# Bedrock and Vertex spell the same model with a region, a vendor, a date or a revision.
_DRESSED = re.compile(
    r"^(?:[a-z-]{2,6}\.)?(?:anthropic[./:])?(?P<id>.+?)(?:[@-]\d{8})?(?:-v\d+(?::\d+)?)?(?:\[1m\])?$"
)


MOST_SPELLINGS = 4096
"""Spellings that are remembered: ids come from callers, and memory must not."""


class Catalog:
    """All models known to one router. Lookups are by id, alias or a dated form of either."""

    def __init__(self, models: Iterable[Model], ladder: Ladder | None = None) -> None:
        self._ladder = ladder
        self._models = {model.id: model for model in models}
        self._names = {alias: m.id for m in self._models.values() for alias in m.aliases}
        self._others: dict[str, Model] = {}

    def get(self, name: str) -> Model:
        """The model of this id or alias; other providers' as `provider:model`.

        Raises UnknownModel with the nearest known names.
        """
        found = self.find(name)
        if found is None:
            raise UnknownModel(name, [*self._models, *self._names])
        return found

    def find(self, name: str) -> Model | None:
        """As `get`, but None for a model that nobody knows."""
        if not isinstance(name, str):
            return None
        model = self._models.get(name) or self._others.get(name)
        if model is not None:
            return model
        model = self._by_other_name(name) or _other_provider(name)
        if model is not None:
            if len(self._others) >= MOST_SPELLINGS:
                self._others.clear()
            self._others[name] = model
        return model

    def _by_other_name(self, name: str) -> Model | None:
        if name in self._names:
            return self._models[self._names[name]]
        match = _DRESSED.match(name.lower())
        bare = match["id"] if match else name
        if bare in self._models:
            return self._models[bare]
        return self._models[self._names[bare]] if bare in self._names else None

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models.values())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.find(name) is not None

    @property
    def providers(self) -> tuple[str, ...]:
        """The providers of the models listed here, in order of appearance."""
        return tuple(dict.fromkeys(model.provider for model in self))

    def with_ladder(self, ladder: Ladder) -> Catalog:
        """The same models, seen from a ladder."""
        return Catalog(self, ladder)

    def for_tier(self, tier: str) -> tuple[Model, ...]:
        """The models that serve a tier of the ladder in force, in the order they are tried.

        Raises UnknownTier that names the ladder's tiers.
        """
        rungs = self._ladder.tiers if self._ladder else ()
        for rung in rungs:
            if rung.name == tier:
                return tuple(self.get(target.model) for target in rung.targets)
        raise UnknownTier(tier, [rung.name for rung in rungs])

    def with_models(self, overrides: Mapping[str, Mapping[str, Any]]) -> Catalog:
        """A catalog in which the user's entries add or replace fields of models.

        Raises ConfigError that names the entry and the field.
        """
        models = {model.id: model for model in self}
        for name, raw in overrides.items():
            known = self.find(name)
            model = _override(known, name, raw)
            models[model.id] = model
        catalog = Catalog(models.values())
        for name in overrides:
            catalog._check_targets(name)
        return catalog

    def _check_targets(self, name: str) -> None:
        for target in self.get(name).fallback_targets:
            if self.find(target) is None:
                raise ConfigError(
                    f"models.{name}.fallback_targets: unknown model {target!r}; "
                    f"{choices(target, self._models)}"
                )


@lru_cache(maxsize=1)
def bundled() -> Catalog:
    """The models that ship with the package."""
    text = (files("turnout.catalog") / "models.toml").read_text("utf-8")
    raw = tomllib.loads(text, parse_float=Decimal)
    shared = {"source": raw["source"], "checked": raw["checked"], "provider": "anthropic"}
    return Catalog([_parse({**shared, **entry}) for entry in raw["models"]])


def _parse(raw: dict[str, Any]) -> Model:
    """One entry of models.toml; whatever is not converted here is a plain field of Model."""
    where = f"models.{raw['id']}.prices"
    flags = {name for name in _FLAGS if raw.pop(name, name != "prefill")}
    raw |= {name: tuple(raw[name]) for name in _LISTS if name in raw}
    raw["abilities"] = CLAUDE_ABILITIES | flags
    raw["prices"] = tuple(parse_price(price, where) for price in raw["prices"])
    raw["effort_cost"] = {e: Decimal(x) for e, x in raw.get("effort_cost", {}).items()}
    raw["token_ratio"] = Decimal(raw["token_ratio"])
    raw["us_multiplier"] = Decimal(raw.get("us_multiplier", 1))
    raw.setdefault("pool", raw["id"])
    return Model(**raw)


def _other_provider(name: str) -> Model | None:
    from turnout.catalog.others import lookup

    return lookup(name)


def _override(known: Model | None, name: str, raw: Mapping[str, Any]) -> Model:
    from turnout.catalog.overrides import apply

    return apply(known, name, raw)
