"""How a ledger is doing, for `doctor` and metrics."""

from __future__ import annotations

import os
from pathlib import Path

from turnout.errors import LedgerError
from turnout.ledger.database import Database, shown
from turnout.ledger.ingest import journal_names
from turnout.ledger.journal import Journal
from turnout.ledger.ledger import LedgerStatus
from turnout.ledger.queries import ingest_state


def look(
    database: Database, folder: Path, journal: Journal, ingest_error: str | None
) -> LedgerStatus:
    """The state of journals and database. Creates nothing and raises nothing."""
    done, last, refused = dict[str, int](), None, 0
    error = journal.last_error or ingest_error
    if database.path is None or database.path.exists():
        try:
            with database.reading() as connection:
                done, last, refused = ingest_state(connection)
        except LedgerError as trouble:
            error = str(trouble)
    names = journal_names(folder / "journal")
    waiting = [_pending(folder / "journal" / name, done.get(name, 0)) for name in names]
    return LedgerStatus(
        url=shown(database.url),
        folder=folder,
        pending_records=sum(records for records, _ in waiting),
        pending_bytes=sum(size for _, size in waiting),
        journals=len(names),
        last_ingest=last,
        rejects=refused,
        write_errors=journal.write_errors,
        kept=journal.kept,
        dropped=journal.dropped,
        last_error=error,
    )


def _pending(path: Path, position: int) -> tuple[int, int]:
    """Lines and bytes of a journal beyond `position`."""
    records = size = 0
    try:
        with path.open("rb") as stream:
            stream.seek(position, os.SEEK_SET)
            while chunk := stream.read(1 << 20):
                records += chunk.count(b"\n")
                size += len(chunk)
    except OSError:
        pass  # ingested and deleted while we looked
    return records, size
