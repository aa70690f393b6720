"""A live model list against the catalog, and models that are about to go."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from turnout.catalog import bundled, ladder, parse_ladder
from turnout.catalog.sync import Difference, differences, retirements
from turnout.types import Json


def live(name: str, **changes: Any) -> Json:
    """What `/v1/models` would say of a model if it agreed with the catalog."""
    model = bundled().get(name)
    efforts = {effort: {"supported": True} for effort in model.efforts}
    thinking = {kind: {"supported": True} for kind in model.thinking}
    entry: Json = {
        "id": name,
        "line": model.line,
        "lifecycle": model.lifecycle,
        "max_input_tokens": model.context_window,
        "max_tokens": model.max_output_tokens,
        "capabilities": {
            "effort": efforts,
            "thinking": {"types": thinking},
            "image_input": {"supported": True},
            "pdf_input": {"supported": True},
        },
    }
    return entry | changes


OPEN = [model.id for model in bundled() if not model.restricted]


def test_a_list_that_agrees_has_no_differences() -> None:
    assert differences([live(name) for name in OPEN], bundled()) == []


def test_a_dated_id_is_the_same_model() -> None:
    entries = [live(name) for name in OPEN]
    entries[0]["id"] = "claude-haiku-4-5-20251001"
    assert differences(entries, bundled()) == []


@pytest.mark.parametrize(
    ("changes", "field", "ours", "theirs"),
    [
        ({"max_input_tokens": 2_000_000}, "context_window", 1_000_000, 2_000_000),
        ({"max_tokens": 64_000}, "max_output_tokens", 128_000, 64_000),
        ({"lifecycle": "deprecated"}, "lifecycle", "active", "deprecated"),
        ({"line": "sonnet"}, "line", "opus", "sonnet"),
        (
            {"capabilities": {"effort": {"high": {"supported": True}}}},
            "efforts",
            ["high", "low", "max", "medium", "xhigh"],
            ["high"],
        ),
        (
            {"capabilities": {"thinking": {"types": {"disabled": {"supported": True}}}}},
            "thinking",
            ["adaptive"],
            ["disabled"],
        ),
        ({"capabilities": {"image_input": {"supported": False}}}, "vision", True, False),
        ({"capabilities": {"pdf_input": {"supported": False}}}, "pdf", True, False),
    ],
)
def test_each_fact_that_differs_is_named(changes: Json, field: str, ours: Any, theirs: Any) -> None:
    entries = [live(name, **(changes if name == "claude-opus-5-5" else {})) for name in OPEN]
    assert differences(entries, bundled()) == [Difference("claude-opus-5-5", field, ours, theirs)]


def test_new_and_missing_models_are_named() -> None:
    entries = [live(name) for name in OPEN if name != "claude-opus-4-5"]
    found = differences([*entries, {"id": "claude-opus-6"}], bundled())
    assert found == [
        Difference("claude-opus-6", "id", None, "listed"),
        Difference("claude-opus-4-5", "id", "listed", None),
    ]
    assert found[0].to_dict() == {
        "model": "claude-opus-6",
        "field": "id",
        "catalog": None,
        "live": "listed",
    }


def test_a_model_for_verified_organisations_may_be_missing_or_listed() -> None:
    entries = [live(name) for name in OPEN]
    assert differences([*entries, live("claude-mythos-5")], bundled()) == []


def test_facts_that_the_list_does_not_state_are_no_differences() -> None:
    assert differences([{"id": name} for name in OPEN], bundled()) == []


# -- retirements ---------------------------------------------------------------------------


def warnings(at: datetime, tiers: Json | None = None) -> dict[str, Json]:
    catalog = bundled()
    rungs = parse_ladder(tiers, catalog) if tiers else ladder("claude", catalog)
    return {row["model"]: row for row in retirements(catalog, rungs, at)}


@pytest.mark.parametrize(
    ("day", "warning", "retired"),
    [
        (datetime(2026, 11, 20, tzinfo=UTC), "retires in 10 days", False),
        (datetime(2026, 11, 29, 23, 59, tzinfo=UTC), "retires in 1 days", False),
        (datetime(2026, 11, 30, tzinfo=UTC), "retired", True),
        (datetime(2027, 5, 1, tzinfo=UTC), "retired", True),
    ],
)
def test_sonnet_4_5_goes_on_30_november_2026(day: datetime, warning: str, retired: bool) -> None:
    row = warnings(day)["claude-sonnet-4-5"]
    assert (row["warning"], row["retired"], row["when"]) == (warning, retired, "2026-11-30")


def test_a_deprecated_model_is_named_long_before() -> None:
    row = warnings(datetime(2026, 7, 1, tzinfo=UTC))["claude-sonnet-4-5"]
    assert row["warning"] == "deprecated"


def test_not_before_is_a_may_and_begins_60_days_ahead() -> None:
    # 2027-02-05 less 60 days is 2026-12-07
    assert "claude-opus-4-6" not in warnings(datetime(2026, 12, 6, tzinfo=UTC))
    row = warnings(datetime(2026, 12, 7, tzinfo=UTC))["claude-opus-4-6"]
    assert row["warning"] == "may retire from this day on"
    assert row["retired"] is False


def test_models_of_the_ladder_come_first_and_say_so() -> None:
    tiers = {"a": "claude-sonnet-4-5", "b": "claude-opus-5-5"}
    rows = list(warnings(datetime(2026, 12, 1, tzinfo=UTC), tiers).values())
    assert rows[0]["model"] == "claude-sonnet-4-5"
    assert rows[0]["on_ladder"] is True
    assert not any(row["on_ladder"] for row in rows[1:])


def test_a_retired_model_says_so_without_a_date() -> None:
    catalog = bundled().with_models({"claude-opus-5": {"lifecycle": "retired"}})
    rungs = ladder("claude", catalog)
    (row,) = (
        r
        for r in retirements(catalog, rungs, datetime(2026, 11, 20, tzinfo=UTC))
        if r["model"] == "claude-opus-5"
    )
    assert (row["warning"], row["retired"], row["when"]) == ("retired", True, "")
