"""Export, import, backup and prune."""

from __future__ import annotations

import io
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from turnout.catalog.ladders import ladder
from turnout.catalog.store import bundled
from turnout.errors import LedgerError
from turnout.ledger import Ledger
from turnout.types import Json

Make = Callable[..., Json]
CATALOG = bundled()
LADDER = ladder("claude", CATALOG)


@pytest.fixture
def full(ledger: Ledger, decision: Make, outcome: Make, feedback: Make, attempt: Make) -> Ledger:
    """Ten days with a few of everything."""
    for day in range(10):
        at = {"at": f"2026-11-{10 + day}T12:30:00+00:00"}
        extra = {"tags": {"team": "ü\n"}, "prompt": "kept as sent"}
        ledger.record("decision", decision(f"d{day}", **at, **extra))
        ledger.record("attempt", attempt(f"a{day}", f"d{day}", **at))
        ledger.record("outcome", outcome(f"d{day}", **at))
        ledger.record("feedback", feedback(f"f{day}", f"d{day}", **at))
    return ledger


def figures(ledger: Ledger, by: str = "tier") -> Json:
    return ledger.report(catalog=CATALOG, ladder=LADDER, by=by)


def test_an_export_imported_elsewhere_reports_the_same(full: Ledger, tmp_path: Path) -> None:
    assert full.export(tmp_path / "all.jsonl") == 40
    assert stat.S_IMODE((tmp_path / "all.jsonl").stat().st_mode) == 0o600
    other = Ledger(folder=tmp_path / "other", ingest_every_s=None)
    assert other.import_(tmp_path / "all.jsonl") == 40
    assert other.import_(tmp_path / "all.jsonl") == 0
    for by in ("tier", "day", "tag:team"):
        assert figures(other, by) == figures(full, by)
    assert other.decision("d3") == full.decision("d3")
    text, binary = io.StringIO(), io.BytesIO()
    other.export(text)
    full.export(binary)
    assert text.getvalue().encode() == binary.getvalue() == (tmp_path / "all.jsonl").read_bytes()
    other.close()


def test_a_broken_line_is_named_and_nothing_is_imported(full: Ledger, tmp_path: Path) -> None:
    stream = io.StringIO()
    full.export(stream)
    lines = stream.getvalue().splitlines(keepends=True)
    broken = io.StringIO("".join([*lines[:16], '{"kind": "dec\n', *lines[16:]]))
    other = Ledger(folder=tmp_path / "other", ingest_every_s=None)
    with pytest.raises(LedgerError, match=r"line 17: .*nothing was imported"):
        other.import_(broken)
    assert other.decisions() == []
    with pytest.raises(LedgerError, match="No such file"):
        other.import_(tmp_path / "missing.jsonl")
    other.close()


def test_a_decision_comes_with_all_that_belongs_to_it(full: Ledger) -> None:
    found = full.decision("d4")
    assert found is not None
    assert found["decision"]["prompt"] == "kept as sent"
    assert found["outcome"]["id"] == "d4"
    assert [item["id"] for item in found["attempts"]] == ["a4"]
    assert [item["id"] for item in found["feedback"]] == ["f4"]
    assert full.decision("nobody") is None
    assert [item["id"] for item in full.decisions(2)] == ["d9", "d8"]


def test_a_backup_is_a_ledger(full: Ledger, tmp_path: Path) -> None:
    copy = full.backup(tmp_path / "copy.sqlite3")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    other = Ledger(str(copy), folder=tmp_path / "other", ingest_every_s=None)
    assert figures(other) == figures(full)
    other.close()
    with pytest.raises(LedgerError, match="exists already"):
        full.backup(copy)
    with pytest.raises(LedgerError, match="cannot write"):
        full.backup(tmp_path / "no" / "folder" / "copy")


@pytest.mark.parametrize(
    ("before", "left"),
    [
        (datetime(2026, 11, 13, tzinfo=UTC), 7),
        (datetime(2026, 11, 13, 12, 30, tzinfo=UTC), 7),
        (datetime(2026, 11, 13, 12, 31, tzinfo=UTC), 6),
        (datetime(2027, 1, 1, tzinfo=UTC), 0),
    ],
)
def test_prune_forgets_the_old_and_adds_up_what_is_left(
    full: Ledger, decision: Make, before: datetime, left: int
) -> None:
    planned = full.prune(before, dry_run=True)
    assert figures(full)["requests"] == 10
    assert full.prune(before) == planned
    gone = 10 - left
    assert (planned.requests, planned.attempts, planned.feedback) == (gone, gone, gone)
    assert planned.documents == 4 * gone
    assert len(full.decisions()) == left
    for by in ("tier", "hour", "conversation"):
        assert figures(full, by)["requests"] == left
    assert full.prune(before).requests == 0
    full.record("decision", decision("new", at="2026-11-13T12:40:00Z"))
    assert figures(full)["requests"] == left + 1


def test_what_is_pruned_leaves_no_trace_in_the_file(full: Ledger) -> None:
    full.prune(datetime(2027, 1, 1, tzinfo=UTC))
    full.close()
    with closing(sqlite3.connect(full.url)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"kept as sent" not in Path(full.url).read_bytes()
