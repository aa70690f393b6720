"""Locked, damaged, missing, newer: each says what to do and loses nothing."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from turnout.errors import LedgerError
from turnout.ledger import Ledger
from turnout.types import Json

Make = Callable[..., Json]


def test_making_a_ledger_opens_nothing(tmp_path: Path) -> None:
    began = time.perf_counter()
    for _ in range(100):
        ledger = Ledger(folder=tmp_path / "nowhere")
    assert time.perf_counter() - began < 0.1
    assert ledger.status().pending_records == 0
    assert not (tmp_path / "nowhere").exists()


def test_a_locked_database_is_named_and_the_journal_keeps_everything(
    ledger: Ledger, decision: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turnout.ledger.database.BUSY_MS", 50)
    ledger.record("decision", decision("d1"))
    ledger.ingest()
    ledger.close()
    with closing(sqlite3.connect(ledger.url, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        impatient = Ledger(folder=ledger.folder, ingest_every_s=None)
        impatient.record("decision", decision("d2"))
        with pytest.raises(LedgerError, match=r"locked by another process.*try again"):
            impatient.decisions()
        status = impatient.status()
        assert status.pending_records == 1
        assert "locked" in str(status.last_error)
        other.execute("ROLLBACK")
    assert len(impatient.decisions()) == 2
    assert impatient.status().last_error is None
    impatient.close()


def test_a_damaged_file_is_named_and_a_new_one_takes_the_journal(
    ledger: Ledger, decision: Make
) -> None:
    file = ledger.folder / "ledger.sqlite3"
    ledger.folder.mkdir()
    file.write_bytes(b"this is no database at all" * 100)
    ledger.record("decision", decision())
    with pytest.raises(LedgerError, match=r"ledger\.sqlite3 is damaged.*move it aside"):
        ledger.ingest()
    assert "damaged" in str(ledger.status().last_error)
    file.rename(file.with_suffix(".damaged"))
    assert ledger.ingest() == 1


def test_a_database_that_vanishes_is_made_again(ledger: Ledger, decision: Make) -> None:
    ledger.record("decision", decision("d1"))
    assert ledger.ingest() == 1
    shutil.rmtree(ledger.folder)
    ledger.record("decision", decision("d2"))
    assert ledger.ingest() == 1
    assert [found["id"] for found in ledger.decisions()] == ["d2"]


def test_a_folder_that_cannot_be_made_fails_no_request(tmp_path: Path, decision: Make) -> None:
    (tmp_path / "file").write_text("in the way")
    ledger = Ledger(folder=tmp_path / "file", ingest_every_s=None)
    ledger.record("decision", decision())
    status = ledger.status()
    assert (status.kept, status.write_errors) == (1, 1)
    with pytest.raises(LedgerError, match="cannot open the ledger"):
        ledger.decisions()
    ledger.close()


def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path, decision: Make) -> None:
    (tmp_path / "ledger.sqlite3").mkdir()
    ledger = Ledger(folder=tmp_path, ingest_every_s=None)
    ledger.record("decision", decision())
    with pytest.raises(LedgerError, match=r"ledger\.sqlite3: Is a directory"):
        ledger.ingest()
    assert ledger.status().pending_records == 1
    ledger.close()


def test_a_newer_schema_asks_for_a_newer_turnout(ledger: Ledger, decision: Make) -> None:
    ledger.record("decision", decision())
    ledger.ingest()
    ledger.close()
    with closing(sqlite3.connect(ledger.url)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(LedgerError, match="newer Turnout"):
        ledger.decisions()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "nonsense://x/y"])
def test_a_url_that_cannot_serve_is_refused(tmp_path: Path, url: str) -> None:
    ledger = Ledger(url, folder=tmp_path, ingest_every_s=None)
    with pytest.raises(LedgerError):
        ledger.decisions()


def test_a_path_and_a_url_name_the_same_file(tmp_path: Path, decision: Make) -> None:
    file = tmp_path / "else where" / "l.db"
    first = Ledger(str(file), folder=tmp_path, ingest_every_s=None)
    first.record("decision", decision())
    first.ingest()
    first.close()
    second = Ledger(f"sqlite:///{file}", folder=tmp_path, ingest_every_s=None)
    assert second.decision_exists("d1")
    second.close()


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    ledger = Ledger("postgresql+psycopg://me:secret@127.0.0.1:1/x", folder=tmp_path)
    status = ledger.status()
    assert "secret" not in repr(status)
    with pytest.raises(LedgerError) as caught:
        ledger.decisions()
    assert "secret" not in str(caught.value)
