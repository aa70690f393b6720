"""`router.catalog.for_tier`."""

from __future__ import annotations

import pytest

import turnout


def test_a_tiers_models_come_in_the_order_they_are_tried() -> None:
    catalog = turnout.Router({}, ledger=False).catalog
    found = [model.id for model in catalog.for_tier("low")]
    assert found == ["claude-sonnet-5-5", "claude-sonnet-5", "claude-sonnet-4-6"]


def test_an_unknown_tier_names_those_of_the_ladder() -> None:
    catalog = turnout.Router({}, ladder="three", ledger=False).catalog
    with pytest.raises(turnout.UnknownTier, match="haiku, sonnet, opus"):
        catalog.for_tier("low")
