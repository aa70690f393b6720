"""A user's own models and numbers: what is taken, and every way of getting it wrong."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

import turnout
from turnout.catalog import Card, bundled, cost
from turnout.errors import ConfigError
from turnout.types import Usage

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LLAMA: dict[str, Any] = {
    "provider": "local",
    "context_window": 32_000,
    "max_output_tokens": 8_000,
    "free": True,
}
PRICED = {**LLAMA, "free": False}
M = 1_000_000


def test_a_new_model_has_what_was_written_and_nothing_of_claude() -> None:
    fields = {**LLAMA, "line": "llama", "token_ratio": 1.2, "base_url": "http://localhost:11434"}
    found = bundled().with_models({"llama": fields}).get("llama")
    assert (found.provider, found.line, found.context_window) == ("local", "llama", 32_000)
    assert (found.max_output_tokens, found.token_ratio) == (8_000, Decimal("1.2"))
    assert found.source == "your config"
    assert found.free
    assert found.efforts == ()
    assert "vision" not in found.abilities


def test_a_known_model_keeps_every_field_that_is_not_replaced() -> None:
    price = {"input": 1, "output": 2}
    catalog = bundled().with_models({"claude-opus-5-5": {"price": price, "context_window": 500}})
    old, new = bundled().get("claude-opus-5-5"), catalog.get("claude-opus-5-5")
    assert new.context_window == 500
    assert (new.efforts, new.abilities, new.aliases) == (old.efforts, old.abilities, old.aliases)
    assert cost(Usage(M, M), "claude-opus-5-5", catalog, NOON).total_usd == 3
    assert old.context_window == 1_000_000, "the bundled catalog is not touched"


def test_an_alias_in_the_config_changes_the_model_it_stands_for() -> None:
    catalog = bundled().with_models({"claude-haiku-4-5-20251001": {"context_window": 9}})
    assert catalog.get("claude-haiku-4-5").context_window == 9
    assert len(list(catalog)) == len(list(bundled()))


def test_another_providers_model_can_be_completed() -> None:
    catalog = bundled().with_models({"openai:gpt-5": {"abilities": ["vision", "tools"]}})
    found = catalog.get("openai:gpt-5")
    assert found.abilities == {"vision", "tools"}
    assert found.prices == bundled().get("openai:gpt-5").prices


def test_prices_have_dates_in_any_order() -> None:
    """The last of the list counted as the newest, whatever its date."""
    new = {"since": date(2026, 6, 1), "input": 2, "output": 2}
    old = {"input": 1, "output": 1}
    catalog = bundled().with_models({"m": {**LLAMA, "free": False, "prices": [new, old]}})
    before = cost(Usage(M), "m", catalog, datetime(2026, 5, 31, tzinfo=UTC))
    after = cost(Usage(M), "m", catalog, datetime(2026, 6, 1, tzinfo=UTC))
    assert before.total_usd == 1
    assert after.total_usd == 2


def test_a_long_card_and_fast_mode_can_be_given() -> None:
    price = {
        "input": 1,
        "output": 5,
        "long_above": 1_000,
        "long": {"input": 2, "output": 10},
        "fast": {"input": 3, "output": 15, "beta": "fast", "until": date(2027, 1, 1)},
    }
    catalog = bundled().with_models({"m": {**PRICED, "price": price}})

    def dollars(usage: Usage) -> Decimal:
        return cost(usage, "m", catalog, NOON).total_usd * M

    assert dollars(Usage(1_000)) == 1_000
    assert dollars(Usage(1_001)) == 2_002
    assert dollars(Usage(1_000, fast=True)) == 3_000
    assert dollars(Usage(cache_write_1h_tokens=10, fast=True)) == 60  # 10 × 2 × 1 × 3


def test_a_price_may_be_a_decimal_string() -> None:
    price = {"input": "0.000001", "output": Decimal("0.3")}
    catalog = bundled().with_models({"m": {**PRICED, "price": price}})
    assert catalog.get("m").prices[0].card == Card(1, 300_000, 1, 2, 0)


def test_a_moment_counts_as_its_day() -> None:
    """TOML dates with a time crashed the comparison of dates when routing."""
    moment = datetime(2027, 1, 1, 8, tzinfo=UTC)
    fields = {**PRICED, "retires": moment, "price": {"input": 1, "output": 1, "since": moment}}
    found = bundled().with_models({"m": fields}).get("m")
    assert found.retires == date(2027, 1, 1)
    assert found.prices[0].since == date(2027, 1, 1)


def price(**changes: Any) -> dict[str, Any]:
    return {**PRICED, "price": {"input": 1, "output": 2, **changes}}


LONG = {"input": 1, "output": 1}

BAD: list[tuple[Any, str, str]] = [
    # what is written, the key that is named, and what is said of it
    (5, "m", "not a table"),
    ("free", "m", "not a table"),
    ({}, "m", "a new model needs provider, context_window, max_output_tokens, price"),
    ({**LLAMA, "contxt_window": 5}, "m.contxt_window", "did you mean 'context_window'"),
    ({**LLAMA, "qqqq": 5}, "m.qqqq", "choose from provider"),
    ({**LLAMA, "provider": 5}, "m.provider", "5 is not"),
    ({**LLAMA, "context_window": "big"}, "m.context_window", "'big' is not"),
    ({**LLAMA, "context_window": True}, "m.context_window", "True is not"),
    ({**LLAMA, "context_window": 0}, "m.context_window", "above zero"),
    ({**LLAMA, "context_window": -5}, "m.context_window", "above zero"),
    ({**LLAMA, "context_window": 1.5}, "m.context_window", "1.5 is not"),
    ({**LLAMA, "max_output_tokens": None}, "m.max_output_tokens", "None is not"),
    ({**LLAMA, "retention_days": -1}, "m.retention_days", "-1"),
    ({**LLAMA, "token_ratio": 0}, "m.token_ratio", "between 0.1 and 10"),
    ({**LLAMA, "token_ratio": math.nan}, "m.token_ratio", "between 0.1 and 10"),
    ({**LLAMA, "token_ratio": math.inf}, "m.token_ratio", "between 0.1 and 10"),
    ({**LLAMA, "token_ratio": "1"}, "m.token_ratio", "not a number"),
    ({**LLAMA, "aliases": "big"}, "m.aliases", "not a list of names"),
    ({**LLAMA, "aliases": [5]}, "m.aliases", "5 is not a name"),
    ({**LLAMA, "abilities": "vision"}, "m.abilities", "not a list of names"),
    ({**LLAMA, "efforts": ["hi"]}, "m.efforts", "did you mean 'high'"),
    ({**LLAMA, "efforts": ["turbo"]}, "m.efforts", "choose from low, medium, high, xhigh, max"),
    ({**LLAMA, "thinking": ["deep"]}, "m.thinking", "choose from adaptive, between_tools"),
    ({**LLAMA, "thinking_default": "on"}, "m.thinking_default", "choose from adaptive, off"),
    ({**LLAMA, "lifecycle": "gone"}, "m.lifecycle", "choose from active, deprecated, retired"),
    ({**LLAMA, "lifecycle": 5}, "m.lifecycle", "choose from active, deprecated, retired"),
    ({**LLAMA, "fallback_targets": ["claude-opus-9"]}, "m.fallback_targets", "claude-opus-9"),
    ({**LLAMA, "retires": "2027-01-01"}, "m.retires", "not a date such as"),
    ({**LLAMA, "free": "yes"}, "m.free", "neither true nor false"),
    ({**LLAMA, "price": LONG}, "m", "give one of free = true, price and prices"),
    ({**price(), "prices": [LONG]}, "m", "give one of free = true, price and prices"),
    ({**PRICED, "price": 5}, "m.price", "not a table with input, output"),
    ({**PRICED, "prices": []}, "m.prices", "not a list of prices"),
    ({**PRICED, "prices": LONG}, "m.prices", "not a list of prices"),
    ({**PRICED, "prices": [LONG, {"input": 1}]}, "m.prices[1].output", "missing"),
    ({**PRICED, "price": {"output": 1}}, "m.price.input", "missing"),
    (price(input=-1), "m.price.input", "zero or more and finite"),
    (price(input=math.nan), "m.price.input", "zero or more and finite"),
    (price(input=math.inf), "m.price.input", "zero or more and finite"),
    (price(input=True), "m.price.input", "not a price"),
    (price(input="cheap"), "m.price.input", "not a number"),
    (price(input=Decimal("0.0000001")), "m.price.input", "finer than"),
    (price(cache_read=-1), "m.price.cache_read", "zero or more and finite"),
    (price(cache_reed=1), "m.price", "did you mean 'cache_read'"),
    (price(since="2026-01-01"), "m.price.since", "not a date such as"),
    (price(long=LONG), "m.price", "long and long_above go together"),
    (price(long_above=5), "m.price", "long and long_above go together"),
    (price(long=LONG, long_above=0), "m.price.long_above", "not a number of tokens"),
    (price(long=LONG, long_above="5"), "m.price.long_above", "not a number of tokens"),
    (price(long=5, long_above=5), "m.price.long", "not a table with input, output"),
    (price(fast=5), "m.price.fast", "not a table with input, output"),
    (price(fast={"input": 2}), "m.price.fast.output", "missing"),
    (price(fast={**LONG, "until": "soon"}), "m.price.fast.until", "not a date such as"),
    (price(fast={**LONG, "unitl": 5}), "m.price.fast", "did you mean 'until'"),
    (price(input=0, fast=LONG), "m.price.fast", "no fast mode of a free model"),
]


@pytest.mark.parametrize(("fields", "key", "said"), BAD, ids=[f"{k}-{s[:24]}" for _, k, s in BAD])
def test_a_wrong_field_is_named_and_said_to_be_wrong(fields: Any, key: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        bundled().with_models({"m": fields})
    assert str(caught.value).startswith(f"models.{key}: "), caught.value
    assert said in str(caught.value)


@pytest.mark.parametrize("name", ["", "  ", 5])
def test_a_model_needs_a_name(name: Any) -> None:
    with pytest.raises(ConfigError, match="is not a model's name"):
        bundled().with_models({name: LLAMA})


def test_the_router_takes_models_as_fields_or_as_entries() -> None:
    one = turnout.Router({}, models={"llama": LLAMA}, ledger=False)
    entry = one.catalog.get("llama")
    two = turnout.Router({}, models=[entry], ledger=False)
    assert two.catalog.get("llama") is entry
    bad: Any = [{"id": "llama"}]
    with pytest.raises(ConfigError, match=r"neither a turnout\.Model nor a table"):
        turnout.Router({}, models=bad, ledger=False)


def test_a_model_of_ones_own_serves_a_ladder() -> None:
    tiers = {"small": "llama", "large": "claude-opus-5-5@high"}
    router = turnout.Router({"models": {"llama": LLAMA}, "tiers": tiers}, ledger=False)
    decision = router.route("What is the capital of Peru?")
    assert (decision.model, decision.provider) == ("llama", "local")
    assert decision.estimated_cost_usd == 0
