"""`__all__` is the truth: what it lists exists, and nothing else is public."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import turnout

TREE = ast.parse(Path(turnout.__file__).read_text("utf-8"))


def type_checking_imports() -> dict[str, str]:
    """Each name that type checkers see, and the module it comes from."""
    branch = next(node for node in TREE.body if isinstance(node, ast.If))
    found = [node for node in branch.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in found for alias in node.names}


@pytest.mark.parametrize("name", turnout.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(turnout, name) is not None


def test_type_checkers_and_the_interpreter_see_the_same_names_from_the_same_places() -> None:
    homes = {name: home for home, names in turnout._HOMES.items() for name in names}
    assert homes == type_checking_imports()
    assert sorted(homes) == turnout.__all__


def test_dir_lists_exactly_the_public_names() -> None:
    assert sorted(dir(turnout)) == sorted([*turnout.__all__, "__version__"])


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Ruter'"):
        turnout.Ruter  # noqa: B018


@pytest.mark.parametrize(
    "name", [n for n in turnout.__all__ if n[0].isupper() and n != "Validator"]
)
def test_every_public_class_says_what_it_is(name: str) -> None:
    assert inspect.getdoc(getattr(turnout, name))


def test_the_package_is_typed() -> None:
    assert (Path(turnout.__file__).parent / "py.typed").is_file()
