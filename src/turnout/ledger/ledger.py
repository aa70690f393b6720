"""`Ledger`: what the rest of Turnout talks to. Cheap to make; everything opens on first use."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from turnout.errors import LedgerError
from turnout.ledger.journal import Journal, encode_line, log
from turnout.types import Clock, Json, Ladder

if TYPE_CHECKING:
    from turnout.ledger.database import Database
    from turnout.ledger.savings import Prices
    from turnout.ledger.transfer import Stream

_ALL: weakref.WeakSet[Ledger] = weakref.WeakSet()

_INHERITED: list[Database] = []
"""Databases that a parent process opened. Even closing them here could harm the parent's."""

_ENCODING = (msgspec.MsgspecError, TypeError, ValueError, RuntimeError, AttributeError)
"""What encoding raises for a document that is no JSON, or changes under our hands."""


def utc_now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class LedgerStatus:
    """The ledger's health, for `doctor` and metrics. Counts are this process's own
    unless they say otherwise."""

    url: str
    """Database file or URL, without its password."""

    folder: Path
    pending_records: int = 0
    """Records of all processes that wait in journals."""

    pending_bytes: int = 0
    journals: int = 0
    """Journal files in the folder."""

    last_ingest: datetime | None = None
    """When anybody last stored something."""

    rejects: int = 0
    """Lines ever refused, torn ones included; the `rejects` table says why."""

    write_errors: int = 0
    kept: int = 0
    """Records in memory, waiting for a disk that takes them."""

    dropped: int = 0
    """Records lost because memory was full too, or because they were no JSON."""

    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class Pruned:
    """How much was removed, or would be."""

    requests: int = 0
    attempts: int = 0
    feedback: int = 0
    documents: int = 0
    rejects: int = 0


