"""`turnout config`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import click
import msgspec

from turnout import config as settings_of
from turnout.cli.command import config_option, json_option, print_json
from turnout.errors import ConfigError
from turnout.router import Router

_PASSWORD = re.compile(r"(://[^:/@]*):[^/]*@")


@click.group(epilog="\b\nExample:\n  turnout config init")
def config() -> None:
    """The settings: write, check, show."""


@config.command()
@click.argument("path", type=click.Path(), required=False)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@config_option
def init(path: str | None, force: bool, config: str | None) -> None:
    """Write the annotated settings file to PATH or --config, else to your config folder."""
    if path and config:
        raise click.UsageError("give PATH or --config, not both")
    named = path or config
    target = Path(named) if named else settings_of.user_file()
    if target.exists() and not force:
        raise ConfigError(f"{target} exists; --force replaces it")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(settings_of.template(), "utf-8")
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror}") from error
    click.echo(f"wrote {target}")


@config.command()
@config_option
def check(config: str | None) -> None:
    """Check the settings, ladder, rules and models included."""
    router = Router(config, ledger=False)
    click.echo(
        f"fine: {_sources(config)}; ladder {router.ladder.name} ({', '.join(router.ladder.names)})"
    )


@config.command()
@config_option
@json_option
def show(config: str | None, as_json: bool) -> None:
    """Show the settings in force."""
    values: dict[str, Any] = msgspec.to_builtins(settings_of.load(config))
    if url := values["ledger"]["url"]:
        values["ledger"]["url"] = _PASSWORD.sub(r"\1:***@", url)
    if as_json:
        print_json(values)
        return
    click.echo(f"# from {_sources(config)}")
    for key, value in _flat(values):
        click.echo(f"{key} = {value!r}" if value is not None else f"# {key} is not set")


def _sources(config: str | None) -> str:
    """The files that were read, in the order in which they win."""
    own = settings_of.find(config)
    named = config is not None or os.environ.get("TURNOUT_CONFIG")
    here = Path("turnout.toml")
    files = [str(here.absolute())] if not named and here.is_file() else []
    files += [str(own)] if own else []
    return ", ".join([*files, "defaults and environment"])


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in values.items():
        if isinstance(value, dict) and value and key not in ("models", "tiers"):
            rows += _flat(value, f"{prefix}{key}.")
        else:
            rows.append((prefix + key, value))
    return rows
