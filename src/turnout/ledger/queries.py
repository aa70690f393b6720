"""Every number that Turnout shows comes from here: spend, mix, latency, quality, documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import add
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import Connection, Select, func, select

from turnout.errors import InvalidRequest, choices
from turnout.ledger import tables
from turnout.ledger.records import KINDS
from turnout.ledger.totals import (
    DAY_MS,
    DIMENSIONS,
    HOUR_MS,
    INDEX,
    MEASURES,
    PRICED,
    Cell,
    Sums,
    cell_of,
    counts_as_request,
    decode_cell,
    decode_sums,
)
from turnout.types import Json

Slice: TypeAlias = tuple[int, Cell, Sums]
"""Start in epoch ms (never later than the requests in it), cell, sums."""

Keyed: TypeAlias = tuple[str | None, Slice]
"""A slice and the key of the group it falls into."""

_FOREVER = 2**53 // DAY_MS * DAY_MS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AT = {name: number for number, name in enumerate(DIMENSIONS)}
_decode = msgspec.json.Decoder(dict[str, Any]).decode


# -- groups --------------------------------------------------------------------------------


def _day(start_ms: int, _cell: Cell) -> str:
    return _date(start_ms).strftime("%Y-%m-%d")


def _hour(start_ms: int, _cell: Cell) -> str:
    return _date(start_ms).strftime("%Y-%m-%dT%H:00Z")


def _week(start_ms: int, _cell: Cell) -> str:
    day = _date(start_ms)
    return (day - timedelta(days=day.weekday())).strftime("%Y-%m-%d")


def _month(start_ms: int, _cell: Cell) -> str:
    return _date(start_ms).strftime("%Y-%m")


def _model(_start_ms: int, cell: Cell) -> str | None:
    """The model that answered, else the one decided on."""
    found: str | None = cell[_AT["served_by"]] or cell[_AT["model"]]
    return found


def _arm(_start_ms: int, cell: Cell) -> str | None:
    name, arm = cell[_AT["experiment"]], cell[_AT["arm"]]
    return None if name is None else f"{name}:{arm}"


def _dimension(name: str) -> Callable[[int, Cell], str | None]:
    number = _AT[name]
    return lambda _start_ms, cell: cell[number]


GROUPS: dict[str, Callable[[int, Cell], str | None]] = {
    "tier": _dimension("tier"),
    "model": _model,
    "day": _day,
    "hour": _hour,
    "week": _week,
    "month": _month,
    "experiment": _arm,
    "decided_model": _dimension("model"),
    **{
        name: _dimension(name)
        for name in (
            "provider",
            "effort",
            "classifier",
            "source",
            "key",
            "status",
            "served_tier",
        )
    },
}
"""What a report groups by, besides `conversation` and `tag:NAME`."""

IN_TIME = ("day", "hour", "week", "month")


def check_group(by: str) -> None:
    """Raise InvalidRequest for something that nothing can be grouped by."""
    if by in GROUPS or by == "conversation" or (by.startswith("tag:") and len(by) > 4):
        return
    raise InvalidRequest("by", f"unknown {by!r}; {choices(by, [*GROUPS, 'conversation', 'tag:…'])}")


def slices(
    connection: Connection, since: datetime | None, until: datetime | None, by: str
) -> Iterator[Keyed]:
    """Everything from `since` (inclusive) to `until` (exclusive), keyed by `by`."""
    low = -_FOREVER if since is None else epoch_ms(since)
    high = _FOREVER if until is None else epoch_ms(until)
    if by == "conversation" or by.startswith("tag:"):
        query, column = _labelled(by)
        for row in _rows(connection, query, low, high):
            yield row[column], _slice(row)
        return
    key = GROUPS[by]
    units = (("hour", HOUR_MS),) if by == "hour" else (("day", DAY_MS), ("hour", HOUR_MS))
    for span, first, last in _cover(low, high, units):
        found = (
            _stored(connection, span, first, last)
            if span != "rows"
            else map(_slice, _rows(connection, select(tables.requests), first, last))
        )
        for item in found:
            yield key(item[0], item[1]), item


def _cover(low: int, high: int, units: tuple[tuple[str, int], ...]) -> list[tuple[str, int, int]]:
    """Whole days, whole hours at their ends, single requests at the ends of those."""
    if low >= high:
        return []
    if not units:
        return [("rows", low, high)]
    (span, size), *rest = units
    first, last = -(-low // size) * size, high // size * size
    if first >= last:
        return _cover(low, high, tuple(rest))
    return [
        *_cover(low, first, tuple(rest)),
        (span, first, last),
        *_cover(last, high, tuple(rest)),
    ]


def _stored(connection: Connection, span: str, first: int, last: int) -> Iterator[Slice]:
    table, known = tables.totals, dict[str, Cell]()
    query = select(table.c.start_ms, table.c.cell, table.c.sums).where(
        table.c.span == span, table.c.start_ms >= first, table.c.start_ms < last
    )
    for start_ms, text, sums in connection.execute(query):
        cell = known.get(text)
        if cell is None:
            cell = known[text] = decode_cell(text)
        yield start_ms, cell, decode_sums(sums)


def _rows(
    connection: Connection, query: Select[Any], first: int, last: int
) -> Iterator[dict[str, Any]]:
    at_ms = tables.requests.c.at_ms
    found = connection.execute(query.where(at_ms >= first, at_ms < last))
    names = tuple(found.keys())
    for values in found:
        row = dict(zip(names, values, strict=True))
        if counts_as_request(row):
            yield row


def _slice(row: Mapping[str, Any]) -> Slice:
    sums = Sums()
    sums.take(row)
    return row["at_ms"], cell_of(row), sums


def _labelled(by: str) -> tuple[Select[Any], str]:
    """Requests with the value of a tag, or just requests, and the column to group by."""
    if by == "conversation":
        return select(tables.requests), "conversation"
    tags = tables.tags
    joined = tables.requests.outerjoin(
        tags, (tags.c.decision == tables.requests.c.id) & (tags.c.name == by[4:])
    )
    return select(tables.requests, tags.c.value.label("tag")).select_from(joined), "tag"


# -- adding up -----------------------------------------------------------------------------


@dataclass(slots=True)
class Tally:
    """Sums over many slices."""

    sums: Sums = field(default_factory=Sums)
    statuses: dict[str, int] = field(default_factory=dict)
    unpriced: int = 0
    """Finished requests whose cost nobody knows."""

    def merge(self, other: Tally) -> None:
        """Add another tally."""
        self.sums.add(other.sums)
        self.unpriced += other.unpriced
        for status, number in other.statuses.items():
            self.statuses[status] = self.statuses.get(status, 0) + number

    def add(self, cell: Cell, sums: Sums) -> None:
        """Add one slice."""
        self.sums.add(sums)
        status, finished = cell[_AT["status"]], sums["finished"]
        if status is not None:
            self.statuses[status] = self.statuses.get(status, 0) + finished
        if not cell[PRICED]:
            self.unpriced += finished


@dataclass(slots=True)
class Spend:
    """Accepted answers of one kind on one day, as far as prices tell them apart."""

    day_ms: int
    tier: str | None
    answer_model: str | None
    speed: str
    size: int
    known: bool
    """False when the cost of these requests is unknown."""

    counts: list[int] = field(default_factory=lambda: [0] * len(MEASURES))

    def __getitem__(self, name: str) -> int:
        return self.counts[INDEX[name]]


def spend_of(slice_: Slice, table: dict[tuple[Any, ...], Spend]) -> None:
    """Add a slice to the table of what was spent on which answers."""
    start_ms, cell, sums = slice_
    known = bool(cell[PRICED]) or cell[_AT["status"]] is None
    names = (cell[_AT[name]] for name in ("tier", "answer_model", "speed"))
    tier, model, speed = names
    key = (start_ms // DAY_MS * DAY_MS, tier, model, speed or "", cell[-2], known)
    found = table.get(key)
    if found is None:
        found = table[key] = Spend(*key)
    found.counts = list(map(add, found.counts, sums.counts))


# -- documents -----------------------------------------------------------------------------


def decision_exists(connection: Connection, decision: str) -> bool:
    """True when a decision of this id is stored."""
    table = tables.requests
    query = select(table.c.id).where(table.c.id == decision, table.c.decided == 1)
    return connection.scalar(query) is not None


def documents(
    connection: Connection,
    kind: str,
    limit: int,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Json]:
    """The newest documents of a kind, newest first."""
    if kind not in KINDS:
        raise InvalidRequest("kind", f"unknown {kind!r}; {choices(kind, KINDS)}")
    table = tables.documents
    query = select(table.c.body).where(table.c.kind == kind)
    if since is not None:
        query = query.where(table.c.at_ms >= epoch_ms(since))
    if until is not None:
        query = query.where(table.c.at_ms < epoch_ms(until))
    query = query.order_by(table.c.at_ms.desc(), table.c.id.desc()).limit(limit)
    return [_decode(body) for body in connection.scalars(query)]


def whole_decision(connection: Connection, decision: str) -> Json | None:
    """A decision's document with its outcome, attempts and feedback; None if it is unknown."""
    first = _bodies(connection, "decision", [decision])
    if not first:
        return None
    outcome = _bodies(connection, "outcome", [decision])
    found: Json = {"decision": first[0], "outcome": outcome[0] if outcome else None}
    details = (("attempts", "attempt", tables.attempts), ("feedback", "feedback", tables.feedback))
    for name, kind, table in details:
        ids = select(table.c.id).where(table.c.decision == decision).order_by(table.c.at_ms)
        found[name] = _bodies(connection, kind, list(connection.scalars(ids)))
    found["attempts"].sort(key=lambda attempt: attempt.get("number", 0))
    return found


