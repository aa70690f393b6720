"""Odd places to be called from: no traceback, one line that says what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TURNOUT = (sys.executable, "-m", "turnout")


def run(*arguments: str, cwd: Path, **environment: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [*TURNOUT, *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_rule_with_a_pattern_is_refused_in_a_working_folder(tmp_path: Path) -> None:
    """A bad pattern takes for ever, and the folder may be somebody else's."""
    rule = '[[rules]]\nname = "x"\ntier = "low"\npattern = "a*a*a*a*a*a*a*b"\n'
    (tmp_path / "turnout.toml").write_text(rule)
    code, out, err = run("route", "a" * 3000, cwd=tmp_path)
    assert (code, out) == (2, "")
    assert "a pattern cannot be set from a working folder" in err


@pytest.mark.parametrize("text", ["quality = " + "[" * 5000, "quality = " + "9" * 5000])
def test_a_config_beyond_all_limits_is_a_plain_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "turnout.toml").write_text(text)
    code, _, err = run("route", "hi", cwd=tmp_path)
    assert code == 2
    assert "Traceback" not in err
    assert "turnout.toml" in err


def test_a_home_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    code, _, err = run("route", "hi", "--config", "~nobody-here/x", cwd=tmp_path)
    assert (code, err) == (2, "turnout: ~nobody-here/x: there is no such home folder\n")


def test_routing_works_in_a_folder_that_has_been_deleted(tmp_path: Path) -> None:
    script = f"cd {tmp_path} && mkdir gone && cd gone && rmdir ../gone && exec {sys.executable} "
    done = subprocess.run(
        ["sh", "-c", f"{script} -P -m turnout route hi"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("claude-")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_under_standard_output_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*TURNOUT, "models"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (1, "turnout: output: No space left on device\n")


def test_a_base_url_that_is_none_is_named(tmp_path: Path) -> None:
    code, _, err = run(
        "run", "hi", cwd=tmp_path, ANTHROPIC_API_KEY="k", ANTHROPIC_BASE_URL="http://[::"
    )
    assert code == 2
    assert "ANTHROPIC_BASE_URL" in err


def test_a_prompt_after_two_dashes_is_a_prompt(tmp_path: Path) -> None:
    code, out, _ = run("route", "--", "--debug", cwd=tmp_path)
    assert code == 0
    assert out.startswith("claude-")
