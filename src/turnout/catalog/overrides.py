"""The user's own models: new ones, and fields of known ones replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from turnout.catalog.model import EFFORTS, Card, Model, Price, parse_date, parse_price
from turnout.catalog.others import OTHER_ABILITIES
from turnout.errors import ConfigError, choices

_PLAIN: dict[str, type | tuple[type, ...]] = {
    "provider": str,
    "line": str,
    "context_window": int,
    "max_output_tokens": int,
    "min_cacheable_tokens": int,
    "pool": str,
    "retention_days": int,
    "restricted": str,
    "base_url": str,
}
_DATES = ("released", "retires", "retires_not_before")
_LISTS = ("aliases", "efforts", "thinking", "sampling", "fallback_targets", "abilities")
_WORDS = {
    "efforts": EFFORTS,
    "thinking": ("adaptive", "between_tools", "enabled", "disabled"),
    "thinking_default": ("adaptive", "off"),
    "lifecycle": ("active", "deprecated", "retired"),
}
"""Keys whose words are known."""

_KEYS = (
    *_PLAIN,
    *_DATES,
    *_LISTS,
    "thinking_default",
    "lifecycle",
    "token_ratio",
    "free",
    "price",
    "prices",
)


def apply(known: Model | None, name: str, raw: Mapping[str, Any]) -> Model:
    """`known` with the user's fields, or a new model called `name`.

    Raises ConfigError naming the key: unknown keys, wrong types, negative windows, and a new
    model without provider, price and windows.
    """
    if not isinstance(raw, Mapping):
        raise ConfigError(f"models.{name}: {raw!r} is not a table of fields")
    if not isinstance(name, str) or not name.strip():
        raise ConfigError(f"models: {name!r} is not a model's name")
    for key in raw:
        if key not in _KEYS:
            raise ConfigError(f"models.{name}.{key}: unknown key; {choices(key, _KEYS)}")
    base = known or _blank(name, raw)
    changes: dict[str, Any] = {key: _plain(name, key, raw[key]) for key in _PLAIN if key in raw}
    changes |= {key: parse_date(raw[key], f"models.{name}.{key}") for key in _DATES if key in raw}
    changes |= {key: _names(name, key, raw[key]) for key in _LISTS if key in raw}
    changes |= {k: _word(name, k, raw[k]) for k in ("thinking_default", "lifecycle") if k in raw}
    if "abilities" in raw:
        changes["abilities"] = frozenset(changes["abilities"])
    if "token_ratio" in raw:
        changes["token_ratio"] = _ratio(name, raw["token_ratio"])
    if prices := _prices(name, raw):
        changes["prices"] = prices
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
    known = _WORDS.get(key)
    return tuple(value if known is None else (_word(name, key, item) for item in value))


def _word(name: str, key: str, value: Any) -> str:
    known = _WORDS[key]
    if value not in known:
        raise ConfigError(f"models.{name}.{key}: unknown {value!r}; {choices(value, known)}")
    return str(value)


def _ratio(name: str, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise ConfigError(f"models.{name}.token_ratio: {value!r} is not a number")
    ratio = Decimal(str(value))
    if not ratio.is_finite() or not Decimal("0.1") <= ratio <= 10:
        raise ConfigError(f"models.{name}.token_ratio: {value} must be between 0.1 and 10")
    return ratio


def _prices(name: str, raw: Mapping[str, Any]) -> tuple[Price, ...]:
    """The prices given, oldest first; none when none are given."""
    free = raw.get("free", False)
    if not isinstance(free, bool):
        raise ConfigError(f"models.{name}.free: {free!r} is neither true nor false")
    given = [key for key in ("price", "prices") if key in raw]
    if len(given) + free > 1:
        raise ConfigError(f"models.{name}: give one of free = true, price and prices")
    if free:
        return (Price(Card(0, 0, 0, 0, 0)),)
    if "price" in raw:
        return (parse_price(raw["price"], f"models.{name}.price"),)
    if "prices" not in raw:
        return ()
    rows, where = raw["prices"], f"models.{name}.prices"
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not rows:
        raise ConfigError(f"{where}: {rows!r} is not a list of prices")
    prices = [parse_price(row, f"{where}[{number}]") for number, row in enumerate(rows)]
    return tuple(sorted(prices, key=lambda price: price.since))
