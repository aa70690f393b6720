"""A model as data: what it accepts, what it can hold, what it costs and since when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from turnout.errors import ConfigError, choices

PICO = 10**12
"""Pico-dollars in a dollar: prices and costs are whole numbers of these."""

EFFORTS = ("low", "medium", "high", "xhigh", "max")
"""Every effort level, least first."""

_RATES = ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read")


@dataclass(frozen=True, slots=True)
class Card:
    """A price card: whole pico-dollars per token."""

    input: int
    output: int
    cache_write_5m: int
    cache_write_1h: int
    cache_read: int

    @classmethod
    def from_usd_per_mtok(cls, rates: Mapping[str, Any], where: str) -> Card:
        """A card from US dollars per million tokens.

        Missing cache rates follow the published ratios: writes 1.25× and 2× of input, reads
        0.1×. Raises ConfigError for rates that are negative, not finite or finer than a
        pico-dollar a token.
        """
        base, output = _rate(rates, "input", where), _rate(rates, "output", where)
        return cls(
            input=base,
            output=output,
            cache_write_5m=_rate(rates, "cache_write_5m", where, base * 5 // 4),
            cache_write_1h=_rate(rates, "cache_write_1h", where, base * 2),
            cache_read=_rate(rates, "cache_read", where, base // 10),
        )


@dataclass(frozen=True, slots=True)
class FastMode:
    """Fast mode: its own input and output rates, cache rates scaled alike."""

    card: Card
    beta: str | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """The prices in force from a date on."""

    card: Card
    since: date = date.min
    long: Card | None = None
    """Card of a whole request whose prompt is larger than `long_above` tokens."""

    long_above: int | None = None
    fast: FastMode | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """One catalog entry. Behaviour is read from these fields, never from the id."""

    id: str
    provider: str
    line: str | None
    """Family within a provider: haiku, sonnet, opus, fable, mythos; None for others."""

    context_window: int | None
    """Tokens of prompt and answer together; None when nobody says."""

    max_output_tokens: int | None
    aliases: tuple[str, ...] = ()
    token_ratio: Decimal = Decimal(1)
    """Tokens for a text, relative to the older Claude tokenizer."""

    abilities: frozenset[str] = frozenset()
    """vision, pdf, tools, forced_tool, prefill, structured_outputs, server_tools, …"""

    efforts: tuple[str, ...] = ()
    effort_default: str | None = None
    effort_cost: Mapping[str, Decimal] = field(default_factory=dict)
    thinking: tuple[str, ...] = ()
    """Accepted `thinking.type` values."""

    thinking_up_to: Mapping[str, str] = field(default_factory=dict)
    """The highest effort that a thinking type goes with."""

    thinking_default: str = "off"
    """What an omitted `thinking` means: `adaptive` or `off`."""

    sampling: tuple[str, ...] = ()
    """API versions on which temperature, top_p and top_k are accepted."""

    min_cacheable_tokens: int | None = None
    fallback_targets: tuple[str, ...] = ()
    pool: str = ""
    """Models of one pool share their rate limits."""

    retention_days: int = 0
    """Data retention the provider insists on."""

    restricted: str | None = None
    """Who may use it, when not everyone."""

    lifecycle: str = "active"
    released: date | None = None
    retires: date | None = None
    retires_not_before: date | None = None
    us_multiplier: Decimal = Decimal(1)
    prices: tuple[Price, ...] = ()
    base_url: str | None = None
    """Where to reach it, for models the user added."""

    source: str = ""
    checked: date | None = None

    def price(self, at: datetime) -> Price | None:
        """The prices in force at `at`; None when nobody knows them."""
        current = None
        day = at.date()
        for price in self.prices:
            if price.since <= day:
                current = price
        return current

    def card(self, at: datetime, prompt_tokens: int, fast: bool = False) -> Card | None:
        """The card that one request pays; None when the model is unpriced."""
        price = self.price(at)
        if price is None:
            return None
        if fast and price.fast and (price.fast.until is None or at.date() < price.fast.until):
            return price.fast.card
        if price.long and price.long_above is not None and prompt_tokens > price.long_above:
            return price.long
        return price.card

    @property
    def long_prompt_above(self) -> int | None:
        """Prompt tokens above which the newest price has a long card."""
        return self.prices[-1].long_above if self.prices else None

    @property
    def free(self) -> bool:
        """True when every rate of the newest price is zero."""
        if not self.prices:
            return False
        card = self.prices[-1].card
        return card.input == card.output == 0

    def retired(self, at: datetime) -> bool:
        """True once the announced retirement date has passed."""
        return self.lifecycle == "retired" or (
            self.retires is not None and at.date() >= self.retires
        )

    def accepts_effort(self, effort: str | None) -> bool:
        """True when the effort may be sent; None always may (it is then left out)."""
        return effort is None or effort in self.efforts

    def thinking_allowed(self, kind: str, effort: str | None) -> bool:
        """True when this `thinking.type` is accepted together with the effort."""
        if kind not in self.thinking:
            return False
        limit, used = self.thinking_up_to.get(kind), effort or self.effort_default
        return limit is None or used is None or EFFORTS.index(used) <= EFFORTS.index(limit)


def parse_price(raw: Mapping[str, Any], where: str) -> Price:
    """One `prices` entry of the catalog or the user's config. ConfigError names the key."""
    _check_keys(raw, where, (*_RATES, "since", "long", "long_above", "fast"))
    card = Card.from_usd_per_mtok(raw, where)
    long, above = _long(raw, where)
    return Price(
        card=card,
        since=parse_date(raw["since"], f"{where}.since") if "since" in raw else date.min,
        long=long,
        long_above=above,
        fast=_fast(raw["fast"], card, f"{where}.fast") if "fast" in raw else None,
    )


