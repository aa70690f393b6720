"""Validators: what each accepts, why it rejects, and how rejected answers climb the ladder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import turnout
from turnout import validators

if TYPE_CHECKING:
    from tests.execution.conftest import MakeCaller, MakeRouter, Upstream

ASK = "Is 7 prime? Answer yes or no."
WORSE_TO_BETTER = (
    {"when": {"model": "claude-haiku-*"}, "do": {"reply": "Perhaps", "thinking": False}},
    {"when": {"model": "claude-sonnet-*"}, "do": {"reply": "Maybe", "thinking": False}},
    {"when": {"model": "claude-opus-*"}, "do": {"reply": "Yes.", "thinking": False}},
)


@pytest.fixture
def said(router: turnout.Router, upstream: Upstream) -> Any:
    """An outcome whose text is this."""

    def answer(text: str, **script: Any) -> turnout.Outcome:
        do = {"reply": text} if text else {}
        upstream.script({"do": {**do, "thinking": False, **script}})
        return router.run(ASK)

    return answer


@pytest.mark.parametrize(
    ("check", "good", "bad", "why"),
    [
        (validators.one_of(["yes", "no"]), ["yes", " Yes.\n", "NO", "no。"], ["maybe", "yes no"],
         "the answer is not one of yes, no"),
        (validators.one_of(["Yes"], ignore_case=False), ["Yes", "Yes."], ["yes"],
         "the answer is not one of Yes"),
        (validators.one_of(["Straße"]), ["STRASSE"], ["strase"], "not one of Straße"),
        (validators.valid_json, ["{}", "[1]", "3", "```json\n{}\n```", "```\n[]\n```"],
         ["{", "yes", "{} and more", "NaN", "[" * 100_000], "the answer is not JSON"),
        (validators.json_schema({"type": "object", "required": ["n"],
                                 "properties": {"n": {"type": "integer"}}}),
         ['{"n": 1}', '```json\n{"n": 2}\n```'], ['{"n": "x"}', "{}", "3"], ""),
        (validators.json_schema({"type": "object"}), ["{}"], ["{"], "the answer is not JSON"),
        (validators.matches(r"\d+"), ["about 12"], ["about a dozen"], r"matches \d+"),
        (validators.non_empty, ["x"], [], ""),
        (validators.all_of(validators.valid_json, validators.matches("a")), ['"a"'], ["a", '"b"'],
         ""),
        (validators.all_of(), ["anything"], [], ""),
    ],
)  # fmt: skip
def test_what_a_validator_accepts(
    said: Any, check: Any, good: list[str], bad: list[str], why: str
) -> None:
    for text in good:
        assert check(said(text)) is True, text
    for text in bad:
        verdict = check(said(text))
        assert isinstance(verdict, str), text
        assert why in verdict


def test_the_reason_of_a_schema_names_the_place(said: Any) -> None:
    check = validators.json_schema({"properties": {"n": {"type": "integer"}}})
    assert check(said('{"n": "x"}')) == "$.n: 'x' is not of type 'integer'"


def test_all_of_gives_the_first_reason(said: Any) -> None:
    check = validators.all_of(validators.non_empty, validators.matches("a"), validators.valid_json)
    assert check(said("b")) == "nothing in the answer matches a"


def test_tool_use_alone_is_no_text(said: Any) -> None:
    outcome = said("", tool_use=["look"])
    assert validators.non_empty(outcome) == "the answer holds no text"


def test_not_truncated_looks_at_the_stop_reason(said: Any) -> None:
    assert validators.not_truncated(said("x")) is True
    cut = said("x", stop_reason="max_tokens")
    assert validators.not_truncated(cut) == "the answer stopped at max_tokens"


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        (lambda: validators.one_of([]), "labels"),
        (lambda: validators.one_of("yes"), "labels"),
        (lambda: validators.one_of(["yes", 3]), "labels"),  # type: ignore[list-item]
        (lambda: validators.matches("("), "pattern"),
        (lambda: validators.json_schema({"type": "nonsense"}), "schema"),
        (lambda: validators.json_schema("x"), "schema"),  # type: ignore[arg-type]
    ],
)
def test_a_validator_that_cannot_work_says_so_when_it_is_made(broken: Any, field: str) -> None:
    with pytest.raises(turnout.InvalidRequest, match=field):
        broken()


# -- on the ladder


def test_an_answer_climbs_until_it_is_accepted(both: MakeCaller, upstream: Upstream) -> None:
    upstream.script(*WORSE_TO_BETTER)
    outcome = both().run(ASK, validate=validators.one_of(["yes", "no"]))
    assert outcome.text == "Yes."
    assert outcome.escalated
    assert [(a.tier, a.status) for a in outcome.attempts] == [
        ("trivial", "rejected"),
        ("low", "rejected"),
        ("mid", "accepted"),
    ]
    costs = [a.cost_usd for a in outcome.attempts]
    assert outcome.cost_usd == sum(cost for cost in costs if cost is not None)
    assert outcome.usage.output_tokens == sum(a.usage.output_tokens for a in outcome.attempts)
    assert outcome.decision.tier == "trivial"


def test_the_ladders_end_is_an_error_with_every_reason(
    both: MakeCaller, upstream: Upstream
) -> None:
    upstream.script({"do": {"reply": "Perhaps"}})
    with pytest.raises(turnout.AllAttemptsFailed, match="not one of yes") as end:
        both().run(ASK, validate=validators.one_of(["yes"]))
    assert [a.tier for a in end.value.attempts] == ["trivial", "low", "mid", "high"]


def test_escalation_stops_at_the_ceiling(both: MakeCaller, upstream: Upstream) -> None:
    upstream.script(*WORSE_TO_BETTER)
    with pytest.raises(turnout.AllAttemptsFailed) as end:
        both().run(ASK, max_tier="low", validate=validators.one_of(["yes"]))
    assert [a.tier for a in end.value.attempts] == ["trivial", "low"]


def test_escalation_skips_a_tier_whose_model_is_down(make: MakeRouter, upstream: Upstream) -> None:
    upstream.script(
        WORSE_TO_BETTER[0],
        {"when": {"model": "claude-sonnet-*"}, "do": {"error": 529}},
        WORSE_TO_BETTER[2],
    )
    router = make({"execution": {"max_retries": 0}})
    outcome = router.run(ASK, validate=validators.one_of(["yes"]))
    assert [a.status for a in outcome.attempts] == ["rejected", "error", "accepted"]


def test_a_validator_that_raises_ends_the_run_and_leaves_a_record(
    both: MakeCaller, upstream: Upstream
) -> None:
    def broken(outcome: turnout.Outcome) -> bool:
        raise RuntimeError("my own mistake")

    caller = both()
    with pytest.raises(RuntimeError, match="my own mistake"):
        caller.run(ASK, validate=broken)
    assert len(upstream.requests) == 1
    (outcome,) = caller.router.ledger.documents("outcome")
    (attempt,) = caller.router.ledger.documents("attempt")
    assert (outcome["status"], outcome["attempts"]) == ("failed", 1)
    assert outcome["cost_usd"] == attempt["cost_usd"] != "0"
    assert attempt["error"] == "the validator raised RuntimeError"


def test_a_validator_sees_the_attempts_so_far(router: turnout.Router, upstream: Upstream) -> None:
    upstream.script(*WORSE_TO_BETTER)
    seen = []

    def second_time(outcome: turnout.Outcome) -> bool:
        seen.append((outcome.served_by, len(outcome.attempts)))
        return len(seen) == 2

    router.run(ASK, validate=second_time)
    assert seen == [("claude-haiku-5-5", 1), ("claude-sonnet-5-5", 2)]


def test_a_refused_answer_is_not_shown_to_the_validator(
    router: turnout.Router, upstream: Upstream
) -> None:
    upstream.script({"when": {"model": "claude-haiku-*"}, "do": {"refuse": "cyber"}})
    seen = []

    def look(outcome: turnout.Outcome) -> bool:
        seen.append(outcome.served_by)
        return True

    router.run(ASK, validate=look)
    assert seen == ["claude-sonnet-5-5"]
