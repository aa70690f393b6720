"""Real programs against real processes: other clients, and the package as it is installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.clients
ROOT = Path(__file__).parents[2]
NODE = Path(__file__).parent / "node"


def need(available: object, what: str) -> None:
    """Skip by name where a tool is missing; on CI that is a failure."""
    if available:
        return
    if os.environ.get("REQUIRE_ALL_TOOLS"):
        pytest.fail(f"{what} is missing, and here it must not be")
    pytest.skip(f"{what} is missing; .ci/run installs it")


@pytest.fixture(scope="module")
def emulator_url() -> Iterator[str]:
    """`turnout emulate` as a process of its own, on a free port."""
    with subprocess.Popen(
        [sys.executable, "-m", "turnout", "emulate", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found is not None
        yield found[0]
        process.terminate()


def test_the_typescript_sdk_talks_to_the_emulator(emulator_url: str) -> None:
    need(shutil.which("node"), "Node")
    need((NODE / "node_modules" / "@anthropic-ai" / "sdk").exists(), "the TypeScript SDK")
    done = subprocess.run(
        ["node", "talk.mjs", emulator_url], cwd=NODE, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["plain"]["model"] == "claude-haiku-5-5"
    assert seen["plain"]["blocks"] == ["thinking", "text"]
    assert seen["stream"] == {**seen["stream"], "model": "claude-opus-5-5", "same": True}
    assert seen["refusal"] == {"stop": "refusal", "blocks": 0}
    assert seen["error"]["status"] == 400
    assert "thinking" in seen["error"]["message"]
    assert seen["count"] > 0
    assert seen["models"] >= 15


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's contents, apart from the source tree."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(folder), str(ROOT)], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_demo_works_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed), "HOME": str(tmp_path)}
    where = "import turnout; print(turnout.__file__)"
    for arguments in (["-c", where], ["-m", "turnout", "demo", "--json"]):
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        if arguments[0] == "-c":
            assert done.stdout.startswith(str(installed))
    assert len(json.loads(done.stdout)["requests"]) >= 20
