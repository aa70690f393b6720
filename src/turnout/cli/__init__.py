"""The command line. Commands load when used, so that `turnout route` starts quickly."""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module

import click

from turnout.errors import (
    BudgetExceeded,
    ConfigError,
    InvalidRequest,
    NoEligibleModel,
    Refused,
    TurnoutError,
    UnpricedModel,
)

FAILED, USAGE, REFUSED, BUDGET = 1, 2, 3, 4

COMMANDS = {
    "route": ("decide", "Decide which model should answer a prompt; offline, no key."),
    "run": ("decide", "Route a prompt and have it answered."),
    "demo": ("demo", "See the whole product work, with no key."),
    "emulate": ("emulate", "Serve a strict emulator of the Claude API."),
    "models": ("models", "The catalog: list, show, sync, check."),
    "cost-model": ("models", "What a mix of traffic costs, routed and not."),
    "report": ("reports", "Spend, mix, savings, latency, quality."),
    "feedback": ("reports", "Score an earlier decision."),
    "ledger": ("ledger", "Export, import, back up or prune the record."),
    "config": ("settings", "Write, check or show the settings."),
    "doctor": ("doctor", "Check that everything is in order."),
}
"""Command name to its module and its line of help."""


class Commands(click.Group):
    """Imports a command's module when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = import_module(f"turnout.cli.{COMMANDS[name][0]}")
        command: click.Command = getattr(module, name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="turnout", message="turnout %(version)s")
def cli() -> None:
    """Send each request to the cheapest model that can answer it.

    Start with `turnout demo`. Every command explains itself: `turnout route --help`.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 fine, 1 failed, 2 usage, 3 refused, 4 budget."""
    sys.exit(_run(sys.argv[1:] if arguments is None else arguments))


def _run(arguments: list[str]) -> int:
    # after `--` a word is a prompt, whatever it looks like
    ours = arguments[: arguments.index("--")] if "--" in arguments else arguments
    debug = "--debug" in ours
    rest = arguments[len(ours) :]
    if sys.stdout is None:  # closed by the caller: there is nobody to answer
        return _say("standard output is closed", FAILED)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # an arrow must not fail on an old terminal
    try:
        code = cli.main(
            [a for a in ours if a != "--debug"] + rest, "turnout", standalone_mode=False
        )
    except click.exceptions.Abort:
        return _say("stopped", 130)
    except click.ClickException as error:
        if debug:
            raise
        hint = ""
        if isinstance(error, click.UsageError) and error.ctx is not None:
            hint = f"\nTry `{error.ctx.command_path} --help`."
        wrong_use = isinstance(error, (click.UsageError, click.FileError))
        return _say(error.format_message() + hint, USAGE if wrong_use else FAILED)
    except TurnoutError as error:
        if debug:
            raise
        return _say(str(error), exit_code(error))
    except BrokenPipeError:
        # The reader has gone, as in `turnout report | head`; nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if debug:
            raise
        return _say(f"{error.filename or 'output'}: {error.strerror or error}", FAILED)
    except Exception as error:
        # The last stop: people get a line, not a traceback.
        if debug:
            raise
        text = " ".join(f"{type(error).__name__}: {error}".split())
        return _say(f"{text}\nThis should not happen; --debug shows where.", FAILED)
    return code if isinstance(code, int) else 0


def exit_code(error: TurnoutError) -> int:
    """The exit code that an error stands for."""
    if isinstance(error, (ConfigError, InvalidRequest, NoEligibleModel, UnpricedModel)):
        return USAGE
    if isinstance(error, Refused):
        return REFUSED
    return BUDGET if isinstance(error, BudgetExceeded) else FAILED


def _say(text: str, code: int) -> int:
    click.echo(f"turnout: {text}", err=True)
    return code
