"""`turnout doctor`: checks that everything is in order, and says what to do where it is not."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import click

from turnout import config as settings_of
from turnout.catalog.sync import retirements
from turnout.cli.command import command, json_option, print_json
from turnout.errors import TurnoutError
from turnout.ledger import utc_now
from turnout.router import Router

FINE, WARNING, BROKEN = "fine", "warning", "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked."""

    check: str
    state: str
    text: str


@command("turnout doctor --live")
@click.option("--live", is_flag=True, help="Also ask the API for its model list; needs a key.")
@json_option
def doctor(live: bool, as_json: bool, config: str | None) -> None:
    """Check settings, catalog, ledger and key. Exit code 1 if something is broken."""
    found = list(_findings(config, live))
    if as_json:
        print_json([{"check": f.check, "state": f.state, "text": f.text} for f in found])
    else:
        for finding in found:
            click.echo(f"{finding.state:<8} {finding.check:<10} {finding.text}")
    if any(finding.state == BROKEN for finding in found):
        raise click.exceptions.Exit(1)


def _findings(config: str | None, live: bool) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", FINE, version)
    try:
        path = settings_of.find(config)
        router = Router(config)
    except TurnoutError as error:
        yield Finding("settings", BROKEN, str(error))
        return
    with router:
        yield Finding("settings", FINE, str(path or "defaults and environment"))
        checks: list[Callable[[Router], Iterator[Finding]]] = [_route, _models, _ledger, _key]
        for check in [*checks, _live] if live else checks:
            yield from check(router)


def _route(router: Router) -> Iterator[Finding]:
    decision = router.route("What is the capital of Peru?")
    text = f"{decision.model} in {decision.elapsed_us / 1000:.1f} ms, nothing sent"
    yield Finding("routing", FINE, text)


def _models(router: Router) -> Iterator[Finding]:
    rows = [r for r in retirements(router.catalog, router.ladder, utc_now()) if r["on_ladder"]]
    if not rows:
        yield Finding("models", FINE, f"nothing on ladder {router.ladder.name} is about to retire")
    for row in rows:
        state = BROKEN if row["retired"] else WARNING
        yield Finding("models", state, f"{row['model']}: {row['warning']} {row['when']}")


def _ledger(router: Router) -> Iterator[Finding]:
    ledger = router.ledger
    if ledger is None:
        yield Finding("ledger", WARNING, "recording is off: ledger.enabled = false")
        return
    try:
        ledger.ingest()
    except TurnoutError as error:
        yield Finding("ledger", BROKEN, str(error))
    status = ledger.status()
    waiting = (
        f"{status.pending_records} records waiting" if status.pending_records else "up to date"
    )
    yield Finding("ledger", FINE, f"{status.url}, {waiting}")
    if status.rejects:
        yield Finding("ledger", WARNING, f"{status.rejects} records were refused as malformed")
    if status.write_errors or status.dropped:
        text = f"{status.write_errors} failed writes, {status.dropped} records lost"
        yield Finding("ledger", BROKEN, f"{text}: {status.last_error}")


def _key(router: Router) -> Iterator[Finding]:
    name = router.settings.api.key_env
    if os.environ.get(name) or os.environ.get("ANTHROPIC_AUTH_TOKEN"):
        yield Finding("key", FINE, "set")
    else:
        text = f"{name} is not set: routing works, `turnout run` does not"
        yield Finding("key", WARNING, text)


def _live(router: Router) -> Iterator[Finding]:
    import anthropic

    try:
        names: list[Any] = [entry.id for entry in router.client.models.list(limit=1000)]
    except (TurnoutError, anthropic.AnthropicError) as error:
        yield Finding("api", BROKEN, f"the model list cannot be read: {error}")
        return
    yield Finding("api", FINE, f"{len(names)} models; `turnout models sync` compares them")
