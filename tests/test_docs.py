"""Every statement of the README and the docs that can run, runs."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import turnout
from turnout import catalog, config
from turnout.emulator import Emulator, serve

ROOT = Path(__file__).parent.parent
ELSEWHERE = ("emulator.md", "ledger.md", "classifiers.md")
"""Pages whose examples are tested beside the code they are about."""

PAGES = [
    "README.md",
    *(f"docs/{p.name}" for p in sorted((ROOT / "docs").glob("*.md")) if p.name not in ELSEWHERE),
]
BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    with serve(Emulator()) as url:
        yield url


@pytest.fixture
def environment(api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key, an upstream and a ledger of the test's own."""
    monkeypatch.setenv("ANTHROPIC_BASE_URL", api)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test")
    monkeypatch.setenv("TURNOUT_LEDGER_FOLDER", str(tmp_path / "ledger"))
    monkeypatch.chdir(tmp_path)


def blocks(page: str, kind: str) -> list[str]:
    text = (ROOT / page).read_text("utf-8")
    return [match["text"] for match in BLOCK.finditer(text) if match["kind"] == kind]


def table(page: str, name: str) -> list[list[str]]:
    """The rows of a marked table, heading left out."""
    text = (ROOT / page).read_text("utf-8")
    part = text.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0]
    rows = [line.strip("| ").split(" | ") for line in part.strip().splitlines()]
    return rows[2:]


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # a page does not close its clients
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "pycon")])
def test_python_examples_print_what_the_page_says(page: str, environment: None) -> None:
    source = "\n".join(blocks(page, "pycon"))
    example = doctest.DocTestParser().get_doctest(source, {}, page, page, 0)
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    runner.run(example, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "console")])
def test_commands_print_what_the_page_says(page: str, environment: None) -> None:
    for block in blocks(page, "console"):
        for command, expected in commands(block):
            done = subprocess.run(
                [sys.executable, "-m", *shlex.split(command)],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            assert fits(expected, done.stdout), f"{command}\n{done.stdout}"


def commands(block: str) -> Iterator[tuple[str, str]]:
    """Each `$ command` with the output under it."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def fits(expected: str, printed: str) -> bool:
    """True when the output is as shown; `…` stands for anything, white space is folded."""
    pattern = r"[\s\S]*?".join(re.escape(" ".join(p.split())) for p in expected.split("…"))
    pattern = pattern.replace(r"\ ", r"\s*")
    return re.fullmatch(rf"\s*{pattern}\s*", " ".join(printed.split())) is not None


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert (ROOT / page).parent.joinpath(target).exists(), target


@pytest.mark.parametrize("page", PAGES)
def test_settings_in_the_docs_are_valid(page: str) -> None:
    for text in blocks(page, "toml"):
        raw = tomllib.loads(text)
        if raw.keys() <= set(config.Settings.__struct_fields__):
            turnout.Router(raw, ledger=False)


def test_the_ladder_table_is_the_ladder() -> None:
    models = catalog.bundled()
    rungs = catalog.ladder("claude", models)
    rows = table("README.md", "ladder")
    assert [row[0] for row in rows] == list(rungs.names)
    for row, tier in zip(rows, rungs.tiers, strict=True):
        first, *rest = tier.targets
        price = models.get(first.model).prices[-1].card
        rates = f"{price.input / 1e6:g} / {price.output / 1e6:g}"
        assert row[2:] == [
            f"{first.model} @{first.effort}",
            rates,
            ", ".join(target.model for target in rest),
        ]


def test_every_trap_has_its_test() -> None:
    tests = (ROOT / "tests/test_traps.py").read_text("utf-8")
    for row in table("README.md", "traps"):
        assert f"def {row[2].strip('`')}(" in tests


def test_every_setting_is_documented_with_its_default() -> None:
    shown = {row[0].strip("`"): row[1] for row in table("docs/settings.md", "settings")}
    assert shown == dict(defaults(msgspec.to_builtins(config.Settings())))


def defaults(values: dict[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from defaults(value, f"{prefix}{key}.")
        elif value is None:
            yield prefix + key, "not set"
        else:
            text = "none" if value in ([], {}) else f"`{msgspec.json.encode(value).decode()}`"
            yield prefix + key, text
