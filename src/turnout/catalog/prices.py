"""Exact bills: what a usage cost, line by line, in whole pico-dollars.

Follows the bill as documented by the provider: cache writes and reads at their own rates, the
long card by prompt size, batch at half, fast mode, the US-only multiplier, web searches, and
each iteration of a fallback at its own model's price.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from turnout.catalog.model import PICO, Card, Model
from turnout.catalog.store import Catalog
from turnout.errors import InvalidRequest, UnpricedModel
from turnout.types import Cost, CostLine, Usage

WEB_SEARCH_PICO = PICO // 100
"""One web search: 0.01 US dollars, on every model."""

_COUNTS = (
    "input_tokens",
    "output_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "cache_read_tokens",
    "web_searches",
)


def usd(pico: int) -> Decimal:
    """Pico-dollars as dollars, exactly."""
    return Decimal(pico).scaleb(-12)


def pico(amount: Decimal) -> int:
    """Dollars as pico-dollars, half to even below one."""
    return int((amount * PICO).to_integral_value(ROUND_HALF_EVEN))


def cost(
    usage: Usage,
    model: str,
    catalog: Catalog,
    at: datetime,
    *,
    refused: bool = False,
    bill_refusals: bool = False,
) -> Cost:
    """The exact bill of one answer.

    `refused` marks a refusal: every pass without output is left unbilled, unless
    `bill_refusals` (sources differ, so the line says so). Raises UnpricedModel, and
    InvalidRequest for negative counts.
    """
    lines = []
    parts = list(_parts(usage, model))
    for number, (name, part, kind) in enumerate(parts, 1):
        hop = kind in ("message", "fallback_message")
        declined = hop and any(later[2] == "fallback_message" for later in parts[number:])
        declined = declined or (refused and hop)
        line = _line(part, catalog.get(name), at, free=declined and not bill_refusals)
        lines.append(line)
    return Cost(sum((line.cost_usd for line in lines), Decimal(0)), tuple(lines))


def _parts(usage: Usage, model: str) -> Iterator[tuple[str, Usage, str]]:
    """What is billed separately: the iterations where there are any, else the whole.

    Extras that the API reports only at the top (searches, batch, speed, region) are carried
    into the parts they apply to.
    """
    if not usage.iterations:
        yield model, usage, "message"
        return
    for number, item in enumerate(usage.iterations):
        part = replace(
            item.usage,
            web_searches=usage.web_searches if number == len(usage.iterations) - 1 else 0,
            batch=usage.batch,
            fast=usage.fast,
            us_only=usage.us_only,
        )
        yield item.model or model, part, item.kind


def _line(usage: Usage, model: Model, at: datetime, *, free: bool) -> CostLine:
    check_usage(usage)
    card = model.card(at, usage.prompt_tokens, usage.fast)
    if card is None:
        raise UnpricedModel(model.id)
    notes = list(_notes(usage, model, card, at))
    if free and usage.output_tokens == 0 and usage.web_searches == 0:
        return CostLine(model.id, usage, Decimal(0), "refused before output, not billed")
    tokens = line_pico(usage, card, model.us_multiplier if usage.us_only else Decimal(1))
    total = tokens + usage.web_searches * WEB_SEARCH_PICO
    return CostLine(model.id, usage, usd(total), ", ".join(notes))


def line_pico(usage: Usage, card: Card, multiplier: Decimal = Decimal(1)) -> int:
    """The tokens of one usage on one card, in pico-dollars; extras not included."""
    total = (
        usage.input_tokens * card.input
        + usage.output_tokens * card.output
        + usage.cache_write_5m_tokens * card.cache_write_5m
        + usage.cache_write_1h_tokens * card.cache_write_1h
        + usage.cache_read_tokens * card.cache_read
    )
    if usage.batch:
        multiplier = multiplier / 2
    if multiplier == 1:
        return total
    return int((total * multiplier).to_integral_value(ROUND_HALF_EVEN))


def check_usage(usage: Usage) -> None:
    """Raise InvalidRequest for counts that are negative or not whole."""
    for name in _COUNTS:
        value = getattr(usage, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise InvalidRequest(f"usage.{name}", f"{value!r} must be a whole number, 0 or more")


def _notes(usage: Usage, model: Model, card: Card, at: datetime) -> Iterator[str]:
    price = model.price(at)
    if price is not None and card is price.long:
        yield "long card"
    if price is not None and price.fast is not None and card is price.fast.card:
        yield "fast"
    if usage.batch:
        yield "batch"
    if usage.us_only and model.us_multiplier != 1:
        yield f"US only ×{model.us_multiplier}"
    if usage.web_searches:
        yield f"{usage.web_searches} web searches"
