"""The presets as published, and ladders of one's own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

import turnout
from turnout.catalog import LADDERS, bundled, ladder, parse_ladder
from turnout.errors import ConfigError
from turnout.types import Ladder, Target, Tier

GOOD = "claude-haiku-5-5"
TOP = "claude-opus-5-5"


def firsts(name: str) -> dict[str, str]:
    """Each tier's first target, spelled `model@effort`."""
    found = {}
    for tier in ladder(name, bundled()).tiers:
        model, effort = tier.targets[0].model, tier.targets[0].effort
        found[tier.name] = f"{model}@{effort}" if effort else model
    return found


def test_there_are_four_presets_and_claude_is_the_default() -> None:
    assert LADDERS == ("claude", "claude-5", "three", "five")
    assert turnout.Router({}, ledger=False).ladder.name == "claude"


def test_the_claude_ladder() -> None:
    assert firsts("claude") == {
        "trivial": "claude-haiku-5-5@low",
        "low": "claude-sonnet-5-5@medium",
        "mid": "claude-opus-5-5@high",
        "high": "claude-fable-5-2@xhigh",
    }


def test_the_seeds_ladder() -> None:
    assert firsts("claude-5") == {
        "trivial": "claude-haiku-4-5",
        "low": "claude-sonnet-5@medium",
        "mid": "claude-opus-4-8@high",
        "high": "claude-fable-5@xhigh",
    }


def test_three_tiers_are_named_for_their_lines() -> None:
    assert list(firsts("three")) == ["haiku", "sonnet", "opus"]
    for name, target in firsts("three").items():
        assert bundled().get(target.split("@")[0]).line == name


def test_five_tiers_have_the_words_of_the_older_packages() -> None:
    assert list(firsts("five")) == ["trivial", "simple", "moderate", "complex", "expert"]


@pytest.mark.parametrize("name", ["claude", "three"])
def test_stand_ins_are_of_the_same_line(name: str) -> None:
    for tier in ladder(name, bundled()).tiers:
        assert len({bundled().get(target.model).line for target in tier.targets}) == 1
        assert len(tier.targets) > 1


@pytest.mark.parametrize("name", LADDERS)
def test_a_preset_is_valid_by_the_rules_for_ones_own(name: str) -> None:
    tiers = ladder(name, bundled()).tiers
    covers = [tier.covers for tier in tiers]
    assert covers == sorted(set(covers))
    assert covers[-1] == 4
    for tier in tiers:
        for target in tier.targets:
            assert bundled().get(target.model).accepts_effort(target.effort)
            assert not bundled().get(target.model).restricted


@pytest.mark.parametrize("name", ["claude", "claude-5", "three"])
def test_a_higher_tier_of_a_preset_is_never_cheaper(name: str) -> None:
    outputs = []
    for tier in ladder(name, bundled()).tiers:
        outputs.append(bundled().get(tier.targets[0].model).prices[-1].card.output)
    assert outputs == sorted(outputs)


def test_an_unknown_preset_is_an_error_that_lists_them() -> None:
    with pytest.raises(ConfigError, match=r"ladder: .*'gpt'; choose from claude, claude-5, three"):
        ladder("gpt", bundled())
    with pytest.raises(ConfigError, match="did you mean 'three'"):
        turnout.Router({}, ladder="thre", ledger=False)


def test_a_ladder_of_ones_own_from_a_table() -> None:
    found = parse_ladder(
        {
            "small": "claude-haiku-5-5@low",
            "large": {
                "targets": ["claude-opus-5-5@high", "claude-opus-5"],
                "covers": 4,
                "fallbacks": ["claude-opus-4-8"],
            },
        },
        bundled(),
    )
    assert found.names == ("small", "large")
    small, large = found.tiers
    assert small == Tier("small", (Target("claude-haiku-5-5", "low"),), 2.0)  # half of the scale
    assert large.targets == (Target("claude-opus-5-5", "high"), Target("claude-opus-5"))
    assert large.fallbacks == (Target("claude-opus-4-8"),)


def test_covers_left_out_divides_the_scale_evenly() -> None:
    found = parse_ladder(
        {"a": "claude-haiku-5-5", "b": "claude-sonnet-5-5", "c": "claude-opus-5-5"}, bundled()
    )
    assert [tier.covers for tier in found.tiers] == [4 / 3, 8 / 3, 4.0]


