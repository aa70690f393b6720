"""Reports: figures by hand, signed savings, and nothing to divide by."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from turnout.catalog.model import Card, Model, Price
from turnout.documents import usage_dict
from turnout.errors import InvalidRequest, UnknownModel
from turnout.ledger import Ledger
from turnout.types import Json, Ladder, Target, Tier, Usage

Make = Callable[..., Json]
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def card(input_usd: str, output_usd: str) -> Card:
    """US dollars per million tokens."""
    return Card.from_usd_per_mtok({"input": input_usd, "output": output_usd}, "test")


SMALL = Model(
    "small",
    "acme",
    None,
    None,
    None,
    aliases=("tiny",),
    prices=(Price(card("1", "5"), long=card("2", "10"), long_above=100_000),),
)
MIDDLE = Model("middle", "acme", None, None, None, prices=(Price(card("3", "15")),))
LARGE = Model(
    "large",
    "acme",
    None,
    None,
    None,
    token_ratio=Decimal("1.3"),
    us_multiplier=Decimal("1.1"),
    prices=(Price(card("10", "50")), Price(card("20", "100"), since=date(2026, 11, 21))),
)
MYSTERY = Model("mystery", "acme", None, None, None)

LADDER = Ladder(
    "test",
    (
        Tier("low", (Target("small"),), 1.0),
        Tier("mid", (Target("middle"), Target("mystery")), 2.0),
        Tier("high", (Target("large"),), 4.0),
    ),
)


class Shelf:
    """The part of a catalog that reports use."""

    def __init__(self, *models: Model) -> None:
        self.models = {name: model for model in models for name in (model.id, *model.aliases)}

    def get(self, name: str) -> Model:
        if name not in self.models:
            raise UnknownModel(name, self.models)
        return self.models[name]


CATALOG = Shelf(SMALL, MIDDLE, LARGE, MYSTERY)


def report(ledger: Ledger, against: str | None = None, **options: object) -> Json:
    return ledger.report(against=against, catalog=CATALOG, ladder=LADDER, **options)  # type: ignore[arg-type]


@pytest.fixture
def answer(ledger: Ledger, decision: Make, outcome: Make) -> Callable[..., None]:
    """Records a decision and what became of it."""

    def record(name: str, usage: Usage, cost: str | None, **changes: object) -> None:
        at = str(changes.pop("at", NOON.isoformat()))
        tier = str(changes.pop("tier", "low"))
        model = changes.pop("model", "small")
        counts = usage_dict(usage)
        ledger.record("decision", decision(name, at=at, tier=tier, model=model))
        done = outcome(name, at=at, usage=counts, answer_usage=counts, cost_usd=cost)
        ledger.record("outcome", done | {"answer_model": model, "served_by": model} | changes)

    return record


def test_an_empty_ledger_gives_a_report_of_zeros(ledger: Ledger) -> None:
    found = report(ledger, against="large")
    assert found["requests"] == 0
    assert found["cost_usd"] == "0"
    assert found["avg_cost_usd"] is None
    assert found["escalation_rate"] is None
    assert found["latency_ms"] == {"mean": None, "p50": None, "p95": None}
    assert found["quality"]["mean"] is None
    assert found["groups"] == []
    for saving in ("dearest", "best_constant", "against"):
        assert found["savings"][saving]["savings_share"] is None


def test_savings_by_hand(ledger: Ledger, answer: Callable[..., None]) -> None:
    """1,000 × 1 + 200 × 5 = 2,000 µ$ paid; large: 1.3 × (1,000 × 10 + 200 × 50) = 26,000 µ$."""
    answer("d1", Usage(1_000, 200), "0.002")
    found = report(ledger, against="middle")["savings"]
    assert found["dearest"]["model"] == "large"
    assert found["dearest"]["tier"] == "high"
    assert found["dearest"]["baseline_usd"] == "0.026"
    assert found["dearest"]["cost_usd"] == "0.002"
    assert found["dearest"]["savings_usd"] == "0.024"
    assert found["dearest"]["savings_share"] == pytest.approx(24 / 26)
    assert found["against"]["baseline_usd"] == "0.006"
    assert found["best_constant"]["model"] == "small"
    assert found["best_constant"]["savings_usd"] == "0"


def test_savings_are_signed_and_count_failures_and_the_classifier(
    ledger: Ledger, answer: Callable[..., None]
) -> None:
    """Two answers at 0.002 would have cost 0.004 at small; 0.013 was spent."""
    answer("d1", Usage(1_000, 200), "0.002")
    answer("d2", Usage(1_000, 200), "0.003", classifier_cost_usd="0.001")
    answer("d3", Usage(), "0.008", status="failed", model=None, answer_model=None)
    ledger.record("decision", {"id": "d3", "at": NOON.isoformat(), "model": "small", "tier": "low"})
    found = report(ledger, against="tiny")
    assert found["failed"] == 1
    assert found["classifier_cost_usd"] == "0.001"
    against = found["savings"]["against"]
    assert (against["model"], against["baseline_usd"]) == ("small", "0.004")
    assert against["cost_usd"] == "0.013"
    assert against["savings_usd"] == "-0.009"
    assert against["savings_share"] == pytest.approx(-2.25)


def test_the_baseline_knows_caches_and_searches(
    ledger: Ledger, answer: Callable[..., None]
) -> None:
    """Middle: (1,000×3 + 100×15 + 400×3.75 + 200×6 + 5,000×0.3) µ$ + 2 searches at 0.01."""
    answer("d1", Usage(1_000, 100, 400, 200, 5_000, web_searches=2), "0.03")
    assert report(ledger, "middle")["savings"]["against"]["baseline_usd"] == "0.0287"


def test_the_baseline_pays_the_long_card_by_the_converted_prompt(
    ledger: Ledger, answer: Callable[..., None]
) -> None:
    """130,000 tokens of large are 100,000 of small, still short; one more makes it long."""
    answer("d1", Usage(130_000, 130), "1", model="large", tier="high")
    assert report(ledger, "small")["savings"]["against"]["baseline_usd"] == "0.1005"
    answer("d2", Usage(130_013, 0), "1", model="large", tier="high")
    assert report(ledger, "small")["savings"]["against"]["baseline_usd"] == "0.30052"


def test_the_baseline_uses_the_card_in_force_that_day(
    ledger: Ledger, answer: Callable[..., None]
) -> None:
    answer("d1", Usage(1_000), "0.001")
    answer("d2", Usage(1_000), "0.001", at="2026-11-21T00:00:00+00:00")
    assert report(ledger, "large")["savings"]["against"]["baseline_usd"] == "0.039"


def test_batches_cost_half_and_us_only_more(ledger: Ledger, answer: Callable[..., None]) -> None:
    """Large: 1.3 × 10,000 µ$ = 0.013; half of it in a batch; 1.1 times in the US only."""
    answer("d1", Usage(1_000, batch=True), "0.001")
    assert report(ledger, "large")["savings"]["against"]["baseline_usd"] == "0.0065"
    answer("d2", Usage(1_000, us_only=True), "0.001")
    assert report(ledger, "large")["savings"]["against"]["baseline_usd"] == "0.0208"


def test_unpriced_requests_are_counted_and_compared_on_neither_side(
    ledger: Ledger, answer: Callable[..., None]
) -> None:
    answer("d1", Usage(1_000, 200), "0.002")
    answer("d2", Usage(9_000, 900), None, model="mystery")
    answer("d3", Usage(9_000, 900), "0.5", model="nobody-knows")
    found = report(ledger, against="middle")
    assert found["unpriced_requests"] == 1
    assert found["priced_share"] == pytest.approx(2 / 3)
    assert found["cost_usd"] == "0.502"
    against = found["savings"]["against"]
    assert (against["baseline_usd"], against["cost_usd"]) == ("0.006", "0.002")
    assert against["priced_share"] == pytest.approx(1 / 3)
    mystery = report(ledger, against="mystery")["savings"]["against"]
    assert mystery["baseline_usd"] is mystery["savings_usd"] is None


def test_best_constant_is_the_lowest_tier_that_is_enough(
    ledger: Ledger, answer: Callable[..., None]
) -> None:
    for number in range(25):
        tier = "high" if number < 2 else "mid" if number < 10 else "low"
        answer(f"d{number}", Usage(1_000), "0.001", tier=tier)
    found = report(ledger)["savings"]["best_constant"]
    assert (found["tier"], found["model"]) == ("mid", "middle"), "23 of 25 are exactly 92 %"
    assert "23 of 25" in found["note"]
    assert report(ledger, quality=0.93)["savings"]["best_constant"]["tier"] == "high"
    assert report(ledger, quality=0.6)["savings"]["best_constant"]["tier"] == "low"


def test_rates_statuses_latency_and_groups(ledger: Ledger, decision: Make, outcome: Make) -> None:
    for number in range(100):
        tier = "low" if number < 60 else "high"
        ledger.record("decision", decision(f"d{number}", tier=tier, escalated=number < 5))
        done = outcome(
            f"d{number}",
            status="refused" if number < 3 else "truncated" if number < 7 else "ok",
            latency_ms=10.0 * (number + 1),
            ttft_ms=5.0 if number % 2 else None,
            fallback=number < 10,
            escalated=number < 20,
            served_by="large" if number < 10 else "small",
        )
        ledger.record("outcome", done)
    found = report(ledger)
    assert found["escalation_rate"] == 0.05
    assert found["validator_escalation_rate"] == 0.2
    assert found["fallback_rate"] == 0.1
    assert (found["refused"], found["truncated"], found["ok"]) == (3, 4, 93)
    assert found["latency_ms"]["mean"] == 505.0
    assert found["latency_ms"]["p50"] == pytest.approx(500, rel=0.01)
    assert found["latency_ms"]["p95"] == pytest.approx(950, rel=0.01)
    assert found["ttft_ms"]["mean"] == 5.0
    assert found["tokens"]["input_tokens"] == 100_000
    assert [group["key"] for group in found["groups"]] == ["low", "high"]
    assert [group["share"] for group in found["groups"]] == [0.6, 0.4]
    assert found["groups"][0]["avg_cost_usd"] == "0.002"
    by_model = {group["key"]: group for group in report(ledger, by="model")["groups"]}
    assert by_model["large"]["requests"] == 10


def test_quality_counts_the_newest_feedback_of_a_request(
    ledger: Ledger, decision: Make, feedback: Make
) -> None:
    for number, score in enumerate((0.2, 0.69, 0.7, 1.0)):
        ledger.record("decision", decision(f"d{number}"))
        ledger.record("feedback", feedback(f"f{number}", f"d{number}", score=score))
    later = (NOON + timedelta(hours=1)).isoformat()
    ledger.record("feedback", feedback("f9", "d0", score=0.4, success=False, at=later))
    ledger.record("feedback", feedback("f8", "d1", score=0.1, at="2026-11-01T00:00:00Z"))
    found = report(ledger)["quality"]
    assert (found["n"], found["below_threshold"], found["success_rate"]) == (4, 2, 0.0)
    assert found["mean"] == pytest.approx((0.4 + 0.69 + 0.7 + 1.0) / 4)
    assert report(ledger, quality_threshold=0.5)["quality"]["below_threshold"] == 1


def test_feedback_that_comes_before_its_decision_counts_once_it_is_there(
    ledger: Ledger, decision: Make, feedback: Make
) -> None:
    ledger.record("feedback", feedback())
    assert report(ledger)["requests"] == 0
    assert not ledger.decision_exists("d1")
    ledger.record("decision", decision())
    found = report(ledger)
    assert (found["requests"], found["quality"]["n"]) == (1, 1)


def test_sums_are_exact_where_floats_and_64_bits_are_not(ledger: Ledger, outcome: Make) -> None:
    for number in range(1_000):
        ledger.record("outcome", outcome(f"d{number}", cost_usd="0.000000750000"))
    for number in range(3):
        ledger.record("outcome", outcome(f"rich{number}", cost_usd="9000000"))
    assert report(ledger)["cost_usd"] == "27000000.00075"


@pytest.mark.parametrize("minutes", [0, 1, 59, 60, 61, 24 * 60 - 1, 24 * 60, 36 * 60 + 7])
def test_a_period_holds_its_beginning_and_not_its_end(
    ledger: Ledger, decision: Make, minutes: int
) -> None:
    """Days, hours and single requests are added up from different tables."""
    times = [NOON + timedelta(minutes=7 * number) for number in range(600)]
    for number, at in enumerate(times):
        ledger.record("decision", decision(f"d{number}", at=at.isoformat()))
    since = NOON + timedelta(hours=3, minutes=21)
    until = since + timedelta(minutes=minutes)
    expected = sum(since <= at < until for at in times)
    for by in ("tier", "hour", "conversation"):
        assert report(ledger, since=since, until=until, by=by)["requests"] == expected


def test_groups_by_anything(ledger: Ledger, decision: Make) -> None:
    arm = {"name": "trial", "arm": "b", "propensity": 0.5}
    tags = {"team": "search", "paid": True}
    ledger.record("decision", decision("d1", key="web", source="run", tags=tags, experiment=arm))
    ledger.record("decision", decision("d2", conversation="c7"))
    expected: dict[str, list[str | None]] = {
        "day": ["2026-11-20"],
        "week": ["2026-11-16"],
        "month": ["2026-11"],
        "hour": ["2026-11-20T12:00Z"],
        "classifier": ["rules"],
        "provider": ["anthropic"],
        "effort": ["low"],
        "key": [None, "web"],
        "source": [None, "run"],
        "experiment": [None, "trial:b"],
        "conversation": [None, "c7"],
        "tag:team": [None, "search"],
        "tag:paid": [None, "true"],
        "status": [None],
    }
    for by, keys in expected.items():
        assert {group["key"] for group in report(ledger, by=by)["groups"]} == set(keys)


def test_unknown_words_are_errors_that_name_the_valid_ones(ledger: Ledger) -> None:
    with pytest.raises(InvalidRequest, match="did you mean 'tier'"):
        report(ledger, by="tiers")
    with pytest.raises(UnknownModel, match="small"):
        report(ledger, against="smal")
