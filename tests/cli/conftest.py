"""Runs commands in this process, and the emulator that they talk to."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pytest

from turnout.cli import main
from turnout.emulator import Emulator, serve


class Done(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document and nothing else."""
        return json.loads(self.out)


Run: TypeAlias = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `turnout` with the arguments given; `stdin=` is what is piped in."""

    def start(*arguments: str, stdin: bytes = b"") -> Done:
        capsys.readouterr()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        with pytest.raises(SystemExit) as stop:
            main([*arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        assert isinstance(stop.value.code, int)
        return Done(stop.value.code, out, err)

    return start


@pytest.fixture(scope="module")
def emulator() -> Iterator[tuple[Emulator, str]]:
    """One emulator on a socket for a whole module, and its URL."""
    made = Emulator()
    with serve(made) as url:
        yield made, url


@pytest.fixture
def api(
    emulator: tuple[Emulator, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Emulator:
    """A key, the emulator as upstream, and a ledger in a folder of the test's own."""
    made, url = emulator
    made.reset()
    monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test")
    monkeypatch.setenv("TURNOUT_LEDGER_FOLDER", str(tmp_path / "ledger"))
    return made
