"""Tables for people. Rich loads here, when a table is printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, text: int = 1
) -> None:
    """A table on stdout; the first `text` columns are words, the rest are figures."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, title_style="bold")
    for number, name in enumerate(columns):
        table.add_column(
            name, justify="left" if number < text else "right", overflow="fold", no_wrap=number == 0
        )
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console = Console(width=None if _wide() else 160, highlight=False, markup=False, emoji=False)
    console.print(table)


def _wide() -> bool:
    """In a pipe or a file a table is not folded to 80 columns."""
    import sys

    return sys.stdout.isatty()


def _cell(value: Any) -> str:
    from decimal import Decimal

    from turnout.explain import dollars

    if value is None:
        return "–"
    if isinstance(value, Decimal):
        return dollars(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def share(value: float | None) -> str | None:
    """A share as a percentage."""
    return None if value is None else f"{value:.1%}"
