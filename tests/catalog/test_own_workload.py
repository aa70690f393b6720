"""A workload of one's own, against figures worked out elsewhere.

A million prompts of 5,000 tokens in and 2,000 out, at 1/5, 3/15 and 5/25 dollars per million:
$0.015, $0.045 and $0.075 a prompt.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

import turnout
from turnout.catalog import bundled, parse_ladder
from turnout.catalog.cost_model import own_model

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
THREE = {"haiku": "claude-haiku-4-5", "sonnet": "claude-sonnet-4-6", "opus": "claude-opus-4-8"}


@pytest.mark.parametrize(
    ("mix", "routed"),
    [((70, 20, 10), 27_000), ((70, 0, 30), 33_000), ((50, 30, 20), 36_000), ((0, 0, 100), 75_000)],
)
def test_a_million_prompts(mix: tuple[int, ...], routed: int) -> None:
    rungs = parse_ladder(THREE, bundled())
    table = own_model(bundled(), rungs, NOON, mix, prompts=1_000_000, tokens=(5000, 2000))
    assert (table.routed_usd, table.top_usd) == (Decimal(routed), Decimal(75_000))


def test_a_mix_must_have_a_share_for_each_tier() -> None:
    rungs = parse_ladder(THREE, bundled())
    with pytest.raises(turnout.InvalidRequest, match="3 whole shares"):
        own_model(bundled(), rungs, NOON, (50, 50), prompts=10, tokens=(1, 1))


def test_long_prompts_pay_the_long_card() -> None:
    """Haiku 5.5 over 100,000 tokens: 1,000 × 200,000 × $0.50 per million = $100."""
    rungs = parse_ladder({"small": "claude-haiku-5-5", "large": "claude-opus-5-5"}, bundled())
    table = own_model(bundled(), rungs, NOON, (100, 0), prompts=1000, tokens=(200_000, 0))
    assert table.routed_usd == Decimal(100)
