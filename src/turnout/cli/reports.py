"""`turnout report` and `turnout feedback`."""

from __future__ import annotations

import csv
import re
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import click

from turnout.cli.command import command, json_option, print_json
from turnout.cli.tables import print_table, share
from turnout.errors import InvalidRequest
from turnout.explain import dollars
from turnout.ledger import utc_now
from turnout.router import Router
from turnout.types import Json

FORMATS = ("table", "json", "csv")
_AGO = re.compile(r"(\d+)([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@command("turnout report --since 7d --by model\nturnout report --against claude-opus-5-5")
@click.option("--since", help="30m, 24h, 7d, 4w, or a date: 2026-11-01.")
@click.option("--until", help="The same; up to but not including it.")
@click.option("--by", default="tier", show_default=True, help="tier, model, day, classifier, …")
@click.option("--against", metavar="MODEL", help="Compare with this model for everything.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Default: table.")
@json_option
def report(
    since: str | None,
    until: str | None,
    by: str,
    against: str | None,
    form: str | None,
    as_json: bool,
    config: str | None,
) -> None:
    """Spend, mix, savings, latency and quality, from the ledger."""
    if as_json and form not in (None, "json"):
        raise click.UsageError(f"--json and --format {form} exclude each other")
    with Router(config) as router:
        found = router.report(
            since=moment("since", since), until=moment("until", until), by=by, against=against
        )
    if as_json or form == "json":
        print_json(found)
    elif form == "csv":
        _csv(found)
    else:
        print_report(found)


def moment(field: str, text: str | None) -> datetime | None:
    """A point in time from `7d` or an ISO date; without a zone it is UTC."""
    if text is None:
        return None
    ago = _AGO.fullmatch(text)
    try:
        if ago:
            return utc_now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        valid = "30m, 24h, 7d, 4w or a date such as 2026-11-01"
        raise InvalidRequest(field, f"{text!r} is not {valid}") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def print_report(found: Json) -> None:
    """The report as tables."""
    if not found["requests"]:
        click.echo("The ledger holds no requests for this period; `turnout run` records them.")
        return
    rows = [_row(str(g["key"] or "–"), g) for g in found["groups"]]
    rows.append(_row("all", {**found, "share": 1.0}))
    columns = (found["by"], "requests", "share", "cost", "per request", "in", "out", "p50 ms")
    print_table(f"Spend by {found['by']}", (*columns, "p95 ms", "quality"), rows)
    _print_savings(found["savings"])
    _print_rates(found)


def _row(key: str, group: Json) -> tuple[Any, ...]:
    latency = group["latency_ms"]
    return (
        key,
        group["requests"],
        share(group["share"]),
        _money(group["cost_usd"]),
        _money(group["avg_cost_usd"]),
        group["input_tokens"],
        group["output_tokens"],
        _whole(latency["p50"]),
        _whole(latency["p95"]),
        _number(group["quality"]["mean"]),
    )


def _print_savings(savings: Json) -> None:
    rows = []
    names = {"dearest": "the dearest", "best_constant": "the best constant", "against": "named"}
    for kind, name in names.items():
        item = savings[kind]
        if item is not None:
            rows.append(
                (
                    f"{name}: {item['model']}",
                    _money(item["baseline_usd"]),
                    _money(item["cost_usd"]),
                    _money(item["savings_usd"]),
                    share(item["savings_share"]),
                    share(item["priced_share"]),
                )
            )
    columns = ("everything from", "would cost", "cost", "saved", "share", "priced")
    print_table("Savings (signed)", columns, rows)


def _print_rates(found: Json) -> None:
    rates = {
        "escalated": found["escalation_rate"],
        "by a validator": found["validator_escalation_rate"],
        "fell back": found["fallback_rate"],
    }
    parts = [f"{name} {share(value) or '–'}" for name, value in rates.items()]
    parts += [f"{name} {found[name]}" for name in ("refused", "failed", "truncated") if found[name]]
    if found["unpriced_requests"]:
        parts.append(f"unpriced {found['unpriced_requests']}")
    parts.append(f"classification {_show(found['classifier_cost_usd'])}")
    click.echo("  " + " · ".join(parts))


def _csv(found: Json) -> None:
    columns = ("requests", "share", "cost_usd", "avg_cost_usd", "input_tokens", "output_tokens")
    writer = csv.writer(sys.stdout)
    writer.writerow((found["by"], *columns, "latency_p50_ms", "latency_p95_ms", "quality_mean"))
    for group in found["groups"]:
        latency = group["latency_ms"]
        writer.writerow(
            (
                group["key"],
                *(group[name] for name in columns),
                latency["p50"],
                latency["p95"],
                group["quality"]["mean"],
            )
        )


def _money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _show(text: str | None) -> str:
    return "–" if text is None else dollars(Decimal(text))


def _whole(value: float | None) -> str | None:
    return None if value is None else f"{value:,.0f}"


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"


@command("turnout feedback dec_1a1f… --score 0.9\nturnout feedback dec_1a1f… --failure")
@click.argument("decision")
@click.option("--score", type=float, help="How good the answer was, 0..1.")
@click.option("--success/--failure", default=None, help="Whether it did the job.")
@click.option("--note", default="", help="Anything worth keeping.")
@json_option
def feedback(
    decision: str,
    score: float | None,
    success: bool | None,
    note: str,
    as_json: bool,
    config: str | None,
) -> None:
    """Score the decision with the id DECISION."""
    with Router(config) as router:
        given = router.feedback(decision, score, success=success, note=note)
    if as_json:
        print_json({"id": given.id, "decision": given.decision, "score": given.score})
    else:
        click.echo(f"noted for {given.decision}")