class Ledger:
    """The durable record of decisions, attempts, outcomes and feedback."""

    def __init__(
        self,
        url: str | None = None,
        *,
        folder: Path,
        clock: Clock = utc_now,
        ingest_every_s: float | None = 2.0,
        prompt_days: float = 30.0,
    ) -> None:
        """`prompt_days` is how long prompts are kept, where they are recorded at all."""
        self._prompt_age = timedelta(days=prompt_days)
        self._prompts_checked: datetime | None = None
        self.folder = Path(folder)
        self.url = url or str(self.folder / "ledger.sqlite3")
        self._clock = clock
        self._every_s = ingest_every_s
        self._journal = Journal(self.folder / "journal")
        self._reset()
        _ALL.add(self)

    def _reset(self) -> None:
        self._database: Database | None = None
        self._opening = threading.RLock()  # a signal handler may record, too
        self._ingesting = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._ingest_error: str | None = None

    # -- writing ---------------------------------------------------------------------------

    def record(self, kind: str, document: Json) -> None:
        """Append one record to the journal. Never raises; safe from threads and after a fork."""
        try:
            line = encode_line(kind, document)
        except _ENCODING as error:
            self._journal.refuse(error)
            return
        self._journal.append(line)
        if self._thread is None and self._every_s is not None:
            self._start()

    def ingest(self) -> int:
        """Store everything journaled so far, by any process. Returns how many records were new."""
        from turnout.ledger.ingest import Ingester

        self._journal.flush()
        with self._ingesting:
            ingester = Ingester(self._open(), self.folder / "journal", self._now_ms)
            try:
                added = ingester.run(self._stop.is_set)
            except LedgerError as error:
                self._ingest_error = str(error)
                raise
        self._ingest_error = None
        self._expire_prompts()
        return added

    def forget_prompts(self, before: datetime) -> int:
        """Delete the prompts recorded before a time. Returns how many there were."""
        from turnout.ledger import queries, transfer

        return transfer.forget_prompts(self._open(), queries.epoch_ms(before))

    def _expire_prompts(self) -> None:
        """Once an hour, by whoever ingests."""
        now = self._clock()
        if self._prompts_checked is None or now - self._prompts_checked > timedelta(hours=1):
            self._prompts_checked = now
            self.forget_prompts(now - self._prompt_age)

    def close(self) -> None:
        """Write what waits in memory and let go of files; a later record opens them again."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(1.0)
        self._journal.close()
        with self._ingesting, self._opening:
            if self._database is not None:
                self._database.close()
                self._database = None
        self._thread = None
        self._stop = threading.Event()

    # -- reading ---------------------------------------------------------------------------

    def report(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        by: str = "tier",
        against: str | None = None,
        *,
        catalog: Prices,
        ladder: Ladder,
        quality_threshold: float = 0.7,
        quality: float = 0.92,
    ) -> Json:
        """Spend, mix, latency, quality and signed savings, from `since` up to `until`.

        `docs/ledger.md` lists the fields. Raises InvalidRequest for an unknown `by`,
        UnknownModel for an unknown `against`, and LedgerError.
        """
        from turnout.ledger import queries, report

        queries.check_group(by)
        with self._current().reading() as connection:
            return report.build(
                connection,
                since=since,
                until=until,
                by=by,
                against=against,
                catalog=catalog,
                ladder=ladder,
                quality_threshold=quality_threshold,
                quality=quality,
            )

    def decision_exists(self, decision: str) -> bool:
        """True when a decision of this id was recorded, by any process."""
        from turnout.ledger import queries

        with self._current().reading() as connection:
            return queries.decision_exists(connection, decision)

    def decision(self, decision: str) -> Json | None:
        """`{decision, outcome, attempts, feedback}` as recorded; None if the id is unknown."""
        from turnout.ledger import queries

        with self._current().reading() as connection:
            return queries.whole_decision(connection, decision)

    def decisions(
        self,
        limit: int = 100,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Json]:
        """The newest decisions' documents, newest first."""
        return self.documents("decision", limit, since=since, until=until)

    def documents(
        self,
        kind: str,
        limit: int = 100,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Json]:
        """The newest documents of a kind, newest first."""
        from turnout.ledger import queries

        with self._current().reading() as connection:
            return queries.documents(connection, kind, limit, since, until)

    def rejects(self, limit: int = 20) -> list[Json]:
        """The newest records that were refused, each with its reason."""
        from turnout.ledger import queries

        with self._current().reading() as connection:
            return queries.rejects(connection, limit)

    def status(self) -> LedgerStatus:
        """How the ledger is doing. Never raises: what is wrong stands in `last_error`."""
        from turnout.ledger.status import look

        return look(self._open(), self.folder, self._journal, self._ingest_error)

    # -- housekeeping ----------------------------------------------------------------------

    def export(self, to: Path | Stream) -> int:
        """Write everything as JSON lines to a file or stream. Returns how many."""
        from turnout.ledger import transfer

        return transfer.export(self._current(), to)

    def import_(self, source: Path | Stream) -> int:
        """Store an export; what is known already is left alone. Returns how many were new.

        A broken line raises LedgerError with its number, and nothing is imported.
        """
        from turnout.ledger import transfer

        return transfer.import_(self._open(), source)

    def backup(self, to: Path) -> Path:
        """A consistent copy: an SQLite file, or JSON lines if the ledger is on a server."""
        from turnout.ledger import transfer

        return transfer.backup(self._current(), Path(to))

    def prune(self, before: datetime, *, dry_run: bool = False) -> Pruned:
        """Forget requests decided before a time, with all that belongs to them."""
        from turnout.ledger import queries, transfer

        return transfer.prune(self._current(), queries.epoch_ms(before), dry_run=dry_run)

    # -- inside ----------------------------------------------------------------------------

    def _now_ms(self) -> int:
        return int(self._clock().timestamp() * 1000)

    def _open(self) -> Database:
        from turnout.ledger.database import Database

        with self._opening:
            if self._database is None:
                self._database = Database(self.url)
            return self._database

    def _current(self) -> Database:
        """The database, with everything journaled so far in it."""
        self.ingest()
        return self._open()

    def _start(self) -> None:
        with self._opening:
            if self._thread is None:
                thread = threading.Thread(
                    target=_ingest_now_and_then,
                    args=(weakref.ref(self), self._stop, self._every_s),
                    name="turnout-ledger",
                    daemon=True,
                )
                self._thread = thread
                thread.start()

    def _ingest_quietly(self) -> None:
        before = self._ingest_error
        try:
            self.ingest()
        except LedgerError as error:
            if before is None:  # once an outage, not every two seconds
                log.warning("turnout: %s", error)

    def _after_fork(self) -> None:
        """In a child: the parent's connections, locks and thread are not ours."""
        self._journal.after_fork()
        if self._database is not None:
            _INHERITED.append(self._database)
        self._reset()

    def _at_exit(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(0.5)
        self._journal.close()


def _ingest_now_and_then(
    ledger: weakref.ref[Ledger], stop: threading.Event, every_s: float
) -> None:
    """The background thread; it does not keep a forgotten ledger alive."""
    while not stop.wait(every_s):
        found = ledger()
        if found is None:
            return
        found._ingest_quietly()
        del found


def _each(action: Callable[[Ledger], None]) -> Callable[[], None]:
    def run() -> None:
        for ledger in list(_ALL):
            action(ledger)

    return run


os.register_at_fork(after_in_child=_each(Ledger._after_fork))
atexit.register(_each(Ledger._at_exit))
