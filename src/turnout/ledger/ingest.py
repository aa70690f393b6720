"""From the journals to the database: in batches, each record once, by whoever comes next."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select, update

from turnout.errors import LedgerError
from turnout.ledger import tables
from turnout.ledger.database import Database
from turnout.ledger.journal import UNLOCKED
from turnout.ledger.records import Columns, Entry, Rejected, parse_line
from turnout.ledger.store import insert_new, serialize, store, upsert

BATCH_BYTES = 2 << 20
"""How much of a journal goes into one transaction, roughly."""

WAIT_S = 5.0
"""How long to let another process finish the same work; after that we simply do it too."""

REJECT_CHARS = 4_000
"""How much of a rejected line is kept."""


@dataclass(slots=True)
class Batch:
    """What was read from one stretch of a journal."""

    start: int
    end: int
    entries: list[Entry]
    rejects: list[tuple[int, str, str]]
    """Position, reason and line."""


class Ingester:
    """Feeds every journal of a folder, whichever process wrote it, to one database."""

    def __init__(self, database: Database, folder: Path, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._folder = folder
        self._now_ms = now_ms

    def run(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Ingest whatever waits and return how many records were new. Raises LedgerError."""
        names = journal_names(self._folder)
        if not names:
            return 0
        added = 0
        with _taking_turns(self._folder.parent / "ingest.lock"):
            for name in names:
                if stop():
                    break
                try:
                    added += self._journal(name, stop)
                except OSError as error:
                    raise LedgerError(
                        f"cannot read the journal {self._folder / name}: {error.strerror or error}"
                    ) from error
        return added

    def _journal(self, name: str, stop: Callable[[], bool]) -> int:
        added, path = 0, self._folder / name
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return 0  # another process has just finished with it
        try:
            orphan = UNLOCKED not in name and _lock(fd)
            position = self._position(name)
            while not stop():
                batch = read_batch(fd, position, last=orphan)
                if batch.end == batch.start:
                    break
                done = self._apply(name, batch)
                added += done or 0
                position = batch.end if done is not None else self._position(name)
            finished = orphan and position >= os.fstat(fd).st_size
            if finished:
                self._forget(name, path)
        finally:
            os.close(fd)
        return added

    def _position(self, name: str) -> int:
        with self._database.reading() as connection:
            return _position(connection, name)

    def _apply(self, name: str, batch: Batch) -> int | None:
        """Store one batch; None when another process stored it meanwhile."""
        now = self._now_ms()
        with self._database.writing() as connection:
            serialize(connection)
            if _position(connection, name) != batch.start:
                return None
            added = store(connection, batch.entries)
            insert_new(connection, tables.rejects, [_reject(name, now, r) for r in batch.rejects])
            row: Columns = {"name": name, "ingested_bytes": batch.end, "at_ms": now}
            upsert(connection, tables.journals, [row])
            connection.execute(update(tables.writer).values(ingested_ms=now))
        return added

    def _forget(self, name: str, path: Path) -> None:
        """Delete the journal of a process that is gone, once everything in it is stored."""
        try:
            path.unlink(missing_ok=True)
        except OSError:
            return  # a read-only folder: it stays, and its position says that it is done
        with self._database.writing() as connection:
            journals = tables.journals
            connection.execute(journals.delete().where(journals.c.name == name))


def read_batch(fd: int, start: int, *, last: bool) -> Batch:
    """The whole lines from `start` on, about `BATCH_BYTES` of them.

    `last` says that nobody writes any more, so a line without an end is torn.
    """
    data = os.pread(fd, BATCH_BYTES, start)
    while data and b"\n" not in data:
        more = os.pread(fd, BATCH_BYTES, start + len(data))
        if not more:
            break
        data += more
    end = data.rfind(b"\n") + 1
    batch = Batch(start, start + end, [], [])
    position = start
    for line in data[:end].split(b"\n")[:-1]:
        _read_line(batch, position, line)
        position += len(line) + 1
    if last and end < len(data) and not os.pread(fd, 1, start + len(data)):
        torn = data[end:]
        batch.rejects.append((batch.end, "torn: the process died while writing it", _text(torn)))
        batch.end += len(torn)
    return batch


def _read_line(batch: Batch, position: int, line: bytes) -> None:
    if not line.strip():
        return
    try:
        batch.entries.append(parse_line(line))
    except Rejected as error:
        batch.rejects.append((position, str(error), _text(line)))


def _text(line: bytes) -> str:
    return line[:REJECT_CHARS].decode("utf-8", "replace").replace("\0", "\\0")


def _reject(name: str, now_ms: int, item: tuple[int, str, str]) -> Columns:
    position, reason, line = item
    return {
        "journal": name,
        "position": position,
        "at_ms": now_ms,
        "reason": reason.replace("\0", "\\0"),
        "line": line,
    }


def _position(connection: Connection, name: str) -> int:
    journals = tables.journals
    query = select(journals.c.ingested_bytes).where(journals.c.name == name)
    return int(connection.scalar(query) or 0)


def journal_names(folder: Path) -> list[str]:
    """The journals in a folder, oldest process first or so; none if the folder is missing."""
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(".jsonl"))
    except OSError:
        return []


def _lock(fd: int) -> bool:
    """True when no living process writes this journal."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def _taking_turns(path: Path) -> Iterator[None]:
    """Spare several processes the same work. Nothing depends on it: positions are checked."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield
        return
    try:
        give_up = time.monotonic() + WAIT_S
        while not _lock(fd) and time.monotonic() < give_up:
            time.sleep(0.005)
        yield
    finally:
        os.close(fd)
