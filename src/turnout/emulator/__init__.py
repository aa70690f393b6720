"""A strict stand-in for the Claude API: for tests, demos and work without a key."""

from turnout.emulator.app import Emulator
from turnout.emulator.replay import Replay
from turnout.emulator.reply import RecordedRequest
from turnout.emulator.script import (
    Do,
    Failure,
    Refusal,
    Rule,
    Script,
    StreamFailure,
    When,
)
from turnout.emulator.server import run, serve

__all__ = [
    "Do",
    "Emulator",
    "Failure",
    "RecordedRequest",
    "Refusal",
    "Replay",
    "Rule",
    "Script",
    "StreamFailure",
    "When",
    "run",
    "serve",
]
