"""What every command shares: --config, an example in its help, input and output."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from turnout.errors import InvalidRequest

Function = Callable[..., Any]


def command(example: str, name: str | None = None) -> Callable[[Function], click.Command]:
    """A command with `--config` and an example at the end of its help."""

    def decorate(function: Function) -> click.Command:
        lines = "\n".join(f"  {line}" for line in example.strip().splitlines())
        epilog = f"\b\nExample:\n{lines}"
        return click.command(name, epilog=epilog)(config_option(function))

    return decorate


def config_option(function: Function) -> Function:
    """Adds `--config`, for commands and for the commands of a group."""
    return click.option("--config", type=click.Path(), help="Settings file to use.")(function)


def json_option(function: Function) -> Function:
    """Adds `--json`: machine output on stdout and nothing else there."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def print_json(value: Any) -> None:
    """One JSON document on stdout; what stdout cannot say, lone surrogates too, is escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=2)
    click.echo(text)


def read_input(prompt: str | None, file: str | None) -> Any:
    """The prompt of the argument, of stdin (`-`) or of a file.

    A file that ends in .json holds a Messages body or a list of messages.
    """
    if prompt is not None and prompt != "-" and file is not None:
        raise click.UsageError("give a prompt or --file, not both")
    if file is not None:
        return _read_file(Path(file))
    if (prompt is None or prompt == "-") and sys.stdin is None:
        raise click.UsageError("standard input is closed; give a prompt or --file FILE")
    if prompt is None and sys.stdin.isatty():
        raise click.UsageError("give a prompt, - for standard input, or --file FILE")
    if prompt is None or prompt == "-":
        return _decode(sys.stdin.buffer.read(), "standard input")
    return _decode(os.fsencode(prompt), "the prompt")


def _read_file(path: Path) -> Any:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InvalidRequest("file", f"{path} cannot be read: {error.strerror}") from error
    text = _decode(raw, str(path))
    if path.suffix.lower() != ".json":
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidRequest("file", f"{path} is not valid JSON: {error}") from error
    except RecursionError as error:
        raise InvalidRequest("file", f"{path} is nested too deeply") from error


def _decode(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRequest("prompt", f"{name} is not UTF-8 text: {error.reason}") from error
