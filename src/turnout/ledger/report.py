"""Assembling the report: figures for the whole period, for each group, and the savings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from turnout.ledger.queries import IN_TIME, Spend, Tally, slices, spend_of
from turnout.ledger.records import TOKENS
from turnout.ledger.savings import Prices, dollars, mean_dollars, savings
from turnout.ledger.totals import percentile
from turnout.types import Json, Ladder


def build(
    connection: Connection,
    *,
    since: datetime | None,
    until: datetime | None,
    by: str,
    against: str | None,
    catalog: Prices,
    ladder: Ladder,
    quality_threshold: float,
    quality: float,
) -> Json:
    """The report as JSON; `Ledger.report` documents its fields."""
    total, groups = Tally(), dict[str | None, Tally]()
    spends: dict[tuple[Any, ...], Spend] = {}
    for key, item in slices(connection, since, until, by):
        if key not in groups:
            groups[key] = Tally()
        groups[key].add(item[1], item[2])
        spend_of(item, spends)
    for group in groups.values():
        total.merge(group)
    requests = total.sums["requests"]
    return {
        "since": None if since is None else since.isoformat(),
        "until": None if until is None else until.isoformat(),
        "by": by,
        **_figures(total, quality_threshold),
        "groups": [
            {
                "key": key,
                "share": groups[key].sums["requests"] / requests if requests else None,
                **_figures(groups[key], quality_threshold),
            }
            for key in _ordered(groups, by, ladder)
        ],
        "savings": savings(list(spends.values()), catalog, ladder, against, quality),
    }


def _figures(tally: Tally, threshold: float) -> Json:
    sums, statuses = tally.sums, tally.statuses
    finished = sums["finished"]
    priced = finished - tally.unpriced
    return {
        "requests": sums["requests"],
        "finished": finished,
        "attempts": sums["attempts"],
        "cost_usd": dollars(sums["cost_pico"]),
        "classifier_cost_usd": dollars(sums["classifier_pico"]),
        "avg_cost_usd": mean_dollars(sums["cost_pico"], sums["requests"] - tally.unpriced),
        "unpriced_requests": tally.unpriced,
        "priced_share": _share(priced, finished),
        "escalation_rate": _share(sums["escalated"], sums["decided"]),
        "validator_escalation_rate": _share(sums["validator_escalated"], finished),
        "fallback_rate": _share(sums["fallback"], finished),
        **{
            name: statuses.get(name, 0)
            for name in ("ok", "refused", "failed", "truncated", "cancelled")
        },
        "latency_ms": _spread(sums["latency_us"], sums["latency_n"], sums.latency),
        "ttft_ms": _spread(sums["ttft_us"], sums["ttft_n"], sums.ttft),
        "input_tokens": sums["input_tokens"],
        "output_tokens": sums["output_tokens"],
        "tokens": {name: sums[name] for name in TOKENS},
        "quality": _quality(tally, threshold),
    }


def _quality(tally: Tally, threshold: float) -> Json:
    sums = tally.sums
    below = sum(n for hundredth, n in sums.scores.items() if hundredth < round(threshold * 100))
    mean = _share(sums["score_ppm"], sums["scored"])
    return {
        "rated": sums["rated"],
        "n": sums["scored"],
        "mean": None if mean is None else mean / 1_000_000,
        "threshold": threshold,
        "below_threshold": below,
        "success_rate": _share(sums["succeeded"], sums["judged"]),
    }


def _spread(total_us: int, count: int, spread: Mapping[int, int]) -> Json:
    return {
        "mean": total_us / count / 1000 if count else None,
        "p50": _rounded(percentile(spread, 0.50)),
        "p95": _rounded(percentile(spread, 0.95)),
    }


def _rounded(ms: float | None) -> float | None:
    return None if ms is None else round(ms, 3)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _ordered(groups: Mapping[str | None, Tally], by: str, ladder: Ladder) -> list[str | None]:
    """Time runs forward, tiers go up the ladder, anything else comes dearest first."""
    if by in IN_TIME:
        return sorted(groups, key=str)
    if by in ("tier", "served_tier"):
        rank = {name: number for number, name in enumerate(ladder.names)}
        return sorted(groups, key=lambda key: (rank.get(str(key), len(rank)), str(key)))
    return sorted(groups, key=lambda key: (-groups[key].sums["cost_pico"], str(key)))
