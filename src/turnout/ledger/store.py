"""Writing checked records: requests, attempts, feedback, documents and the running totals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from operator import itemgetter
from typing import Any, TypeVar

from sqlalchemy import Connection, Dialect, Select, Table, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.compiler import SQLCompiler

from turnout.ledger import tables
from turnout.ledger.records import Columns, Entry
from turnout.ledger.totals import (
    DAY_MS,
    HOUR_MS,
    Cell,
    Sums,
    cell_of,
    counts_as_request,
    decode_sums,
    encode_cell,
    encode_sums,
)

T = TypeVar("T")

CHUNK = 500
"""Ids in one query; SQLite allows at least 999 parameters everywhere."""

_BLANK: Columns = {column.name: None for column in tables.requests.c} | {
    "decided": 0,
    "finished": 0,
}

Changes = dict[tuple[str, int, Cell], Sums]
"""What to add to the totals: span, start in ms and cell to sums."""


def insert_new(connection: Connection, table: Table, rows: Sequence[Columns]) -> None:
    """Insert rows; one whose key exists already is left as it is."""
    _insert(connection, table, rows, replace=False)


def upsert(connection: Connection, table: Table, rows: Sequence[Columns]) -> None:
    """Insert rows; one whose key exists already is replaced."""
    _insert(connection, table, rows, replace=True)


def _insert(
    connection: Connection, table: Table, rows: Sequence[Columns], *, replace: bool
) -> None:
    if not rows:
        return
    sql, names = _statement(table, connection.dialect, tuple(rows[0]), replace)
    # Rows go straight to the driver: they hold nothing but text and numbers, and SQLAlchemy's
    # handling of each parameter would cost more than SQLite's whole insert.
    by_position = None if names is None else list(map(itemgetter(*names), rows))
    connection.exec_driver_sql(sql, list(rows) if by_position is None else by_position)


@cache
def _statement(
    table: Table, dialect: Dialect, columns: tuple[str, ...], replace: bool
) -> tuple[str, tuple[str, ...] | None]:
    """The insert as text, and the order of its parameters where they go by position."""
    build = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
    statement = build(table).values({name: bindparam(name) for name in columns}).inline()
    if replace:
        keys = [column.name for column in table.primary_key]
        new = {name: statement.excluded[name] for name in columns if name not in keys}
        statement = statement.on_conflict_do_update(index_elements=keys, set_=new)
    else:
        statement = statement.on_conflict_do_nothing()
    compiled = statement.compile(dialect=dialect)
    order = compiled.positiontup if isinstance(compiled, SQLCompiler) else None
    return str(compiled), tuple(order) if order else None


def serialize(connection: Connection) -> None:
    """Let one writer in at a time where the database would let in several."""
    if connection.dialect.name != "sqlite":
        connection.execute(select(tables.writer.c.id).with_for_update())


def store(connection: Connection, entries: Sequence[Entry]) -> int:
    """Store records, each once however often it comes. Returns how many were new."""
    new = _new_details(connection, entries)
    before = _requests(connection, {entry.decision for entry in entries})
    after: dict[str, Columns] = {}
    new_feedback = {entry.id for entry in new if entry.kind == "feedback"}
    for entry in entries:
        if entry.kind == "prompt" or (entry.kind == "feedback" and entry.id not in new_feedback):
            continue
        changed = _absorb(after.get(entry.decision) or before.get(entry.decision), entry)
        if changed is not None:
            after[entry.decision] = changed
            if entry.kind in ("decision", "outcome"):
                new.append(entry)
    upsert(connection, tables.requests, list(after.values()))
    add_totals(connection, _changes(before, after))
    _store_details(connection, new)
    return len(new)


def _new_details(connection: Connection, entries: Sequence[Entry]) -> list[Entry]:
    """The attempts, feedback and prompts among `entries` that the database does not hold yet."""
    new: list[Entry] = []
    documents = tables.documents
    for kind, table in (
        ("attempt", tables.attempts),
        ("feedback", tables.feedback),
        ("prompt", documents),
    ):
        found = {entry.id: entry for entry in reversed(entries) if entry.kind == kind}
        of_kind = [documents.c.kind == kind] if table is documents else []
        for ids in chunks(found):
            query = select(table.c.id).where(table.c.id.in_(ids), *of_kind)
            for known in connection.scalars(query):
                del found[known]
        new.extend(found.values())
    return new


def _requests(connection: Connection, ids: Iterable[str]) -> dict[str, Columns]:
    rows: dict[str, Columns] = {}
    for part in chunks(ids):
        query = select(tables.requests).where(tables.requests.c.id.in_(part))
        rows.update({row["id"]: dict(row) for row in connection.execute(query).mappings()})
    return rows


def _absorb(row: Columns | None, entry: Entry) -> Columns | None:
    """The request with this record taken in; None when it changes nothing."""
    if entry.kind == "attempt":
        return None
    if row is None:
        row = {**_BLANK, "id": entry.decision, "at_ms": entry.at_ms}
    if entry.kind == "decision":
        return None if row["decided"] else {**row, **entry.columns, "at_ms": entry.at_ms}
    if entry.kind == "outcome":
        if row["finished"]:
            return None
        at_ms = row["at_ms"] if row["decided"] else entry.at_ms
        return {**row, **entry.columns, "at_ms": at_ms}
    newest = row["rated_ms"] is None or entry.at_ms >= row["rated_ms"]
    return row | _rating(row, entry) if newest else None


def _rating(row: Columns, entry: Entry) -> Columns:
    """The newest word counts; a score without a verdict leaves an earlier verdict alone."""
    said = {name: value for name, value in entry.columns.items() if value is not None}
    return {"rated_ms": entry.at_ms, "score": row["score"], "success": row["success"]} | said


def _changes(before: dict[str, Columns], after: dict[str, Columns]) -> Changes:
    """What the requests contribute now, less what they contributed before."""
    hours: Changes = {}
    for name, row in after.items():
        if name in before:
            _count(hours, before[name], "hour", HOUR_MS, -1)
        _count(hours, row, "hour", HOUR_MS)
    changes = dict(hours)
    for (_, start, cell), sums in hours.items():
        day = ("day", start - start % DAY_MS, cell)
        changes.setdefault(day, Sums()).add(sums)
    return changes


def count_rows(connection: Connection, query: Select[Any], span: str, size_ms: int) -> Changes:
    """The totals of the requests that a query finds, in spans of one size."""
    changes: Changes = {}
    for row in connection.execute(query).mappings():
        _count(changes, dict(row), span, size_ms)
    return changes


def _count(changes: Changes, row: Columns, span: str, size_ms: int, sign: int = 1) -> None:
    if not counts_as_request(row):
        return
    key = (span, row["at_ms"] - row["at_ms"] % size_ms, cell_of(row))
    sums = changes.get(key)
    if sums is None:
        sums = changes[key] = Sums()
    sums.take(row, sign)


def add_totals(connection: Connection, changes: Changes) -> None:
    """Add to the stored totals; a cell that becomes empty goes away."""
    coded = {
        (span, start, encode_cell(cell)): sums for (span, start, cell), sums in changes.items()
    }
    table, rows, gone = tables.totals, [], []
    for (span, start), group in _by_time(coded).items():
        here = (table.c.span == span) & (table.c.start_ms == start)
        for part in chunks(group):
            query = select(table.c.cell, table.c.sums).where(here, table.c.cell.in_(part))
            for cell, stored in connection.execute(query):
                group[cell].add(decode_sums(stored))
        for cell, sums in group.items():
            key: Columns = {"span": span, "start_ms": start, "cell": cell}
            if sums.empty:
                gone.append(key)
            else:
                rows.append(key | {"sums": encode_sums(sums)})
    upsert(connection, table, rows)
    for key in gone:
        same = [table.c[name] == value for name, value in key.items()]
        connection.execute(table.delete().where(*same))


def _by_time(coded: dict[tuple[str, int, str], Sums]) -> dict[tuple[str, int], dict[str, Sums]]:
    groups: dict[tuple[str, int], dict[str, Sums]] = {}
    for (span, start, cell), sums in coded.items():
        groups.setdefault((span, start), {})[cell] = sums
    return groups


def _store_details(connection: Connection, new: Sequence[Entry]) -> None:
    for kind, table in (("attempt", tables.attempts), ("feedback", tables.feedback)):
        rows = [
            {"id": entry.id, "decision": entry.decision, "at_ms": entry.at_ms, **entry.columns}
            for entry in new
            if entry.kind == kind
        ]
        insert_new(connection, table, rows)
    insert_new(connection, tables.documents, [_document(entry) for entry in new])
    tagged = [
        {"name": name, "decision": entry.id, "value": value}
        for entry in new
        for name, value in entry.tags.items()
    ]
    insert_new(connection, tables.tags, tagged)


def _document(entry: Entry) -> Columns:
    return {
        "kind": entry.kind,
        "id": entry.id,
        "decision": entry.decision,
        "at_ms": entry.at_ms,
        "body": entry.body,
    }


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Lists of at most `size` items."""
    rest = iter(list(items))
    while part := list(islice(rest, size)):
        yield part
