"""The checks pass for good classifiers and name what bad ones lack."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import pytest

from turnout.classifiers import Rule, Rules
from turnout.classifiers.checks import (
    CheckFailed,
    Malformed,
    NotMonotone,
    NotThreadSafe,
    Raised,
    TooSlow,
    Undetermined,
    check_classifier,
    check_cut_rises_with_quality,
    check_is_deterministic,
    check_is_thread_safe,
    check_survives_odd_text,
)
from turnout.types import Prediction, Request, Signals

Curve = tuple[float, float, float, float]
FINE: Curve = (0.1, 0.5, 0.9, 1.0)


class Made:
    """A classifier made of one function of the ask."""

    name = "made"

    def __init__(self, answer: Callable[[str], Prediction]) -> None:
        self.answer = answer

    def predict(self, request: Request, signals: Signals) -> Prediction:
        return self.answer(signals.ask)


def always(curve: Curve, *evidence: str) -> Made:
    return Made(lambda ask: Prediction(curve, "made", evidence))


def test_the_rules_pass() -> None:
    check_classifier(Rules())


def test_rules_with_rules_of_the_users_own_pass() -> None:
    check_classifier(
        Rules(
            [Rule(name="a", tier="mid", words=("deadlock",), pattern=r"\w+\s*lock", min_tokens=2)]
        )
    )


def test_a_classifier_that_knows_nothing_passes() -> None:
    check_classifier(always(FINE))


def test_raising_is_found() -> None:
    def answer(ask: str) -> Prediction:
        ask.encode()
        return Prediction(FINE, "made")

    with pytest.raises(Raised, match="UnicodeEncodeError"):
        check_survives_odd_text(Made(answer))


@pytest.mark.parametrize(
    "curve",
    [(0.5, 0.4, 0.9, 1.0), (0.1, 0.2, 0.3, 0.9), (-0.1, 0.2, 0.3, 1.0), (float("nan"), 1, 1, 1)],
)
def test_malformed_curves_are_found(curve: Curve) -> None:
    with pytest.raises(Malformed):
        check_survives_odd_text(always(curve))


def test_quoting_the_prompt_is_found() -> None:
    with pytest.raises(Malformed, match="quotes"):
        check_survives_odd_text(Made(lambda ask: Prediction(FINE, "made", (ask[:900],))))


def test_changing_answers_are_found() -> None:
    numbers = itertools.count()

    def answer(ask: str) -> Prediction:
        return Prediction((0.0, 0.0, 1 / (1 + next(numbers)), 1.0), "made")

    with pytest.raises(Undetermined):
        check_is_deterministic(Made(answer))


def test_shared_scratch_space_is_found() -> None:
    shared: list[str] = [""]

    def answer(ask: str) -> Prediction:
        shared[0] = ask
        time.sleep(0.0005)
        return Prediction((0.0, 0.0, 1 / (1 + len(shared[0])), 1.0), "made")

    with pytest.raises(NotThreadSafe):
        check_is_thread_safe(Made(answer))


def test_slowness_is_found() -> None:
    def answer(ask: str) -> Prediction:
        time.sleep(0.01)
        return Prediction(FINE, "made")

    with pytest.raises(TooSlow):
        check_survives_odd_text(Made(answer), max_seconds=0.001)


@pytest.mark.parametrize("cut", [lambda q: 1 - q, lambda q: 2 * q, lambda q: q / 2])
def test_a_bad_cut_is_found(cut: Callable[[float], float]) -> None:
    classifier = always(FINE)
    classifier.cut = cut  # type: ignore[attr-defined]
    with pytest.raises(NotMonotone):
        check_cut_rises_with_quality(classifier)


def test_every_failure_is_an_assertion_error() -> None:
    assert issubclass(CheckFailed, AssertionError)
