"""The workload of the documents before us, priced on their card and at today's prices."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from turnout.catalog import bundled, ladder, parse_ladder
from turnout.catalog.cost_model import seed_model, todays_model
from turnout.errors import InvalidRequest, UnpricedModel

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_the_seeds_table_to_the_cent() -> None:
    # trivial 300 × (800 × 1 + 200 × 5) = 540,000 → $0.54
    # low 400 × (1,500 × 3 + 800 × 15) → 6.60; mid 200 × (6,000 × 5 + 2,500 × 25) → 18.50
    # high 100 × (20,000 × 10 + 12,000 × 50) → 80.00; classifier 1,000 × (700 × 1 + 4 × 5) → 0.72
    table = seed_model(bundled())
    routed = {row.tier: row.routed_usd for row in table.rows}
    assert routed == {
        "trivial": Decimal("0.54"),
        "low": Decimal("6.60"),
        "mid": Decimal("18.50"),
        "high": Decimal("80.00"),
        "classifier": Decimal("0.72"),
    }
    assert [row.top_usd for row in table.rows] == [
        Decimal("5.40"),
        Decimal("22.00"),
        Decimal("37.00"),
        Decimal("80.00"),
        None,
    ]
    assert table.routed_usd == Decimal("106.36")
    assert table.top_usd == Decimal("144.40")
    assert (table.card, table.ladder) == ("seed", "claude-5")
    assert table.savings_share == pytest.approx(0.26343, abs=1e-5)


def test_the_same_workload_at_todays_prices() -> None:
    table = todays_model(bundled(), ladder("claude", bundled()), NOON)
    # haiku 5.5: 300 × (800 × 0.10 + 200 × 0.50) = 54,000 → $0.054
    # sonnet 5.5: 400 × (1,500 × 2 + 800 × 10) → 4.40; opus 5.5: 200 × (6,000 × 4 + 2,500 × 20)
    # → 14.80; fable 5.2: 100 × (20,000 × 8 + 12,000 × 40) → 64; 1,000 × (700 × 0.10 + 4 × 0.50)
    assert [row.routed_usd for row in table.rows] == [
        Decimal("0.054"),
        Decimal("4.40"),
        Decimal("14.80"),
        Decimal("64.00"),
        Decimal("0.072"),
    ]
    # all on fable 5.2: 300 × 14,400 + 400 × 44,000 + 200 × 148,000 + 100 × 640,000
    assert table.top_usd == Decimal("4.32") + Decimal("17.60") + Decimal("29.60") + 64


def test_another_mix_is_priced_alike() -> None:
    table = seed_model(bundled(), (60, 30, 8, 2))
    # 2 × 0.54 + 6.60 × 3/4 + 18.50 × 2/5 + 80 / 5 + 0.72
    assert table.routed_usd == Decimal("1.08") + Decimal("4.95") + Decimal("7.40") + 16 + Decimal(
        "0.72"
    )
    assert [row.prompts for row in table.rows] == [600, 300, 80, 20, 1000]


@pytest.mark.parametrize("name", ["three", "five"])
def test_ladders_of_other_lengths_price_the_same_four_kinds_of_work(name: str) -> None:
    rungs = ladder(name, bundled())
    table = todays_model(bundled(), rungs, NOON)
    assert [row.tier for row in table.rows] == ["trivial", "low", "mid", "high", "classifier"]
    covers = {tier.targets[0].model: tier.covers for tier in rungs.tiers}
    for hardest, row in enumerate(table.rows[:4], 1):
        assert covers[row.model] >= hardest


@pytest.mark.parametrize(
    "mix",
    [
        (30, 40, 20),
        (30, 40, 20, 11),
        (-10, 60, 30, 20),
        (25, 25, 25, 24),
        (100,),
        (),
        (25.5, 24.5, 25, 25),
    ],
)
def test_a_mix_must_be_four_whole_shares_of_a_hundred(mix: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"mix: .* 4 whole shares that sum to 100"):
        seed_model(bundled(), mix)


def test_an_unpriced_model_cannot_be_part_of_it() -> None:
    fields = {"provider": "x", "context_window": 9, "max_output_tokens": 9, "free": False}
    catalog = bundled().with_models({"mystery": fields})
    rungs = parse_ladder({"a": "mystery", "b": "claude-opus-5-5"}, catalog)
    with pytest.raises(UnpricedModel, match="mystery"):
        todays_model(catalog, rungs, NOON)


def test_a_free_ladder_has_no_share_of_savings() -> None:
    fields = {"provider": "x", "context_window": 9, "max_output_tokens": 9, "free": True}
    catalog = bundled().with_models({"one": fields, "two": fields})
    table = todays_model(catalog, parse_ladder({"a": "one", "b": "two"}, catalog), NOON)
    assert table.routed_usd == 0
    assert table.savings_share is None


def test_a_ladder_that_costs_more_than_its_top_shows_it_with_a_sign() -> None:
    catalog = bundled()
    rungs = parse_ladder({"a": "claude-fable-5", "b": "claude-haiku-5-5"}, catalog)
    table = todays_model(catalog, rungs, NOON)
    assert table.savings_share is not None
    assert table.savings_share < 0


def test_as_json_money_is_text() -> None:
    found = seed_model(bundled()).to_dict()
    assert found["routed_usd"] == "106.36"
    assert found["top_usd"] == "144.4"
    assert found["savings_usd"] == "38.04"
    assert found["rows"][0] == {
        "tier": "trivial",
        "prompts": 300,
        "model": "claude-haiku-4-5",
        "routed_usd": "0.54",
        "top_usd": "5.4",
    }
