"""Imports go from lower rows to higher ones, and `import turnout` loads nothing heavy."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import turnout

PACKAGE = Path(turnout.__file__).parent
DESIGN = Path(__file__).parent.parent / "docs" / "design" / "main-job.md"
ENTRANCES = {"__init__", "__main__"}
"""The two doors to the package are no part of it: they only point at the parts."""

HANDED_OVER = {("types", "documents"), ("types", "explain")}
"""`to_dict()` and `explain()` of the nouns call the modules that do the work, when called."""

HEAVY = ("anthropic", "numpy", "sqlalchemy", "alembic", "uvicorn", "genai_prices", "rich", "click")


def rows() -> dict[str, int]:
    """The row of each part, as the design page draws them."""
    text = DESIGN.read_text("utf-8")
    block = re.search(r"Imports go from lower rows.*?```text\n(.*?)```", text, re.DOTALL)
    assert block is not None
    lines = block[1].strip().splitlines()
    return {name: number for number, line in enumerate(lines) for name in line.split()}


def imports(path: Path) -> Iterator[str]:
    """Every name that a module imports, those inside functions too, dotted."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a name comes from"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if part_of(path) not in ENTRANCES)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_go_to_higher_rows(path: Path) -> None:
    row, here = rows(), part_of(path)
    used = {name.split(".")[1] for name in imports(path) if name.startswith("turnout.")}
    for other in used - {here}:
        if (here, other) not in HANDED_OVER:
            assert row[other] < row[here], f"{path.name} imports {other}"


def test_every_part_has_a_row_and_every_row_a_part() -> None:
    parts = {part_of(path) for path in MODULES}
    assert set(rows()) == parts


def test_the_exceptions_are_those_that_the_design_page_names() -> None:
    text = DESIGN.read_text("utf-8")
    for here, other in HANDED_OVER:
        assert re.search(rf"One thing points down: .*`{here}`.*`{other}`", text, re.DOTALL)
        assert any(name.startswith(f"turnout.{other}.") for name in imports(PACKAGE / f"{here}.py"))


def loaded_by(statement: str) -> set[str]:
    """The top-level modules that a statement leaves loaded in a fresh interpreter."""
    code = f"import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in json.loads(done.stdout)}


def test_importing_turnout_loads_nothing_heavy() -> None:
    assert not loaded_by("import turnout") & set(HEAVY)


def test_deciding_needs_neither_the_sdk_nor_the_ledger_nor_a_web_framework() -> None:
    decide = "import turnout; turnout.Router().route('What is the capital of Peru?')"
    assert not loaded_by(decide) & {*HEAVY} - {"click"}
