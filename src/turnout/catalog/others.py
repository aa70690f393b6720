"""Models of other providers, priced by the genai-prices package."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from turnout.catalog.model import PICO, Card, Model, Price

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo

OTHER_ABILITIES = frozenset({"tools", "streaming", "system_messages", "forced_tool"})
"""What most chat models of other providers can do; the user's config can say more."""

_MTOK = PICO // 10**6


def lookup(name: str) -> Model | None:
    """The model called `provider:model` or `provider/model`, or an id only one provider has."""
    from genai_prices import data_snapshot

    # "openrouter:anthropic/…" has a slash of its own: what comes first divides.
    separator = next((mark for mark in name if mark in ":/"), "")
    provider_id, _, ref = name.partition(separator or ":")
    snapshot = data_snapshot.get_snapshot()
    try:
        if separator:
            provider, info = snapshot.find_provider_model(ref, None, provider_id, None)
        else:
            provider, info = snapshot.find_provider_model(name, None, None, None)
    except LookupError:
        return None
    return _model(name, provider.id, info)


def _model(name: str, provider: str, info: ModelInfo) -> Model:
    return Model(
        id=name,
        provider=provider,
        line=None,
        context_window=info.context_window,
        max_output_tokens=getattr(info, "max_output_tokens", None),
        abilities=OTHER_ABILITIES,
        prices=_prices(info),
        pool=name,
        source="genai-prices",
    )


def _prices(info: ModelInfo) -> tuple[Price, ...]:
    """Today's prices; a model priced in other units than tokens counts as unpriced."""
    prices = info.get_prices(datetime.now(UTC))
    base, long, above = {}, {}, None
    for ours, theirs in _NAMES.items():
        raw = getattr(prices, theirs, None)
        if raw is None:
            continue
        tiers = getattr(raw, "tiers", None)
        base[ours] = _pico(raw.base if tiers is not None else raw)
        long[ours] = _pico(tiers[0].price) if tiers else base[ours]
        above = tiers[0].start if tiers else above
    if not {"input", "output"} <= base.keys():
        return ()
    card = _card(base)
    return (Price(card, date.min, _card(long) if above else None, above),)


_NAMES = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write_5m": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
}


def _pico(usd_per_mtok: Any) -> int:
    return int(Decimal(str(usd_per_mtok)) * _MTOK)


def _card(rates: dict[str, int]) -> Card:
    """A card; providers that do not price the cache apart bill those tokens as input."""
    plain = rates["input"]
    write = rates.get("cache_write_5m", plain)
    long_write = rates.get("cache_write_1h", write)
    return Card(plain, rates["output"], write, long_write, rates.get("cache_read", plain))
