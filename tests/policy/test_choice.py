"""The choice rule: the lowest tier that is adequate enough, and when to go above the likely one."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import turnout
from turnout.catalog import LADDERS
from turnout.errors import ConfigError
from turnout.policy.choice import adequacy, lowest_adequate
from turnout.types import Prediction, Request, Signals

TIERS = ("trivial", "low", "mid", "high")


def prediction(*adequate: float) -> Prediction:
    return Prediction(adequate, "test")  # type: ignore[arg-type]


# -- reading the curve ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("covers", "expected"),
    [
        (1, 0.2),
        (2, 0.6),
        (3, 0.9),
        (4, 1.0),
        (0.5, 0.1),  # half way from 0 to 0.2
        (1.5, 0.4),  # half way from 0.2 to 0.6
        (2.4, 0.72),  # 0.6 + 0.4 × 0.3
        (3.2, 0.92),  # 0.9 + 0.2 × 0.1
    ],
)
def test_adequacy_is_read_off_by_straight_lines(covers: float, expected: float) -> None:
    assert adequacy(prediction(0.2, 0.6, 0.9, 1.0), covers) == pytest.approx(expected)


def test_each_tier_is_the_lowest_adequate_one_with_the_step_up_to_it() -> None:
    assert lowest_adequate((0.2, 0.6, 0.9, 1.0)) == pytest.approx((0.2, 0.4, 0.3, 0.1))


# -- the rule ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quality", "tier", "confidence"),
    [
        (0.0, "trivial", 0.2),
        (0.2, "trivial", 0.2),
        (0.21, "low", 0.6),
        (0.6, "low", 0.6),
        (0.9, "mid", 0.9),
        (0.91, "high", 1.0),
        (1.0, "high", 1.0),
    ],
)
def test_the_lowest_tier_at_or_above_the_cut_is_taken(
    router: Any, quality: float, tier: str, confidence: float
) -> None:
    decision = router(0.2, 0.6, 0.9, 1.0).route("x", quality=quality)
    assert (decision.tier, decision.confidence) == (tier, confidence)


def test_quality_of_the_settings_of_the_router_and_of_the_call(router: Any) -> None:
    made = router(0.2, 0.6, 0.9, 1.0, quality=0.5)
    assert made.route("x").tier == "low"
    assert made.route("x", quality=0.1).tier == "trivial"
    assert made.route("x", quality=0.0).tier == "trivial", "zero is a wish, not a missing one"


def test_escalation_goes_above_the_most_likely_tier_and_says_why(router: Any) -> None:
    # steps: 0.2, 0.5, 0.2, 0.1: low is the most likely; 0.92 asks for high
    decision = router(0.2, 0.7, 0.9, 1.0).route("x")
    assert (decision.original_tier, decision.tier, decision.escalated) == ("low", "high", True)
    (reason,) = decision.reasons
    assert (reason.step, reason.before, reason.after) == ("escalation", "low", "high")
    assert reason.text == "low is adequate with 0.70, quality 0.92 asks for 0.92: high"


def test_ask_stays_and_marks_the_decision(router: Any) -> None:
    decision = router(0.2, 0.7, 0.9, 1.0, escalation="ask").route("x")
    assert (decision.original_tier, decision.tier, decision.escalated) == ("low", "low", True)
    assert decision.confidence == 0.7
    (reason,) = decision.reasons
    assert reason.text.startswith("ask: low is adequate with 0.70")
    assert "kept at low" in reason.text


def test_ask_does_not_claim_to_have_escalated(router: Any) -> None:
    """`explain()` said "Escalated from low" of a decision that stayed at low."""
    said = router(0.2, 0.7, 0.9, 1.0, escalation="ask").route("x").explain()
    assert "Escalated" not in said
    assert "Not escalated" in said
    assert "quality 0.92 asks for 0.92: high" in said


def test_log_only_stays_and_writes_a_log_line(
    router: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "turnout"):
        decision = router(0.2, 0.7, 0.9, 1.0, escalation="log_only").route("x")
    assert (decision.tier, decision.escalated, decision.reasons) == ("low", False, ())
    (record,) = caplog.records
    assert f"decision {decision.id} stays at low" in record.message


@pytest.mark.parametrize("mode", ["always", "ask", "log_only"])
def test_a_tier_below_the_likely_one_is_no_escalation_and_is_always_taken(
    router: Any, mode: str
) -> None:
    # steps: 0.3, 0.1, 0.6, 0: mid is the most likely, but trivial is enough for 0.25
    decision = router(0.3, 0.4, 1.0, 1.0, escalation=mode).route("x", quality=0.25)
    assert (decision.original_tier, decision.tier, decision.escalated) == ("mid", "trivial", False)


@pytest.mark.parametrize("mode", ["always", "ask", "log_only"])
def test_a_pin_is_never_escalated(router: Any, mode: str) -> None:
    decision = router(0.0, 0.0, 0.0, 1.0, escalation=mode).route("x", tier="low")
    assert (decision.tier, decision.escalated, decision.confidence) == ("low", False, 1.0)
    assert (decision.classifier, decision.original_tier) == ("fixed", "low")


def test_a_tie_goes_to_the_lower_tier(router: Any) -> None:
    assert router(0.5, 1.0, 1.0, 1.0).route("x", quality=0.5).original_tier == "trivial"


def test_a_classifier_may_bring_its_own_cut(router: Any) -> None:
    """Calibration fits a cut to the accepted share of under-routed requests."""

    class Calibrated:
        name = "calibrated"

        def predict(self, request: Request, signals: Signals) -> Prediction:
            return prediction(0.3, 0.6, 0.9, 1.0)

        def cut(self, quality: float) -> float:
            return quality / 2

    made = turnout.Router({}, classifier=Calibrated(), ledger=False)
    assert made.route("x", quality=0.6).tier == "trivial"
    assert made.route("x", quality=1.0).tier == "low"


@pytest.mark.parametrize(
    "adequate",
    [
        (0.5, 0.4, 0.9, 1.0),
        (0.1, 0.2, 0.3, 0.4),
        (-0.1, 0.2, 0.3, 1.0),
        (0.1, 0.2, 1.1, 1.0),
        (float("nan"), 0.2, 0.3, 1.0),
    ],
)
def test_a_classifier_that_breaks_the_rules_is_named(router: Any, adequate: Any) -> None:
    with pytest.raises(
        ConfigError, match="classifier says: adequate must be four numbers that rise to 1"
    ):
        router(*adequate).route("x")


# -- what holds for every prediction and every ladder --------------------------------------

shares = st.floats(0, 1)
predictions = st.lists(shares, min_size=3, max_size=3).map(lambda p: (*sorted(p), 1.0))


class Holder:
    """A classifier whose answer can be changed between calls."""

    name = "holder"
    answer: Any = (0.1, 0.2, 0.3, 1.0)

    def predict(self, request: Request, signals: Signals) -> Prediction:
        return Prediction(self.answer, self.name)


HOLDER = Holder()
ROUTERS = {
    (name, mode): turnout.Router({"escalation": mode}, ladder=name, classifier=HOLDER, ledger=False)
    for name in LADDERS
    for mode in ("always", "ask", "log_only")
}


def route(adequate: Any, ladder: str, mode: str, quality: float, **wish: Any) -> turnout.Decision:
    HOLDER.answer = adequate
    return ROUTERS[ladder, mode].route("What is the capital of Peru?", quality=quality, **wish)


@given(
    predictions,
    shares,
    shares,
    st.sampled_from(LADDERS),
    st.sampled_from(["always", "ask", "log_only"]),
    st.sampled_from([None, "cost", "speed", "quality"]),
)
def test_raising_quality_never_lowers_a_tier(
    adequate: Any, one: float, other: float, ladder: str, mode: str, prefer: str | None
) -> None:
    names = ROUTERS[ladder, mode].ladder.names
    low, high = (
        route(adequate, ladder, mode, quality, prefer=prefer) for quality in sorted((one, other))
    )
    assert names.index(low.tier) <= names.index(high.tier)


@given(predictions, shares, st.sampled_from(LADDERS))
def test_the_probabilities_of_the_tiers_sum_to_one(
    adequate: Any, quality: float, ladder: str
) -> None:
    decision = route(adequate, ladder, "always", quality)
    found = decision.tier_probabilities
    assert tuple(found) == ROUTERS[ladder, "always"].ladder.names
    assert sum(found.values()) == pytest.approx(1, abs=1e-9)
    assert all(0 <= share <= 1 for share in found.values())
    assert decision.original_tier == max(found, key=lambda name: found[name])


@given(predictions, shares, st.sampled_from(LADDERS))
def test_confidence_is_at_least_the_cut_and_is_the_chosen_tiers(
    adequate: Any, quality: float, ladder: str
) -> None:
    decision = route(adequate, ladder, "always", quality)
    assert decision.confidence >= quality
    names = ROUTERS[ladder, "always"].ladder.names
    below = names[: names.index(decision.tier) + 1]
    reached = sum(decision.tier_probabilities[name] for name in below)
    assert decision.confidence == pytest.approx(reached, abs=1e-9)


@given(predictions, shares, st.sampled_from(LADDERS))
def test_escalation_never_goes_down(adequate: Any, quality: float, ladder: str) -> None:
    names = ROUTERS[ladder, "always"].ladder.names
    decision = route(adequate, ladder, "always", quality)
    if decision.escalated:
        assert names.index(decision.tier) > names.index(decision.original_tier)
    stayed = route(adequate, ladder, "ask", quality)
    assert names.index(stayed.tier) <= names.index(decision.tier)
