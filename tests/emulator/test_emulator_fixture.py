"""The fixtures that users import into their own conftest, and the blocking server."""

from __future__ import annotations

import socket
import subprocess
import sys

import anthropic
import pytest

from turnout.emulator import Emulator, run, serve
from turnout.emulator.fixture import emulator, emulator_url
from turnout.errors import ConfigError

__all__ = ["emulator", "emulator_url"]


def test_the_fixtures_give_an_emulator_and_its_url(emulator: Emulator, emulator_url: str) -> None:
    with anthropic.Anthropic(api_key="test", base_url=emulator_url) as client:
        assert client.models.retrieve("claude-opus-5").line == "opus"
    assert [request.path for request in emulator.requests] == ["/v1/models/claude-opus-5"]


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1 port {port}"):
            run(Emulator(), port=port)
        with pytest.raises(ConfigError, match="cannot listen"), serve(Emulator(), port=port):
            pass


def test_running_until_interrupted() -> None:
    code = (
        "from turnout.emulator import *; "
        "run(Emulator(), port=0, ready=lambda url: print(url, flush=True))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        with anthropic.Anthropic(api_key="test", base_url=url) as client:
            assert client.models.retrieve("claude-opus-5").id == "claude-opus-5"
        server.terminate()
        server.wait(5)
