"""Both routers alike: outcomes, kept routes, and that a broken ledger fails nobody."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import turnout

if TYPE_CHECKING:
    from tests.execution.conftest import Clock, Json, MakeCaller, MakeRouter, Upstream

HI = "Hello"


class Counts:
    """A classifier that counts how often it is asked."""

    name = "counts"

    def __init__(self) -> None:
        self.asked = 0

    def predict(self, request: turnout.Request, signals: turnout.Signals) -> turnout.Prediction:
        self.asked += 1
        return turnout.Prediction((0.0, 1.0, 1.0, 1.0), self.name, cost_usd=Decimal("0.001"))


def test_an_outcome_tells_everything(both: MakeCaller, upstream: Upstream) -> None:
    outcome = both().run(HI)
    assert outcome.text
    assert outcome.served_by == outcome.decision.model == "claude-haiku-5-5"
    assert outcome.stop_reason == "end_turn"
    assert outcome.attempts[0].request_id
    assert outcome.latency_ms > 0
    # haiku 5.5: 0.10/0.50; the dearest tier is fable 5.2 at 8/40, with the same tokenizer
    tokens = outcome.usage
    million = Decimal(1_000_000)
    assert (
        outcome.cost_usd
        == (Decimal("0.1") * tokens.input_tokens + Decimal("0.5") * tokens.output_tokens) / million
    )
    assert (
        outcome.baseline_usd
        == Decimal(8 * tokens.input_tokens + 40 * tokens.output_tokens) / million
    )
    assert outcome.savings_usd == outcome.baseline_usd - outcome.cost_usd
    assert outcome.to_dict()["cost_usd"] == f"{outcome.cost_usd.normalize():f}"


def test_what_the_classification_cost_is_part_of_the_outcome(
    both: MakeCaller, upstream: Upstream
) -> None:
    outcome = both(classifier=Counts()).run(HI)
    (attempt,) = outcome.attempts
    assert attempt.cost_usd is not None
    assert outcome.cost_usd == attempt.cost_usd + Decimal("0.001")


@pytest.mark.parametrize(
    "ask",
    [
        HI,
        [{"role": "user", "content": HI}],
        {"messages": [{"role": "user", "content": HI}]},
        turnout.Request(messages=({"role": "user", "content": HI},)),
    ],
    ids=["text", "messages", "body", "request"],
)
def test_a_request_may_come_in_any_form(both: MakeCaller, upstream: Upstream, ask: Any) -> None:
    both().run(ask, system="Be brief.", max_tokens=900, metadata={"user_id": "u"},
               options={"stop_sequences": ["END"]})  # fmt: skip
    body = upstream.bodies[0]
    assert body["messages"] == [{"role": "user", "content": HI}]
    assert (body["system"], body["max_tokens"]) == ("Be brief.", 900)
    assert (body["metadata"], body["stop_sequences"]) == ({"user_id": "u"}, ["END"])


@pytest.mark.parametrize("wrong", ["", "  ", None, 5, [], b"x", {"messages": []}])
def test_nothing_is_called_for_a_request_that_is_none(
    both: MakeCaller, upstream: Upstream, wrong: Any
) -> None:
    with pytest.raises(turnout.InvalidRequest):
        both().run(wrong)
    assert upstream.requests == []


def test_truncated_text_is_marked(both: MakeCaller, upstream: Upstream) -> None:
    upstream.script({"do": {"reply": "word " * 500, "thinking": False}})
    outcome = both().run(HI, max_tokens=50)
    assert outcome.truncated
    assert outcome.text
    assert outcome.to_dict()["truncated"] is True


def test_thinking_that_eats_the_limit_is_an_error(both: MakeCaller, upstream: Upstream) -> None:
    caller = both()
    ask = {"messages": [{"role": "user", "content": HI}], "output_config": {"effort": "high"}}
    with pytest.raises(turnout.Truncated, match="thinking spends from max_tokens") as cut:
        caller.run(ask, max_tokens=500)
    assert cut.value.attempts[0].cost_usd
    (recorded,) = caller.router.ledger.documents("outcome")
    assert recorded["status"] == "truncated"


def test_a_tool_call_is_an_answer_without_text(both: MakeCaller, upstream: Upstream) -> None:
    upstream.script({"do": {"tool_use": {"name": "look", "input": {"at": "sky"}}}})
    tools = [{"name": "look", "input_schema": {"type": "object"}}]
    outcome = both().run(HI, tools=tools)
    assert outcome.text == ""
    assert [(use["name"], use["input"]) for use in outcome.tool_uses] == [("look", {"at": "sky"})]
    assert outcome.stop_reason == "tool_use"


def test_a_paused_turn_is_visible(both: MakeCaller, upstream: Upstream) -> None:
    upstream.script({"do": {"reply": "Searching.", "stop_reason": "pause_turn"}})
    assert both().run(HI).stop_reason == "pause_turn"


def test_an_empty_answer_is_tried_elsewhere(both: MakeCaller, upstream: Upstream) -> None:
    upstream.script({"when": {"model": "claude-haiku-*"}, "do": {"content": []}})
    outcome = both().run(HI)
    assert outcome.served_by == "claude-sonnet-5-5"
    assert outcome.attempts[0].error == "the answer is empty"


def test_other_peoples_models_cannot_be_called_but_recorded(
    both: MakeCaller, upstream: Upstream
) -> None:
    models = {"llama": {"provider": "local", "free": True, "context_window": 8000,
                        "max_output_tokens": 1000}}  # fmt: skip
    caller = both(models=models)
    with pytest.raises(turnout.ConfigError, match="record"):
        caller.run(HI, model="llama")


# -- keeping a route


def follow_up(first: turnout.Outcome, ask: str = "And then?") -> list[Json]:
    return [
        {"role": "user", "content": HI},
        {"role": "assistant", "content": first.message["content"]},
        {"role": "user", "content": ask},
    ]


def test_a_kept_route_keeps_model_and_effort_without_asking_again(
    both: MakeCaller, upstream: Upstream
) -> None:
    counts = Counts()
    caller = both(classifier=counts)
    first = caller.run(HI, model="claude-opus-5@low")
    second = caller.run(follow_up(first, "Design a lock-free multi-region ledger."),
                        decision=first.decision)  # fmt: skip
    assert upstream.models == ["claude-opus-5", "claude-opus-5"]
    assert upstream.bodies[1]["output_config"] == {"effort": "low"}
    assert second.decision.id != first.decision.id
    assert counts.asked == 0


def test_a_kept_route_is_left_when_the_history_outgrows_it(
    both: MakeCaller, upstream: Upstream
) -> None:
    caller = both(ladder="claude-5")
    first = caller.run(HI)
    assert first.served_by == "claude-haiku-4-5"
    grown = follow_up(first, "item and item, " * 60_000)
    second = caller.run(grown, decision=first.decision)
    assert second.served_by != "claude-haiku-4-5"
    (reason,) = second.decision.reasons
    assert "200,000" in reason.text


def test_a_kept_route_is_not_left_for_what_can_be_adapted(
    both: MakeCaller, upstream: Upstream
) -> None:
    """A forced tool moved a conversation away from its model and its cache."""
    caller = both()
    first = caller.run(HI, tier="mid")
    forced = {
        "messages": follow_up(first),
        "tools": [{"name": "look", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "tool", "name": "look"},
    }
    second = caller.run(forced, decision=first.decision)
    assert second.served_by == first.served_by == "claude-opus-5-5"
    assert [c.step for c in second.attempts[0].changes] == ["shape.tool_choice"]


def test_wishes_beside_a_kept_route_are_refused(both: MakeCaller, upstream: Upstream) -> None:
    caller = both()
    decision = caller.route(HI)
    with pytest.raises(turnout.InvalidRequest, match="no effect with decision="):
        caller.run(HI, decision=decision, min_tier="mid")


def test_a_route_of_another_ladder_cannot_be_kept(both: MakeCaller, upstream: Upstream) -> None:
    decision = both(ladder="five").route(HI, tier="expert")
    with pytest.raises(turnout.UnknownTier, match="expert"):
        both().run(HI, decision=decision)


@pytest.mark.parametrize("tier", ["trivial", "low", "mid", "high"])
def test_shape_is_what_is_sent(router: turnout.Router, upstream: Upstream, tier: str) -> None:
    ask = {"messages": [{"role": "user", "content": HI}], "temperature": 0.3}
    decision = router.route(ask, tier=tier)
    body = router.shape(decision, ask, max_tokens=20_000)
    router.run(ask, decision=decision, max_tokens=20_000)
    assert upstream.bodies[0] == body
    assert [change.step for change in body.changes] == ["shape.temperature"]
    sent = upstream.requests[0].headers["anthropic-beta"]
    assert sent.split(",") == body.betas


# -- a ledger that cannot be written


def is_a_file(folder: Path) -> None:
    folder.write_text("not a folder")


def is_a_device(folder: Path) -> None:
    folder.symlink_to("/dev/full")


@pytest.mark.parametrize("spoil", [is_a_file, is_a_device])
def test_a_ledger_that_cannot_be_written_never_fails_a_request(
    both: MakeCaller, upstream: Upstream, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    folder = tmp_path / "spoilt"
    spoil(folder)
    caller = both({"ledger": {"folder": str(folder)}})
    assert caller.run(HI).text
    assert isinstance(caller.stream(HI)[-1], turnout.Outcome)
    caller.record(caller.route(HI), usage={"input_tokens": 1})
    with pytest.raises(turnout.LedgerError):
        caller.report()
    status = caller.router.ledger.status()
    assert status.kept >= 6
    assert status.last_error


def test_a_ledger_whose_folder_goes_away_never_fails_a_request(
    make: MakeRouter, upstream: Upstream, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    router = make({"ledger": {"folder": str(folder)}})
    assert router.run(HI).text
    assert router.report()["requests"] == 1
    folder.rename(tmp_path / "moved")
    folder.write_text("in the way")
    assert router.run(HI).text
    folder.unlink()
    (tmp_path / "moved").rename(folder)
    assert router.run(HI).text
    assert router.report()["requests"] == 3


def test_each_ledger_keeps_to_itself(make: MakeRouter, upstream: Upstream, tmp_path: Path) -> None:
    """Ledgers at different paths once shared the journal of the data folder, and its records."""
    one, two, folder = (
        make(ledger=path) for path in (tmp_path / "one.db", tmp_path / "two.db", tmp_path)
    )
    one.run(HI)
    assert [r.report()["requests"] for r in (two, folder, one)] == [0, 0, 1]


def test_without_a_ledger_everything_but_the_record_works(
    both: MakeCaller, upstream: Upstream
) -> None:
    caller = both(ledger=False)
    outcome = caller.run(HI)
    caller.record(outcome.decision, usage={"input_tokens": 1})
    with pytest.raises(turnout.LedgerError, match="recording is off"):
        caller.feedback(outcome.decision.id, score=1)


# -- many threads


def test_many_threads_share_one_router_and_nothing_is_lost(
    make: MakeRouter, upstream: Upstream
) -> None:
    router = make()
    start = threading.Barrier(32)

    def work(number: int) -> list[turnout.Outcome]:
        start.wait()
        outcomes = []
        for turn in range(20):
            router.route(f"{number} {turn}")
            outcomes.append(router.run(f"{number} {turn}", max_tokens=500))
        return outcomes

    with ThreadPoolExecutor(32) as pool:
        outcomes = [outcome for done in pool.map(work, range(32)) for outcome in done]
    assert len({outcome.decision.id for outcome in outcomes}) == 640
    report = router.report()
    assert report["requests"] == 640
    assert Decimal(report["cost_usd"]) == sum(o.cost_usd or 0 for o in outcomes)
    assert router.ledger is not None
    assert len(router.ledger.documents("attempt", 1000)) == 640


def test_the_first_calls_of_many_threads_open_one_client_and_one_ledger(
    make: MakeRouter, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test")
    router = make({"api": {"base_url": upstream.url}}, client=None)
    start = threading.Barrier(16)

    def open_both(number: int) -> tuple[int, int]:
        start.wait()
        return id(router.client), id(router.ledger)

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(open_both, range(16)))) == 1


def test_a_client_that_was_given_is_left_open(make: MakeRouter, upstream: Upstream) -> None:
    with upstream.client() as client, warnings.catch_warnings():
        make(client=client).close()
        assert make(client=client).run(HI).text


def test_a_router_may_be_used_as_a_context(upstream: Upstream, clock: Clock) -> None:
    with upstream.client() as client, turnout.Router({}, client=client, clock=clock) as router:
        assert router.run(HI).text
