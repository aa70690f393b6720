"""Opening the database: SQLite by default, anything SQLAlchemy speaks by URL."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from turnout.errors import LedgerError
from turnout.ledger.journal import private_folder
from turnout.ledger.tables import REVISION

BUSY_MS = 5_000
"""How long one process waits for another that is writing."""


class Database:
    """One engine with the schema in place, and the two ways to use it."""

    def __init__(self, url: str, *, busy_ms: int | None = None) -> None:
        self.url = url
        self.path = sqlite_path(url)
        self._busy_ms = BUSY_MS if busy_ms is None else busy_ms
        self._engine: Engine | None = None
        self._inode: tuple[int, int] | None = None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one consistent state. Raises LedgerError."""
        with self._friendly(), self.engine().connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other writer interleaves with. Raises LedgerError."""
        with self._friendly(), self.engine().connect() as connection:
            connection = connection.execution_options(turnout_write=True)
            with connection.begin():
                yield connection

    def engine(self) -> Engine:
        """The engine, opened and migrated on first use, and again if the file was replaced."""
        if self._engine is not None and self.path and _inode(self.path) != self._inode:
            self.close()
        if self._engine is None:
            engine = self._open()
            try:
                self._migrate(engine)
            except BaseException:
                engine.dispose()
                raise
            self._engine = engine
            self._inode = _inode(self.path) if self.path else None
        return self._engine

    def close(self) -> None:
        """Let go of every connection."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    # -- opening ---------------------------------------------------------------------------

    def _open(self) -> Engine:
        try:
            if self.path is None:
                return create_engine(self.url, pool_pre_ping=True)
            _create_private(self.path)
            timeout = {"timeout": self._busy_ms / 1000}
            engine = create_engine(f"sqlite:///{self.path}", connect_args=timeout)
        except (ArgumentError, NoSuchModuleError, ImportError) as error:
            raise LedgerError(f"cannot open the ledger {shown(self.url)}: {error}") from error
        except OSError as error:
            raise LedgerError(
                f"cannot open the ledger {self.path}: {error.strerror or error}; "
                "check that its folder exists and is yours to write"
            ) from error
        event.listen(engine, "connect", self._prepare)
        event.listen(engine, "begin", _begin)
        return engine

    def _prepare(self, connection: Any, _record: object) -> None:
        """Write-ahead log, so that readers and one writer never wait for each other."""
        connection.isolation_level = None  # transactions begin where `_begin` says, not later
        give_up = time.monotonic() + self._busy_ms / 1000
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                break
            except connection.OperationalError as error:  # this pragma ignores the busy timeout
                if "locked" not in str(error) or time.monotonic() > give_up:
                    raise
                time.sleep(0.02)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA cache_size=-16384")
        connection.execute("PRAGMA wal_autocheckpoint=4000")  # pages: move data in bigger steps

    def _migrate(self, engine: Engine) -> None:
        with engine.connect() as connection:
            if _revision(connection) == REVISION:
                return
        with engine.connect() as connection:
            connection = connection.execution_options(turnout_write=True)
            with connection.begin():
                if engine.dialect.name == "postgresql":
                    connection.execute(text("SELECT pg_advisory_xact_lock(7238217)"))
                found = _revision(connection)
                if found == REVISION:  # another process was faster
                    return
                if found is not None and found > REVISION:
                    raise LedgerError(
                        f"the ledger {shown(self.url)} was written by a newer Turnout "
                        f"(schema {found}, this one knows {REVISION}); upgrade Turnout"
                    )
                from turnout.ledger.migrate import upgrade

                upgrade(connection)

    @contextmanager
    def _friendly(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise self._explain(error) from error

    def _explain(self, error: SQLAlchemyError) -> LedgerError:
        """What went wrong and what to do, in a line or two."""
        cause = str(error.orig if isinstance(error, DBAPIError) else error)
        name = f"the ledger {shown(self.url)}"
        if "locked" in cause or "busy" in cause:
            return LedgerError(
                f"{name} is locked by another process; try again when that one is done "
                "(nothing is lost: new records wait in the journal)"
            )
        if "not a database" in cause or "malformed" in cause:
            return LedgerError(
                f"{name} is damaged ({cause}); move it aside and Turnout starts a new one, "
                "keep new records in the journal, or restore a copy made by "
                "`turnout ledger backup` or `turnout ledger export`"
            )
        if "readonly" in cause or "unable to open" in cause:
            return LedgerError(
                f"{name} cannot be written ({cause}); check the permissions of the file and its "
                "folder (new records wait in the journal)"
            )
        if "full" in cause:
            return LedgerError(f"{name} cannot grow ({cause}); free some space and try again")
        return LedgerError(f"{name} failed: {cause}")


def sqlite_path(url: str) -> Path | None:
    """The file behind a plain path or an `sqlite:` URL; None for a server."""
    if "://" not in url:
        return Path(url)
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise LedgerError(f"not a database URL: {url.split('://')[0]}://…") from error
    if parsed.get_backend_name() != "sqlite":
        return None
    if not parsed.database or parsed.database == ":memory:":
        raise LedgerError("a ledger needs a file: an in-memory database is lost with its process")
    return Path(parsed.database)


def shown(url: str) -> str:
    """A URL without its password."""
    return make_url(url).render_as_string(hide_password=True) if "://" in url else url


def _begin(connection: Connection) -> None:
    writing = connection.get_execution_options().get("turnout_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _revision(connection: Connection) -> str | None:
    """The migration the database is at, None for an empty one."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _create_private(path: Path) -> None:
    """An empty file that only this user may read; SQLite gives its side files the same mode."""
    private_folder(path.absolute().parent)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
