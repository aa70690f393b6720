"""`turnout emulate`."""

from __future__ import annotations

import click

from turnout.cli.command import command

EXAMPLE = """turnout emulate --port 8788
export ANTHROPIC_BASE_URL=http://127.0.0.1:8788 ANTHROPIC_API_KEY=any
turnout run hello"""


@command(EXAMPLE)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8788, show_default=True, type=click.IntRange(0, 65535))
@click.option("--script", type=click.Path(), help="Scripted replies and faults: JSON or TOML.")
@click.option("--zero-retention", is_flag=True, help="Act as a zero-retention organisation.")
def emulate(
    host: str, port: int, script: str | None, zero_retention: bool, config: str | None
) -> None:
    """Serve a strict emulator of the Claude API until interrupted."""
    from turnout import config as settings_of
    from turnout.emulator import Emulator, run

    settings_of.load(config)
    emulator = Emulator(script, zero_retention=zero_retention)
    run(emulator, host, port, ready=lambda url: click.echo(f"emulating the Claude API at {url}"))
