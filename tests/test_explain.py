"""A decision in plain English, and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

import turnout
from turnout.explain import dollars
from turnout.types import (
    Alternative,
    Assignment,
    Decision,
    Fallback,
    Prediction,
    Reason,
    Request,
    Signals,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

DECISION = Decision(
    id="dec_1",
    at=NOON,
    model="claude-opus-5-5",
    provider="anthropic",
    tier="mid",
    effort="high",
    confidence=0.951,
    tier_probabilities={"low": 0.5, "mid": 0.451, "high": 0.049},
    classifier="rules",
    original_tier="low",
    evidence=("asks for a cause", "code"),
    reasons=(Reason("floor", "min_tier is mid", "claude-sonnet-5-5", "claude-opus-5-5"),),
    fallbacks=(
        Fallback("claude-opus-5", "high", "mid"),
        Fallback("claude-fable-5-2", "xhigh", "high"),
    ),
    alternatives=(
        Alternative("low", "claude-sonnet-5-5", Decimal("0.01"), 0.4),
        Alternative("high", "claude-fable-5-2", Decimal("0.05"), 2.0),
    ),
    estimated_input_tokens=1_250,
    estimated_output_tokens=1_000,
    estimated_cost_usd=Decimal("0.025"),
    escalated=True,
)

KEYS = [
    *("id", "at", "model", "provider", "tier", "effort", "confidence", "tier_probabilities"),
    *("classifier", "evidence", "reasons", "fallbacks", "alternatives"),
    *("estimated_input_tokens", "estimated_output_tokens", "estimated_cost_usd"),
    *("classifier_cost_usd", "escalated", "original_tier", "experiment", "sla"),
    *("conversation", "elapsed_us"),
]


# -- plain English -------------------------------------------------------------------------


def test_the_whole_reason_line_by_line() -> None:
    assert DECISION.explain().splitlines() == [
        "Model selected: claude-opus-5-5 at effort high, tier mid (confidence 95%)",
        "Escalated from low, the most likely tier.",
        "Basis: ordered rules over the human's own ask.",
        "Evidence: asks for a cause; code.",
        "Changed by floor: min_tier is mid (claude-sonnet-5-5 → claude-opus-5-5).",
        "Estimated cost: $0.0250 (about 1,250 tokens in and 1,000 out).",
        "Alternatives: low: claude-sonnet-5-5, $0.01, 60% cheaper; "
        "high: claude-fable-5-2, $0.05, 2.0× the cost.",
        "If it fails: claude-opus-5, then claude-fable-5-2.",
    ]


def test_a_short_decision_says_only_what_there_is() -> None:
    plain = replace(
        DECISION,
        effort=None,
        escalated=False,
        evidence=(),
        reasons=(),
        fallbacks=(),
        alternatives=(),
        classifier="mine",
        estimated_cost_usd=None,
    )
    assert plain.explain().splitlines() == [
        "Model selected: claude-opus-5-5, tier mid (confidence 95%)",
        "Basis: classifier mine.",
        "Estimated cost: unpriced (about 1,250 tokens in and 1,000 out).",
    ]


@pytest.mark.parametrize("tier", ["low", "mid"])
def test_an_escalation_that_was_not_made_is_not_claimed(tier: str) -> None:
    """With "ask", or under a ceiling, the decision stays at or below the most likely tier."""
    stayed = replace(DECISION, tier=tier, original_tier="mid", confidence=0.5)
    assert "\nNot escalated from mid, the most likely tier.\n" in stayed.explain()


def test_a_refused_change_is_told_as_one() -> None:
    asked = replace(DECISION, reasons=(Reason("escalation", "ask: …; kept at low", "low"),))
    assert "\nKept by escalation: ask: …; kept at low.\n" in asked.explain()


def test_the_classifications_own_cost_is_told() -> None:
    judged = replace(DECISION, classifier="llm", classifier_cost_usd=Decimal("0.00072"))
    assert "1,000 out, and $0.000720 for the classification)." in judged.explain()


def test_price_is_never_taken_for_ability() -> None:
    """A package before us called a model "more capable" because it was dearer."""
    for ratio in (0.0001, 0.5, 1.0, 3.0, 375_000.0, None):
        item = Alternative("high", "other", Decimal(1), ratio)
        said = replace(DECISION, alternatives=(item,)).explain().lower()
        for word in ("capable", "better", "worse", "quality", "stronger", "weaker"):
            assert word not in said


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (1.0, "$1.00, the same cost."),
        (1.5, "$1.00, 1.5× the cost."),
        (0.25, "$1.00, 75% cheaper."),
        (None, "$1.00."),
    ],
)
def test_an_alternative_says_how_much_dearer_or_cheaper(ratio: float | None, said: str) -> None:
    item = Alternative("high", "other", Decimal(1), ratio)
    line = replace(DECISION, alternatives=(item,)).explain().splitlines()[6]
    assert line == f"Alternatives: high: other, {said}"


def test_an_unpriced_alternative_is_unpriced() -> None:
    item = Alternative("high", "other", None, None)
    assert "high: other, unpriced." in replace(DECISION, alternatives=(item,)).explain()


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "$0.00"),
        ("0.05", "$0.05"),
        ("1234.567", "$1,234.57"),
        ("0.0251", "$0.0251"),
        ("0.000123", "$0.000123"),
        ("0.0000012", "$0.000001200"),
        ("-0.0123", "-$0.0123"),
        ("-12", "-$12.00"),
    ],
)
def test_amounts_for_people(amount: str, text: str) -> None:
    assert dollars(Decimal(amount)) == text


class Spy:
    """A classifier with evidence of its own."""

    name = "spy"

    def predict(self, request: Request, signals: Signals) -> Prediction:
        return Prediction((0.1, 0.5, 0.95, 1.0), self.name, ("one cause is asked for",))


def test_neither_evidence_nor_reasons_nor_json_quote_the_prompt() -> None:
    secret = "xylophone-swordfish"
    for classifier in ("rules", Spy()):
        router = turnout.Router({}, classifier=classifier, ledger=False)
        prompt = f"Debug this deadlock in {secret}: `{secret}()` hangs. Why?"
        decision = router.route(prompt, min_tier="mid")
        assert secret not in decision.explain()
        assert secret not in json.dumps(decision.to_dict())
        assert secret not in repr(decision)


# -- JSON ----------------------------------------------------------------------------------


def test_a_decision_as_json_has_exactly_the_published_keys_in_their_order() -> None:
    assert list(DECISION.to_dict()) == KEYS


def test_every_decision_can_be_written_as_json_and_money_is_text() -> None:
    found = json.loads(json.dumps(DECISION.to_dict(), allow_nan=False))
    assert found["at"] == "2026-11-20T12:00:00+00:00"
    assert found["estimated_cost_usd"] == "0.025"
    assert found["classifier_cost_usd"] == "0"
    assert found["tier_probabilities"] == {"low": 0.5, "mid": 0.451, "high": 0.049}
    assert found["reasons"] == [
        {
            "step": "floor",
            "text": "min_tier is mid",
            "from": "claude-sonnet-5-5",
            "to": "claude-opus-5-5",
        }
    ]
    assert found["fallbacks"][0] == {"model": "claude-opus-5", "effort": "high", "tier": "mid"}
    assert found["alternatives"][0] == {
        "tier": "low",
        "model": "claude-sonnet-5-5",
        "estimated_cost_usd": "0.01",
        "cost_ratio": 0.4,
    }
    assert found["experiment"] is None


def test_an_experiment_is_name_arm_and_propensity() -> None:
    found = replace(DECISION, experiment=Assignment("canary", "b", 0.1)).to_dict()
    assert found["experiment"] == {"name": "canary", "arm": "b", "propensity": 0.1}


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0.000000000001", "0.000000000001"),  # one pico-dollar: no exponent
        ("1E+2", "100"),
        ("0E-12", "0"),
        ("100", "100"),
        ("2.500000000000", "2.5"),
    ],
)
def test_money_as_text_is_plain_and_exact(amount: str, text: str) -> None:
    found = replace(DECISION, estimated_cost_usd=Decimal(amount)).to_dict()
    assert found["estimated_cost_usd"] == text
    assert Decimal(text) == Decimal(amount)


@pytest.mark.parametrize(
    "wish",
    [{}, {"tier": "high"}, {"model": "claude-opus-4-6@max"}, {"min_tier": "mid"}],
    ids=str,
)
def test_a_real_decisions_json_and_words_agree(wish: Any) -> None:
    decision = turnout.Router({}, classifier=Spy(), ledger=False).route("x", **wish)
    found = json.loads(json.dumps(decision.to_dict(), allow_nan=False))
    assert list(found) == KEYS
    assert found["model"] in decision.explain().splitlines()[0]
    assert sum(found["tier_probabilities"].values()) == pytest.approx(1)
    assert found["elapsed_us"] > 0