def parse_date(raw: Any, where: str) -> date:
    """A date; of a moment, its day. ConfigError for anything else."""
    if isinstance(raw, datetime):
        return raw.date()
    if not isinstance(raw, date):
        raise ConfigError(f"{where}: {raw!r} is not a date such as 2026-11-20")
    return raw


def _check_keys(raw: Any, where: str, known: tuple[str, ...]) -> None:
    if not isinstance(raw, Mapping):
        raise ConfigError(f"{where}: {raw!r} is not a table with {', '.join(known)}")
    for key in raw:
        if key not in known:
            raise ConfigError(f"{where}: unknown key {key!r}; {choices(key, known)}")


def _long(raw: Mapping[str, Any], where: str) -> tuple[Card | None, int | None]:
    """The long card and the prompt size it begins above: both or neither."""
    if ("long" in raw) != ("long_above" in raw):
        raise ConfigError(f"{where}: long and long_above go together")
    if "long" not in raw:
        return None, None
    above = raw["long_above"]
    if isinstance(above, bool) or not isinstance(above, int) or above < 1:
        raise ConfigError(f"{where}.long_above: {above!r} is not a number of tokens")
    _check_keys(raw["long"], f"{where}.long", _RATES)
    return Card.from_usd_per_mtok(raw["long"], f"{where}.long"), above


def _fast(raw: Any, standard: Card, where: str) -> FastMode:
    """Fast mode multiplies every rate alike; the published input rate fixes the factor."""
    _check_keys(raw, where, ("input", "output", "beta", "until"))
    fast, output = _rate(raw, "input", where), _rate(raw, "output", where)
    if standard.input == 0:
        raise ConfigError(f"{where}: there is no fast mode of a free model")
    scaled = {name: getattr(standard, name) * fast // standard.input for name in _RATES}
    until = parse_date(raw["until"], f"{where}.until") if "until" in raw else None
    return FastMode(Card(**{**scaled, "output": output}), raw.get("beta"), until)


def _rate(rates: Mapping[str, Any], name: str, where: str, default: int | None = None) -> int:
    if name not in rates:
        if default is None:
            raise ConfigError(f"{where}.{name}: missing; US dollars per million tokens")
        return default
    raw = rates[name]
    if isinstance(raw, bool) or not isinstance(raw, (int, float, Decimal, str)):
        raise ConfigError(f"{where}.{name}: {raw!r} is not a price in US dollars")
    try:
        amount = Decimal(str(raw))
    except ArithmeticError:
        raise ConfigError(f"{where}.{name}: {raw!r} is not a number") from None
    if not amount.is_finite() or amount < 0:
        raise ConfigError(f"{where}.{name}: {raw} must be zero or more and finite")
    pico = amount * (PICO // 10**6)
    if pico != int(pico):
        raise ConfigError(f"{where}.{name}: {raw} is finer than 0.000001 USD per million tokens")
    return int(pico)
