"""The user's own models: new ones, and fields of known ones replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from turnout.catalog.model import EFFORTS, Card, Model, Price, parse_price
from turnout.catalog.others import OTHER_ABILITIES
from turnout.errors import ConfigError, choices

_PLAIN: dict[str, type | tuple[type, ...]] = {
    "provider": str,
    "line": str,
    "context_window": int,
    "max_output_tokens": int,
    "thinking_default": str,
    "min_cacheable_tokens": int,
    "pool": str,
    "retention_days": int,
    "restricted": str,
    "lifecycle": str,
    "base_url": str,
    "released": date,
    "retires": date,
    "retires_not_before": date,
}
_LISTS = ("aliases", "efforts", "thinking", "sampling", "fallback_targets")
_KEYS = (*_PLAIN, *_LISTS, "abilities", "token_ratio", "free", "price", "prices")


def apply(known: Model | None, name: str, raw: Mapping[str, Any]) -> Model:
    """`known` with the user's fields, or a new model called `name`.

    Raises ConfigError naming the key: unknown keys, wrong types, negative windows, and a new
    model without provider, price and windows.
    """
    for key in raw:
        if key not in _KEYS:
            raise ConfigError(f"models.{name}.{key}: unknown key; {choices(key, _KEYS)}")
    base = known or _blank(name, raw)
    changes: dict[str, Any] = {key: _plain(name, key, raw[key]) for key in _PLAIN if key in raw}
    changes |= {key: _names(name, key, raw[key]) for key in _LISTS if key in raw}
    if "abilities" in raw:
        changes["abilities"] = frozenset(_names(name, "abilities", raw["abilities"]))
    if "token_ratio" in raw:
        changes["token_ratio"] = _ratio(name, raw["token_ratio"])
    if prices := _prices(name, raw):
        changes["prices"] = prices
    _check_efforts(name, changes.get("efforts", ()))
    return replace(base, **changes, source="your config")


def _blank(name: str, raw: Mapping[str, Any]) -> Model:
    missing = [key for key in ("provider", "context_window", "max_output_tokens") if key not in raw]
    if not {"price", "prices", "free"} & raw.keys():
        missing.append("price (or free = true)")
    if missing:
        raise ConfigError(f"models.{name}: a new model needs {', '.join(missing)}")
    return Model(
        id=name,
        provider="",
        line=None,
        context_window=None,
        max_output_tokens=None,
        abilities=OTHER_ABILITIES,
        pool=name,
    )


def _plain(name: str, key: str, value: Any) -> Any:
    kind = _PLAIN[key]
    if isinstance(value, bool) or not isinstance(value, kind):
        wanted = kind.__name__ if isinstance(kind, type) else "value"
        raise ConfigError(f"models.{name}.{key}: {value!r} is not a {wanted}")
    if isinstance(value, int) and value < (0 if key == "retention_days" else 1):
        raise ConfigError(f"models.{name}.{key}: {value} must be above zero")
    return value


def _names(name: str, key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise ConfigError(f"models.{name}.{key}: {value!r} is not a list of names")
    if bad := [item for item in value if not isinstance(item, str)]:
        raise ConfigError(f"models.{name}.{key}: {bad[0]!r} is not a name")
    return tuple(value)


def _ratio(name: str, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise ConfigError(f"models.{name}.token_ratio: {value!r} is not a number")
    ratio = Decimal(str(value))
    if not ratio.is_finite() or not Decimal("0.1") <= ratio <= 10:
        raise ConfigError(f"models.{name}.token_ratio: {value} must be between 0.1 and 10")
    return ratio


def _prices(name: str, raw: Mapping[str, Any]) -> tuple[Price, ...]:
    where = f"models.{name}.price"
    if raw.get("free"):
        if {"price", "prices"} & raw.keys():
            raise ConfigError(f"models.{name}: either free = true or a price, not both")
        return (Price(Card(0, 0, 0, 0, 0)),)
    if "price" in raw:
        return (parse_price(raw["price"], where),)
    return tuple(parse_price(item, f"{where}s") for item in raw.get("prices", ()))


def _check_efforts(name: str, efforts: tuple[str, ...]) -> None:
    for effort in efforts:
        if effort not in EFFORTS:
            raise ConfigError(
                f"models.{name}.efforts: unknown effort {effort!r}; {choices(effort, EFFORTS)}"
            )