def _bodies(connection: Connection, kind: str, ids: list[str]) -> list[Json]:
    table = tables.documents
    query = select(table.c.body).where(table.c.kind == kind, table.c.id.in_(ids))
    return [_decode(body) for body in connection.scalars(query.order_by(table.c.at_ms))]


def rejects(connection: Connection, limit: int) -> list[Json]:
    """The newest refused lines, each with its reason."""
    query = select(tables.rejects).order_by(tables.rejects.c.number.desc()).limit(limit)
    return [
        {
            "journal": row.journal,
            "position": row.position,
            "at": _date(row.at_ms).isoformat(),
            "reason": row.reason,
            "line": row.line,
        }
        for row in connection.execute(query)
    ]


def ingest_state(connection: Connection) -> tuple[dict[str, int], datetime | None, int]:
    """Bytes ingested by journal, the time of the last ingest, and lines ever refused."""
    journals = select(tables.journals.c.name, tables.journals.c.ingested_bytes)
    done = {row.name: row.ingested_bytes for row in connection.execute(journals)}
    last = connection.scalar(select(tables.writer.c.ingested_ms))
    refused = connection.scalar(select(func.count()).select_from(tables.rejects))
    return done, None if last is None else _date(last), int(refused or 0)


def epoch_ms(moment: datetime) -> int:
    """A time as milliseconds since 1970 UTC; without a zone it counts as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _date(at_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=at_ms)
