"""One tree of errors, each with its facts as fields."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest

import turnout
from turnout import errors
from turnout.errors import choices
from turnout.types import Attempt, Decision, Usage

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DECISION = Decision(
    "dec_1", NOON, "claude-opus-5-5", "anthropic", "mid", "high", 0.9, {"mid": 1.0}, "rules", "mid"
)


def attempt(model: str, error: str | None) -> Attempt:
    return Attempt("att_1", 1, NOON, model, None, "mid", "error", error=error)


def test_the_picture_in_the_docstring_is_the_tree() -> None:
    assert errors.__doc__ is not None
    drawn = set(re.findall(r"[├└]─ (\w+)", errors.__doc__))
    real = {
        name
        for name, item in vars(errors).items()
        if isinstance(item, type) and issubclass(item, errors.TurnoutError)
    } - {"TurnoutError"}
    assert drawn == real


def test_the_published_names_are_public_and_of_one_tree() -> None:
    names = [name for name in turnout.__all__ if hasattr(errors, name)]
    assert len(names) == 12
    for name in names:
        assert issubclass(getattr(turnout, name), turnout.TurnoutError)
    assert issubclass(turnout.UnknownModel, turnout.InvalidRequest)
    assert issubclass(turnout.UnknownTier, turnout.InvalidRequest)


def test_an_invalid_request_names_the_field() -> None:
    error = errors.InvalidRequest("messages[0].role", "'boss' is not one of user")
    assert error.field == "messages[0].role"
    assert str(error) == "messages[0].role: 'boss' is not one of user"


def test_an_unknown_tier_lists_the_ladder() -> None:
    error = errors.UnknownTier("EXPERT", ("low", "high"), "min_tier")
    assert (error.tier, error.known, error.field) == ("EXPERT", ("low", "high"), "min_tier")
    assert str(error) == "min_tier: unknown tier 'EXPERT'; the ladder has low, high"


def test_no_eligible_model_says_why_for_each() -> None:
    error = errors.NoEligibleModel({"a": "too small", "b": "retired"})
    assert error.candidates == {"a": "too small", "b": "retired"}
    assert str(error).endswith("(a: too small; b: retired)")


def test_a_budget_error_carries_limit_and_spending() -> None:
    error = errors.BudgetExceeded(
        "day is spent", budget="day", limit_usd=Decimal(5), spent_usd=Decimal("5.01")
    )
    assert (error.budget, error.limit_usd, error.spent_usd) == ("day", 5, Decimal("5.01"))


def test_a_refusal_carries_details_attempts_and_usage() -> None:
    tried = (attempt("a", None), attempt("b", None), attempt("b", None))
    error = errors.Refused({"category": "cyber"}, DECISION, tried, Usage(5))
    assert (error.details, error.attempts, error.usage) == ({"category": "cyber"}, tried, Usage(5))
    assert str(error) == "the model refused (cyber); tried a, b"
    assert "no category given" in str(errors.Refused(None, DECISION, tried, Usage()))


def test_a_truncation_says_what_to_do() -> None:
    error = errors.Truncated(DECISION, (attempt("a", None),), "max_tokens")
    assert error.limit == "max_tokens"
    assert "raise max_tokens or lower the effort" in str(error)


def test_when_all_attempts_fail_every_cause_is_kept() -> None:
    causes = (TimeoutError("slow"), ConnectionError("gone"))
    tried = (attempt("a", "slow"), attempt("b", "gone"))
    error = errors.AllAttemptsFailed(DECISION, tried, causes, "deadline")
    assert (error.causes, error.attempts, error.decision) == (causes, tried, DECISION)
    assert str(error) == "no attempt succeeded (deadline): a: slow; b: gone"
    assert "no attempt was made" in str(errors.AllAttemptsFailed(DECISION, ()))


def test_an_unpriced_model_says_what_to_do() -> None:
    error = errors.UnpricedModel("llama")
    assert error.model == "llama"
    assert "allow_unpriced = true" in str(error)


@pytest.mark.parametrize(
    ("value", "known", "said"),
    [
        ("hihg", ["low", "high"], "did you mean 'high'?"),
        ("zzz", ["low", "high"], "choose from low, high"),
        (None, ["low"], "choose from low"),
        ("zzz", [f"m{i}" for i in range(30)], "30 are known, such as m0, m1, m2, m3, m4, m5"),
    ],
)
def test_a_near_name_else_the_valid_ones(value: object, known: list[str], said: str) -> None:
    assert choices(value, known) == said
