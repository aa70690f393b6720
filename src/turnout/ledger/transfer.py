"""Export, import, backup and prune."""

from __future__ import annotations

import io
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Table, func, select

from turnout.errors import LedgerError
from turnout.ledger import tables
from turnout.ledger.database import Database
from turnout.ledger.ledger import Pruned
from turnout.ledger.records import KINDS, Entry, Rejected, parse_line
from turnout.ledger.store import add_totals, count_rows, serialize, store
from turnout.ledger.totals import DAY_MS, HOUR_MS

Stream: TypeAlias = IO[str] | IO[bytes]

BATCH = 2_000
"""Records stored at a time."""


# -- export and import ---------------------------------------------------------------------


def export(database: Database, to: Path | Stream) -> int:
    """Write every document as a line of JSON, decisions first. Returns how many."""
    if isinstance(to, Path):
        with _appearing(to) as part, part.open("wb") as stream:
            return export(database, stream)
    write = _writer(to)
    count = 0
    table = tables.documents
    with database.reading() as connection:
        for kind in KINDS:
            query = select(table.c.body).where(table.c.kind == kind).order_by(table.c.at_ms)
            options = {"yield_per": BATCH}
            for body in connection.execute(query, execution_options=options).scalars():
                write('{"kind":"%s","document":%s}\n' % (kind, body))  # noqa: UP031 - braces
                count += 1
    return count


def import_(database: Database, source: Path | Stream) -> int:
    """Store the lines of an export; all of them or, if one is broken, none. Returns the new."""
    if isinstance(source, Path):
        try:
            with source.open("rb") as stream:
                return import_(database, stream)
        except OSError as error:
            raise LedgerError(f"cannot read {source}: {error.strerror or error}") from error
    lines: Iterable[str | bytes] = source
    name, added = str(getattr(source, "name", "input")), 0
    with database.writing() as connection:
        serialize(connection)
        for entries in _batches(_entries(lines, name)):
            added += store(connection, entries)
    return added


def _entries(source: Iterable[str | bytes], name: str) -> Iterator[Entry]:
    for number, line in enumerate(source, 1):
        raw = line.encode("utf-8", "surrogatepass") if isinstance(line, str) else line
        if not raw.strip():
            continue
        try:
            yield parse_line(raw)
        except Rejected as error:
            raise LedgerError(f"{name}, line {number}: {error}; nothing was imported") from None


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _writer(to: Stream) -> Callable[[str], object]:
    if isinstance(to, io.TextIOBase):
        return to.write
    binary: Any = to
    return lambda text: binary.write(text.encode())


@contextmanager
def _appearing(path: Path) -> Iterator[Path]:
    """A file for this user only that appears under its name once it is whole."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield part
        part.replace(path)
    except OSError as error:
        raise LedgerError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            part.unlink()


# -- backup --------------------------------------------------------------------------------


def backup(database: Database, to: Path) -> Path:
    """A consistent copy while others go on writing: SQLite to SQLite, a server to JSONL."""
    if to.exists():
        raise LedgerError(f"{to} exists already; name a new file for the backup")
    if database.path is None:
        export(database, to)
        return to
    try:
        with (
            _appearing(to) as part,
            database.reading() as connection,
            closing(sqlite3.connect(part)) as copy,
        ):
            driver: Any = connection.connection.driver_connection
            driver.backup(copy)
    except sqlite3.Error as error:
        raise LedgerError(f"cannot back up to {to}: {error}") from error
    return to


# -- prune ---------------------------------------------------------------------------------


def prune(database: Database, before_ms: int, *, dry_run: bool) -> Pruned:
    """Forget every request decided before a time, with all that belongs to it."""
    if dry_run:
        with database.reading() as connection:
            return _count(connection, before_ms)
    with database.writing() as connection:
        serialize(connection)
        if database.path is not None:  # what is forgotten should not linger in free pages
            connection.exec_driver_sql("PRAGMA secure_delete=ON")
        found = _count(connection, before_ms)
        for table, doomed in _doomed(before_ms):
            connection.execute(table.delete().where(doomed))
        _prune_totals(connection, before_ms)
        return found


def forget_prompts(database: Database, before_ms: int) -> int:
    """Delete the prompts recorded before a time; the rest of their requests stays."""
    table = tables.documents
    doomed = (table.c.kind == "prompt", table.c.at_ms < before_ms)
    with database.reading() as connection:
        count = connection.scalar(select(func.count()).select_from(table).where(*doomed)) or 0
    if count:
        with database.writing() as connection:
            if database.path is not None:
                connection.exec_driver_sql("PRAGMA secure_delete=ON")
            connection.execute(table.delete().where(*doomed))
    return int(count)


def _doomed(before_ms: int) -> list[tuple[Table, ColumnElement[bool]]]:
    """Which rows go, requests last since the others are found through them."""
    requests = tables.requests
    old = select(requests.c.id).where(requests.c.at_ms < before_ms)
    related = [tables.attempts, tables.feedback, tables.documents, tables.tags]
    return [
        *((table, table.c.decision.in_(old)) for table in related),
        (tables.rejects, tables.rejects.c.at_ms < before_ms),
        (requests, requests.c.at_ms < before_ms),
    ]


def _count(connection: Connection, before_ms: int) -> Pruned:
    counts = {
        table.name: int(
            connection.scalar(select(func.count()).select_from(table).where(doomed)) or 0
        )
        for table, doomed in _doomed(before_ms)
    }
    counts.pop("tags")
    return Pruned(**counts)


def _prune_totals(connection: Connection, before_ms: int) -> None:
    """Drop the totals of what is gone; the day and the hour that were cut are added up anew."""
    table = tables.totals
    for span, size in (("hour", HOUR_MS), ("day", DAY_MS)):
        cut = before_ms - before_ms % size
        connection.execute(table.delete().where(table.c.span == span, table.c.start_ms <= cut))
        rows = tables.requests
        left = select(rows).where(rows.c.at_ms >= before_ms, rows.c.at_ms < cut + size)
        add_totals(connection, count_rows(connection, left, span, size))
