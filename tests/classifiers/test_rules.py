"""The rules as a classifier: curves, cut, size, tools, and the user's own rules."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.classifiers import Rule, Rules
from turnout.classifiers.cut_table import POINTS, PROVENANCE
from turnout.classifiers.registry import load
from turnout.errors import ConfigError
from turnout.signals import extract
from turnout.types import LEVELS, Prediction, Request

DOCS = Path(__file__).parents[2] / "docs" / "classifiers.md"


def request(text: str, **fields: Any) -> Request:
    return Request(messages=({"role": "user", "content": text},), **fields)


def predict(text: str, *rules: Rule, context_tokens: int = 0, **fields: Any) -> Prediction:
    asked = request(text, **fields)
    return Rules(rules).predict(asked, extract(asked, context_tokens))


def likely(prediction: Prediction) -> str:
    """The level at which the curve rises most."""
    curve = prediction.adequate
    steps = [curve[0], *(curve[i] - curve[i - 1] for i in (1, 2, 3))]
    return LEVELS[steps.index(max(steps))]


# -- curves and cut ------------------------------------------------------------------------


@given(st.text(max_size=400))
def test_any_text_gets_a_rising_curve_that_ends_in_one(text: str) -> None:
    curve = predict(text).adequate
    assert list(curve) == sorted(curve)
    assert curve[3] == 1.0
    assert curve[0] >= 0.0


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40))
def test_a_higher_quality_never_lowers_the_cut(qualities: list[float]) -> None:
    cuts = [Rules().cut(quality) for quality in sorted(qualities)]
    assert cuts == sorted(cuts)
    assert all(0.0 <= cut <= 1.0 for cut in cuts)


def test_full_quality_asks_for_certainty() -> None:
    assert Rules().cut(1.0) == 1.0
    assert Rules().cut(0.0) == 0.0


def test_the_fitted_cut_says_what_it_was_fitted_on() -> None:
    assert PROVENANCE["split"] == "calibration"
    assert len(str(PROVENANCE["sha256"])) == 64
    assert list(POINTS) == sorted(POINTS)


def test_sure_rules_are_surer_than_the_prior() -> None:
    sure = predict("Extract the invoice date from: Invoice 12, 3 May 2026").adequate[0]
    unsure = predict("florble the wug").adequate
    assert sure > 0.9
    assert max(b - a for a, b in zip((0.0, *unsure), unsure, strict=False)) < 0.75


def test_requirements_make_an_unknown_ask_harder() -> None:
    plain = predict("florble the wug").adequate
    listed = predict(
        "florble the wug:\n1. quux the blivet\n2. zorp it twice\n3. never frob\n4. keep the snarks"
    ).adequate
    assert listed[1] < plain[1]


def test_a_huge_context_rules_out_the_smallest_level() -> None:
    assert predict("What is the capital of Peru?", context_tokens=200_000).adequate[0] == 0.0
    assert predict("What is the capital of Peru?", context_tokens=600_000).adequate[1] == 0.0


def test_the_level_does_not_depend_on_the_length_of_what_is_pasted() -> None:
    log = "2026-03-01 10:00:00 ERROR migration of the distributed architecture failed\n"
    ask = "Which host is named in this log?\n"
    assert likely(predict(ask + log)) == likely(predict(ask + log * 200))


# -- the user's own rules ------------------------------------------------------------------


def test_a_users_rule_decides_before_the_built_in_ones() -> None:
    rule = Rule(name="invoices", tier="high", words=("invoice",))
    prediction = predict("Extract the date from this invoice: …", rule)
    assert prediction.adequate == (0.0, 0.0, 0.0, 1.0)
    assert prediction.evidence == ("your rule 'invoices'",)


def test_words_match_whole_words_only() -> None:
    rule = Rule(name="tags", tier="high", words=("tag",))
    assert likely(predict("Are these files staged?", rule)) != "high"
    assert likely(predict("Which TAG is it?", rule)) == "high"


@pytest.mark.parametrize(
    ("word", "ask"),
    [
        ("Rechnung", "Bitte prüfe die RECHNUNG."),
        ("请求书", "请看一下这份请求书的内容"),
        ("договор", "Где договор?"),
        ("فاتورة", "أين فاتورة الشهر؟"),
    ],
)
def test_words_work_in_any_script(word: str, ask: str) -> None:
    assert likely(predict(ask, Rule(name="mine", tier="high", words=(word,)))) == "high"


def test_phrases_match_over_any_white_space() -> None:
    rule = Rule(name="close", tier="high", phrases=("quarterly close",))
    assert likely(predict("Prepare the quarterly\n  close", rule)) == "high"
    assert likely(predict("The quarterly meeting is close", rule)) != "high"


def test_the_first_rule_that_matches_decides() -> None:
    first = Rule(name="one", tier="mid", words=("apple",))
    second = Rule(name="two", tier="high", words=("apple",))
    assert likely(predict("apple", first, second)) == "mid"


def test_a_floor_lifts_the_verdict_but_never_lowers_it() -> None:
    floor = Rule(name="legal", tier="mid", words=("clause",), at_least=True)
    easy = predict("What does the word clause mean?", floor)
    assert easy.adequate[1] == 0.0
    assert "at least mid by your rule 'legal'" in easy.evidence
    hard = predict("Refactor the clause parser across all services", floor)
    assert likely(hard) == "high"


def test_a_floor_holds_for_later_verdicts_too() -> None:
    floor = Rule(name="floor", tier="mid", words=("apple",), at_least=True)
    verdict = Rule(name="verdict", tier="trivial", words=("apple",))
    assert likely(predict("apple", floor, verdict)) == "mid"


@pytest.mark.parametrize(
    ("metadata", "matches"),
    [
        ({"expertise": "expert", "iteration": 3}, True),
        ({"expertise": "expert", "iteration": 7.5}, True),
        ({"expertise": "expert", "iteration": 2}, False),
        ({"expertise": "novice", "iteration": 3}, False),
        ({"expertise": "expert", "iteration": "3"}, False),
        ({"expertise": "expert", "iteration": True}, False),
        ({}, False),
    ],
)
def test_rules_read_metadata(metadata: dict[str, Any], matches: bool) -> None:
    rule = Rule(name="meta", tier="high", metadata={"expertise": "expert", "iteration": 3})
    assert (likely(predict("What's 2+2", rule, metadata=metadata)) == "high") is matches


def test_a_flag_in_metadata_is_not_the_number_one() -> None:
    rule = Rule(name="meta", tier="high", metadata={"urgent": True})
    assert likely(predict("What's 2+2", rule, metadata={"urgent": True})) == "high"
    assert likely(predict("What's 2+2", rule, metadata={"urgent": 1})) != "high"


def test_rules_read_token_counts() -> None:
    rule = Rule(name="big", tier="high", min_tokens=1000, max_tokens=5000)
    assert likely(predict("What's 2+2", rule)) == "trivial"
    assert likely(predict("What's 2+2", rule, context_tokens=2000)) == "high"
    assert likely(predict("What's 2+2", rule, context_tokens=9000)) == "trivial"


def test_every_condition_of_a_rule_must_hold() -> None:
    rule = Rule(name="both", tier="high", words=("apple",), pattern=r"\bpie\b")
    assert likely(predict("apple pie", rule)) == "high"
    assert likely(predict("apple tart", rule)) != "high"


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [("(unclosed", "does not compile"), ("(a+)+$", "forever"), ("(a|aa)*b", "forever")],
)
def test_a_bad_pattern_is_a_friendly_error(pattern: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        Rule(name="bad", tier="high", pattern=pattern)


def test_an_unknown_tier_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="trivial, low, mid, high"):
        Rule(name="typo", tier="hihg", words=("x",))


def test_a_rule_without_a_condition_is_refused() -> None:
    with pytest.raises(ConfigError, match="no condition"):
        Rule(name="empty", tier="high")


def test_an_unknown_key_is_refused_with_the_rules_name() -> None:
    with pytest.raises(ConfigError, match="mine"):
        load("rules", [{"name": "mine", "tier": "high", "wrods": ["x"]}])


def test_the_documented_rules_load_and_work() -> None:
    text = DOCS.read_text("utf-8")
    block = text.split("```toml\n")[1].split("```")[0]
    rules = msgspec.convert(tomllib.loads(block)["rules"], list[Rule])
    asked = request("Kurz zur Rechnung", metadata={"expertise": "expert", "iteration": 4})
    prediction = Rules(rules).predict(asked, extract(asked))
    assert likely(prediction) == "trivial" or prediction.adequate[1] == 0.0
    assert {rule.name for rule in rules} == {"invoices", "contracts", "third try", "ticket"}
