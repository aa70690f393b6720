"""The nouns: frozen records that know a little about themselves."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from turnout import types
from turnout.types import (
    Attempt,
    CostLine,
    Decision,
    Iteration,
    Ladder,
    Outcome,
    Reason,
    Request,
    Signals,
    Target,
    Tier,
    Usage,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DECISION = Decision(
    "dec_1", NOON, "claude-opus-5-5", "anthropic", "mid", "high", 0.9, {"mid": 1.0}, "rules", "mid"
)
NOUNS = [item for item in vars(types).values() if isinstance(item, type) and is_dataclass(item)]
TOOL_USE = {"type": "tool_use", "id": "toolu_1", "name": "save", "input": {}}


def outcome(**changes: Any) -> Outcome:
    plain = Outcome(
        decision=DECISION,
        text="Lima",
        served_by="claude-opus-5-5",
        stop_reason="end_turn",
        message={"content": [{"type": "text", "text": "Lima"}]},
        attempts=(),
        usage=Usage(10, 5),
        cost_usd=Decimal("0.1"),
        baseline_usd=Decimal("0.4"),
        latency_ms=12.5,
    )
    return replace(plain, **changes)


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.__name__)
def test_every_noun_is_frozen_slotted_and_says_what_it_is(noun: type[Any]) -> None:
    assert noun.__dataclass_params__.frozen
    assert "__dict__" not in {name for base in noun.__mro__[:-1] for name in vars(base)}
    assert noun.__doc__


def test_a_decision_cannot_be_changed_only_replaced() -> None:
    with pytest.raises(FrozenInstanceError):
        DECISION.model = "other"  # type: ignore[misc]
    assert replace(DECISION, model="other").model == "other"
    assert DECISION.model == "claude-opus-5-5"


@pytest.mark.parametrize("noun", [DECISION, outcome(), Request(()), Usage(1, 2)], ids=repr)
def test_nouns_can_be_copied_and_sent_to_another_process(noun: Any) -> None:
    assert pickle.loads(pickle.dumps(noun)) == noun
    assert copy.deepcopy(noun) == noun


def test_the_prompt_of_a_request_does_not_show_in_its_signals() -> None:
    signals = Signals("secret ask", 10, 0, 3, 0, "latin", "en", previous_ask="secret too")
    assert "secret" not in repr(signals)


def test_the_message_of_an_outcome_does_not_show() -> None:
    assert "'content'" not in repr(outcome())


def test_a_prompt_is_its_input_its_writes_and_its_reads() -> None:
    assert Usage(1, 99, 20, 300, 4_000).prompt_tokens == 4_321


def test_a_ladder_knows_its_names_in_order() -> None:
    tiers = tuple(Tier(name, (Target("m"),), 4.0) for name in ("b", "a"))
    assert Ladder("mine", tiers).names == ("b", "a")


def test_savings_are_signed_and_unknown_when_either_side_is() -> None:
    assert outcome().savings_usd == Decimal("0.3")
    assert outcome(cost_usd=Decimal("0.5")).savings_usd == Decimal("-0.1")
    assert outcome(cost_usd=None).savings_usd is None
    assert outcome(baseline_usd=None).savings_usd is None


@pytest.mark.parametrize(
    ("stop_reason", "cut"),
    [
        ("end_turn", False),
        ("max_tokens", True),
        ("model_context_window_exceeded", True),
        ("tool_use", False),
        ("pause_turn", False),
    ],
)
def test_an_answer_at_a_limit_is_truncated(stop_reason: str, cut: bool) -> None:
    assert outcome(stop_reason=stop_reason).truncated is cut


def test_tool_uses_are_read_off_the_message() -> None:
    message = {"content": [{"type": "text", "text": "I save."}, TOOL_USE]}
    assert outcome(message=message).tool_uses == (TOOL_USE,)
    assert outcome().tool_uses == ()


def test_an_outcome_as_json_with_its_attempts() -> None:
    usage = Usage(
        10,
        5,
        fast=True,
        iterations=(Iteration("message", "claude-opus-5-5", Usage(10, 5)),),
        fallback_credit="redeemed",
    )
    tried = Attempt(
        "att_1",
        1,
        NOON,
        "claude-opus-5-5",
        "high",
        "mid",
        "accepted",
        usage=usage,
        cost_usd=Decimal("0.1"),
        cost_lines=(CostLine("claude-opus-5-5", usage, Decimal("0.1"), "fast"),),
        changes=(Reason("sampling", "temperature left out"),),
    )
    found = json.loads(json.dumps(outcome(attempts=(tried,), usage=usage).to_dict()))
    assert found["cost_usd"] == "0.1"
    assert found["savings_usd"] == "0.3"
    assert found["decision"]["id"] == "dec_1"
    (row,) = found["attempts"]
    assert row["cost_lines"] == [{"model": "claude-opus-5-5", "cost_usd": "0.1", "note": "fast"}]
    assert row["changes"][0]["text"] == "temperature left out"
    assert row["usage"]["fast"] is True
    assert row["usage"]["fallback_credit"] == "redeemed"
    assert row["usage"]["iterations"][0]["model"] == "claude-opus-5-5"
    assert "message" not in found, "the answer's blocks are not repeated"


def test_an_attempts_json_has_all_its_fields() -> None:
    tried = Attempt("att_1", 1, NOON, "m", None, "mid", "error", error="slow")
    (row,) = outcome(attempts=(tried,)).to_dict()["attempts"]
    assert set(row) == {item.name for item in fields(Attempt)}
