"""`turnout ledger`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from turnout.cli.command import config_option, json_option, print_json
from turnout.cli.reports import moment
from turnout.errors import InvalidRequest, LedgerError
from turnout.ledger import Ledger, utc_now
from turnout.router import Router


@click.group(epilog="\b\nExample:\n  turnout ledger export backup.jsonl")
def ledger() -> None:
    """The record: export, import, back up, prune."""


@ledger.command("export")
@click.argument("to", type=click.Path(), default="-")
@config_option
def export(to: str, config: str | None) -> None:
    """Write everything as JSON lines to TO, or to standard output."""
    with Router(config) as router:
        count = _of(router).export(_stdout() if to == "-" else Path(to))
    click.echo(f"exported {count:,} records", err=True)


@ledger.command("import")
@click.argument("source", type=click.Path())
@config_option
def import_(source: str, config: str | None) -> None:
    """Read an export from SOURCE (- for standard input); what is known already is left alone."""
    with Router(config) as router:
        stream: Any = sys.stdin.buffer if source == "-" else _existing(source)
        try:
            count = _of(router).import_(stream)
        except LedgerError as error:
            raise InvalidRequest("source", str(error)) from error
    click.echo(f"imported {count:,} new records", err=True)


@ledger.command()
@click.argument("to", type=click.Path())
@config_option
def backup(to: str, config: str | None) -> None:
    """Write a consistent copy to TO while others go on writing."""
    with Router(config) as router:
        path = _of(router).backup(Path(to))
    click.echo(f"backed up to {path}", err=True)


@ledger.command()
@click.argument("before")
@click.option("--dry-run", is_flag=True, help="Say what would go.")
@json_option
@config_option
def prune(before: str, dry_run: bool, as_json: bool, config: str | None) -> None:
    """Forget requests older than BEFORE: 90d, or a date."""
    limit = moment("before", before)
    assert limit is not None, "a required argument"
    if limit > utc_now():
        raise InvalidRequest("before", f"{before} is in the future")
    with Router(config) as router:
        gone = _of(router).prune(limit, dry_run=dry_run)
    if as_json:
        print_json({name: getattr(gone, name) for name in gone.__slots__})
    else:
        verb = "would forget" if dry_run else "forgot"
        click.echo(f"{verb} {gone.requests:,} requests and {gone.attempts:,} attempts")


def _of(router: Router) -> Ledger:
    found = router.ledger
    if found is None:
        raise InvalidRequest("ledger.enabled", "recording is off in your settings")
    return found


def _existing(source: str) -> Path:
    path = Path(source)
    if not path.is_file():
        raise InvalidRequest("source", f"{source} is not a file")
    return path


def _stdout() -> Any:
    return sys.stdout.buffer
