"""Help fits a screen, every command has an example, and errors are a line or two."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from turnout.cli import COMMANDS, cli, exit_code
from turnout.errors import (
    AllAttemptsFailed,
    BudgetExceeded,
    ConfigError,
    InvalidRequest,
    LedgerError,
    NoEligibleModel,
    Refused,
    Truncated,
    TurnoutError,
    UnknownModel,
    UnknownTier,
    UnpricedModel,
)
from turnout.types import Usage

DECISION: Any = None


def paths() -> list[tuple[str, ...]]:
    """Every command and every command of a group."""
    found: list[tuple[str, ...]] = []
    with click.Context(cli) as ctx:
        for name in COMMANDS:
            command = cli.get_command(ctx, name)
            found.append((name,))
            if isinstance(command, click.Group):
                found += [(name, inner) for inner in command.commands]
    return found


PATHS = paths()


def test_the_top_level_help_fits_a_screen(run: Any) -> None:
    done = run("--help")
    lines = done.out.splitlines()
    assert done.code == 0
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    for name in COMMANDS:
        assert f"  {name} " in done.out


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_every_commands_help_fits_the_width_and_says_what_it_does(
    run: Any, path: tuple[str, ...]
) -> None:
    for flag in ("--help", "-h"):
        done = run(*path, flag)
        assert (done.code, done.err) == (0, "")
        lines = done.out.splitlines()
        assert max(map(len, lines)) <= 80
        assert lines[0].startswith(f"Usage: turnout {' '.join(path)}")
        assert lines[2].strip().endswith((".", ":", ",")) or lines[3].strip()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example(run: Any, name: str) -> None:
    example = run(name, "--help").out.partition("Example:")[2]
    assert f"turnout {name}" in example


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_every_command_takes_config(run: Any, path: tuple[str, ...]) -> None:
    with click.Context(cli) as ctx:
        command = cli.get_command(ctx, path[0])
        for name in path[1:]:
            assert isinstance(command, click.Group)
            command = command.commands[name]
    if not isinstance(command, click.Group):
        assert "--config" in run(*path, "--help").out


@pytest.mark.parametrize(
    "arguments",
    [
        ("route", "x"),
        ("models",),
        ("models", "list"),
        ("models", "show", "claude-opus-5-5"),
        ("models", "check"),
        ("cost-model",),
        ("report",),
        ("feedback", "dec_1", "--score", "1"),
        ("config", "check"),
        ("config", "show"),
        ("ledger", "export"),
        ("emulate",),
        ("demo",),
    ],
    ids=" ".join,
)
def test_a_settings_file_that_is_missing_is_an_error_everywhere(
    run: Any, arguments: tuple[str, ...]
) -> None:
    done = run(*arguments, "--config", "missing.toml")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("turnout: missing.toml: no such config file")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("bogus",),
        ("models", "bogus"),
        ("route", "--bogus"),
        ("models", "show"),
        ("route", "a", "b"),
        ("route", "x", "--quality", "high"),
        ("report", "--format", "pdf"),
        ("emulate", "--port", "99999"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2_and_points_to_the_help(
    run: Any, arguments: tuple[str, ...]
) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "--help" in done.err
    if arguments:
        assert len(done.err.splitlines()) == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 2),
        (InvalidRequest("x", "y"), 2),
        (UnknownModel("x", ["y"]), 2),
        (UnknownTier("x", ["y"]), 2),
        (NoEligibleModel({"x": "y"}), 2),
        (UnpricedModel("x"), 2),
        (Refused(None, DECISION, (), Usage()), 3),
        (BudgetExceeded("x", budget="day", limit_usd=1, spent_usd=2), 4),
        (Truncated(DECISION, (), "max_tokens"), 1),
        (AllAttemptsFailed(DECISION, ()), 1),
        (LedgerError("x"), 1),
        (TurnoutError("x"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_each_error_exits_with(error: TurnoutError, code: int) -> None:
    assert exit_code(error) == code


def turnout(*arguments: str, **how: Any) -> subprocess.CompletedProcess[Any]:
    command = [sys.executable, "-m", "turnout", *arguments]
    return subprocess.run(command, capture_output=True, check=False, timeout=30, **how)


def test_the_version() -> None:
    done = turnout("--version", text=True)
    assert (done.returncode, done.stdout) == (0, "turnout 0.1.0\n")


def test_a_surprise_is_a_line_and_debug_shows_where(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import turnout.cli.decide

    def broken(*given: Any, **named: Any) -> None:
        raise RuntimeError("a bug\nof two lines")

    monkeypatch.setattr(turnout.cli.decide, "Router", broken)
    done = run("route", "x")
    assert done.code == 1
    assert done.err.splitlines() == [
        "turnout: RuntimeError: a bug of two lines",
        "This should not happen; --debug shows where.",
    ]
    with pytest.raises(RuntimeError, match="a bug"):
        turnout.cli.main(["route", "x", "--debug"])


def test_debug_shows_where_an_error_comes_from(run: Any) -> None:
    from turnout.cli import main

    with pytest.raises(UnknownTier):
        main(["route", "x", "--tier", "bogus", "--debug"])


def test_a_reader_that_has_gone_is_no_error(tmp_path: Path) -> None:
    """As in `turnout models --json | head -1`."""
    command = f"'{sys.executable}' -m turnout models --json | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[\n", "")


def test_standard_input_that_is_closed_is_an_error_of_usage() -> None:
    """It was a traceback."""
    command = f"'{sys.executable}' -m turnout route <&-"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "standard input is closed" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_old_terminal_gets_what_it_can_show() -> None:
    import os

    arguments = ("route", "x", "--min-tier", "mid", "--explain")
    done = turnout(*arguments, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert b"Changed by" in done.stdout
    assert b"Traceback" not in done.stderr