def test_covers_may_be_a_decimal_as_config_files_give_it() -> None:
    """`covers = 1.5` in a file was "not a number"."""
    tiers = {"a": {"targets": GOOD, "covers": Decimal("1.5")}, "b": TOP}
    assert parse_ladder(tiers, bundled()).tiers[0].covers == 1.5


def test_the_ids_of_a_ladder_are_made_canonical() -> None:
    found = parse_ladder({"a": "claude-haiku-4-5-20251001", "b": "claude-opus-5-5"}, bundled())
    assert found.tiers[0].targets[0].model == "claude-haiku-4-5"


def test_a_ladder_object_is_taken_and_checked() -> None:
    mine = Ladder(
        "mine",
        (
            Tier("a", (Target("claude-haiku-5-5"),), 2.0),
            Tier("b", (Target("claude-opus-5-5", "max"),), 4.0),
        ),
    )
    assert turnout.Router({}, ladder=mine, ledger=False).ladder == mine
    wrong = Ladder("mine", (mine.tiers[0],))
    with pytest.raises(ConfigError, match="at least two tiers"):
        turnout.Router({}, ladder=wrong, ledger=False)


BAD: list[tuple[Any, str]] = [
    ({}, "at least two tiers"),
    ({"only": GOOD}, "at least two tiers"),
    (5, "neither a preset's name nor a table"),
    ([GOOD, TOP], "is not a table with tier and targets"),
    ({"a": GOOD, "b": 5}, "targets of tier 'b' are no list: 5"),
    ({"a": GOOD, "b": None}, "targets of tier 'b' are no list: None"),
    ({"a": GOOD, "b": {"targets": {"model": TOP}}}, "targets of tier 'b' are no list"),
    ({"a": GOOD, "b": []}, "tier 'b' has no targets"),
    ({"a": GOOD, "b": {"covers": 4}}, "tier 'b' has no targets"),
    ({"a": GOOD, "b": [5]}, 'is not "model@effort"'),
    ({"a": GOOD, "b": "claude-opus-9"}, "unknown model 'claude-opus-9'; did you mean"),
    ({"a": "claude-haiku-4-5@low", "b": TOP}, "claude-haiku-4-5 does not take effort 'low'"),
    ({"a": GOOD, "b": "claude-opus-4-6@xhigh"}, "it takes low, medium, high, max"),
    ({"a": GOOD, "b": f"{TOP}@turbo"}, f"unknown model '{TOP}@turbo'"),
    ({"a": GOOD, "b": {"target": TOP}}, "unknown key 'target'; did you mean 'targets'"),
    ({"a": {"targets": GOOD, "covers": 3}, "b": {"targets": TOP, "covers": 3}}, "covers must rise"),
    ({"a": {"targets": GOOD, "covers": 4}, "b": {"targets": TOP, "covers": 4}}, "covers must rise"),
    ({"a": {"targets": GOOD, "covers": 0}, "b": TOP}, "covers must rise"),
    ({"a": GOOD, "b": {"targets": TOP, "covers": 3.9}}, "exactly 4"),
    ({"a": {"targets": GOOD, "covers": float("nan")}, "b": TOP}, "covers must rise"),
    ({"a": {"targets": GOOD, "covers": True}, "b": TOP}, "not a number"),
    ({"a": {"targets": GOOD, "covers": "2"}, "b": TOP}, "not a number"),
    ([{"tier": "a", "targets": GOOD}, {"tier": "a", "targets": TOP}], "tier names repeat"),
    ([{"targets": GOOD}, {"tier": "b", "targets": TOP}], "every tier needs a name"),
    ({"": GOOD, "b": TOP}, "every tier needs a name"),
    ({"a": GOOD, "b": {"targets": TOP, "fallbacks": ["nope"]}}, "unknown model 'nope'"),
]


@pytest.mark.parametrize(("tiers", "said"), BAD, ids=[said for _, said in BAD])
def test_a_wrong_ladder_is_an_error_that_says_why(tiers: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_ladder(tiers, bundled())
    assert str(caught.value).startswith("ladder: ")
    assert said in str(caught.value)
