"""Ingest: every record once, whatever order, process or accident it comes by."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from turnout.ledger import Ledger
from turnout.ledger.database import Database
from turnout.ledger.journal import encode_line
from turnout.ledger.records import Entry, parse_line
from turnout.ledger.store import count_rows, store
from turnout.ledger.tables import requests, totals
from turnout.ledger.totals import DAY_MS, HOUR_MS, decode_sums, encode_cell
from turnout.types import Json

Make = Callable[..., Json]

WORKER = """
import json, os, signal, sys
from pathlib import Path
from turnout.ledger import Ledger
folder, name, count, how = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
document = json.loads(sys.argv[5])
ledger = Ledger(folder=folder, ingest_every_s=0.05)
for number in range(count):
    ledger.record("decision", document | {"id": f"{name}-{number}"})
print("acknowledged", flush=True)
if how == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
ledger.close()
"""


def start(folder: Path, name: str, how: str, document: Json, count: int = 300) -> Any:
    arguments = [str(folder), name, str(count), how, json.dumps(document)]
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", WORKER, *arguments], stdout=subprocess.PIPE
    )


def finish(process: Any) -> int:
    out, _ = process.communicate(timeout=60)
    assert out == b"acknowledged\n"
    return int(process.returncode)


@contextmanager
def rows(ledger: Ledger, query: str) -> Iterator[list[Any]]:
    with closing(sqlite3.connect(ledger.url)) as connection:
        yield connection.execute(query).fetchall()


def test_ingesting_twice_adds_nothing(
    ledger: Ledger, decision: Make, outcome: Make, feedback: Make, attempt: Make
) -> None:
    for _ in range(2):
        ledger.record("decision", decision())
        ledger.record("attempt", attempt())
        ledger.record("outcome", outcome())
        ledger.record("feedback", feedback())
    assert ledger.ingest() == 4
    assert ledger.ingest() == 0
    with rows(ledger, "SELECT count(*) FROM requests") as found:
        assert found == [(1,)]


def test_the_first_record_of_an_id_stays(ledger: Ledger, outcome: Make) -> None:
    ledger.record("outcome", outcome(cost_usd="1"))
    ledger.ingest()
    ledger.record("outcome", outcome(cost_usd="2"))
    ledger.ingest()
    with rows(ledger, "SELECT cost_pico FROM requests") as found:
        assert found == [(10**12,)]


@pytest.mark.parametrize("how", ["close", "kill"])
def test_many_processes_lose_nothing(tmp_path: Path, decision: Make, how: str) -> None:
    workers = [start(tmp_path, f"w{number}", how, decision()) for number in range(4)]
    codes = {finish(worker) for worker in workers}
    assert codes == ({-signal.SIGKILL} if how == "kill" else {0})
    ledger = Ledger(folder=tmp_path, ingest_every_s=None)
    ledger.ingest()
    assert ledger.status().rejects == 0
    with rows(ledger, "SELECT count(*) FROM requests") as found:
        assert found == [(1_200,)]
    assert list((tmp_path / "journal").iterdir()) == [], "journals of the dead are deleted"
    ledger.close()


def test_the_journal_of_a_living_process_is_kept(ledger: Ledger, decision: Make) -> None:
    ledger.record("decision", decision("d1"))
    other = Ledger(folder=ledger.folder, ingest_every_s=None)
    assert other.ingest() == 1
    ledger.record("decision", decision("d2"))
    assert other.ingest() == 1
    other.close()


def test_a_torn_last_line_is_skipped_and_reported(ledger: Ledger, decision: Make) -> None:
    ledger.record("decision", decision("d1"))
    ledger.record("decision", decision("d2"))
    ledger.close()
    (file,) = (ledger.folder / "journal").iterdir()
    os.truncate(file, file.stat().st_size - 10)
    assert ledger.ingest() == 1
    assert ledger.status().rejects == 1
    assert "torn" in ledger.rejects()[0]["reason"]
    assert not file.exists()


def test_a_half_written_line_of_a_living_process_waits(ledger: Ledger, decision: Make) -> None:
    ledger.record("decision", decision("d1"))
    (file,) = (ledger.folder / "journal").iterdir()
    with file.open("ab") as stream:
        stream.write(b'{"kind":"decision"')
    assert ledger.ingest() == 1
    assert ledger.status().rejects == 0
    assert ledger.status().pending_bytes == 18


def test_a_line_longer_than_a_batch_is_read(
    ledger: Ledger, decision: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turnout.ledger.ingest.BATCH_BYTES", 100)
    for number in range(5):
        ledger.record("decision", decision(f"d{number}", prompt="x" * 1_000 * number))
    assert ledger.ingest() == 5


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        ("decision", {"id": ""}, "length >= 1"),
        ("decision", {"at": "yesterday"}, "not a time"),
        ("decision", {"tier": None}, "$.tier"),
        ("decision", {"classifier_cost_usd": "-1"}, "negative"),
        ("decision", {"estimated_cost_usd": "NaN"}, "not an amount"),
        ("decision", {"estimated_cost_usd": "1e7"}, "too large"),
        ("decision", {"tags": {"a": "x" * 500}}, "tags.a"),
        ("decision", {"key": "a\0b"}, "NUL"),
        ("outcome", {"cost_usd": "Infinity"}, "not an amount"),
        ("outcome", {"status": "splendid"}, "splendid"),
        ("outcome", {"usage": {"input_tokens": -1}}, ">= 0"),
        ("outcome", {"usage": {"input_tokens": 1.5}}, "int"),
        ("outcome", {"latency_ms": float("nan")}, "latency_ms"),
        ("outcome", {"latency_ms": -1.0}, ">= 0"),
        ("feedback", {"score": 1.01}, "<= 1"),
        ("feedback", {"score": float("nan")}, "score"),
        ("feedback", {"score": True}, "score"),
        ("feedback", {"score": None}, "neither"),
        ("attempt", {"decision": None}, "$.decision"),
        ("dream", {}, "unknown kind"),
    ],
)
def test_bad_records_are_set_aside_with_the_reason(
    ledger: Ledger,
    request: pytest.FixtureRequest,
    decision: Make,
    kind: str,
    changes: Json,
    reason: str,
) -> None:
    make: Make = request.getfixturevalue(kind) if kind != "dream" else decision
    ledger.record(kind, make() | changes)
    ledger.record("decision", decision("good"))
    assert ledger.ingest() == 1, "the rest is not held up"
    (found,) = ledger.rejects()
    assert reason in found["reason"]


def test_the_schema_is_what_the_tables_say(ledger: Ledger) -> None:
    """The migrations and `tables.py` must describe one and the same database."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from turnout.ledger.tables import REVISION, metadata

    ledger.ingest()
    database = Database(ledger.url)
    with database.reading() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == REVISION
    database.close()


def test_opening_a_current_database_does_not_import_alembic(ledger: Ledger, decision: Make) -> None:
    ledger.record("decision", decision())
    ledger.close()
    ledger.ingest()
    script = (
        "import sys; from pathlib import Path; from turnout.ledger import Ledger\n"
        "assert 'sqlalchemy' not in sys.modules\n"
        "ledger = Ledger(folder=Path(sys.argv[1]), ingest_every_s=None)\n"
        "assert 'sqlalchemy' not in sys.modules\n"
        "assert ledger.decision_exists('d1') and not ledger.decision_exists('d2')\n"
        "assert 'alembic' not in sys.modules; ledger.close()"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script, str(ledger.folder)], check=True)


def test_the_background_thread_ingests_and_lets_the_process_end(
    tmp_path: Path, decision: Make
) -> None:
    ledger = Ledger(folder=tmp_path, ingest_every_s=0.05)
    ledger.record("decision", decision())
    give_up = time.monotonic() + 10
    while ledger.status().pending_records and time.monotonic() < give_up:
        time.sleep(0.02)
    assert ledger.status().last_ingest is not None
    ledger.close()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["decision", "outcome", "feedback"]),
        st.integers(0, 5),
        st.integers(0, 3 * 24),
        st.decimals(0, 9_000_000, places=12),
        st.floats(0, 1),
    ),
    max_size=25,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS, cuts=st.sets(st.integers(0, 25)))
def test_totals_always_equal_the_sum_over_the_requests(
    tmp_path_factory: pytest.TempPathFactory,
    decision: Make,
    outcome: Make,
    feedback: Make,
    steps: list[Any],
    cuts: set[int],
) -> None:
    """Any order, any batches, any repetition; amounts that overflow 64 bits when summed."""
    make = {"decision": decision, "outcome": outcome, "feedback": feedback}
    batches: list[list[Entry]] = [[]]
    for number, (kind, request, hour, cost, score) in enumerate(steps):
        at = f"2026-11-{17 + hour // 24}T{hour % 24:02}:30:00Z"
        names = {"decision": f"d{request}"} if kind == "feedback" else {}
        name = f"f{number}" if kind == "feedback" else f"d{request}"
        extra = {"cost_usd": str(cost)} if kind == "outcome" else {}
        extra |= {"score": score} if kind == "feedback" else {}
        batches[-1].append(parse_line(encode_line(kind, make[kind](name, at=at, **names, **extra))))
        if number in cuts:
            batches.append([])
    database = Database(str(tmp_path_factory.mktemp("totals") / "ledger.sqlite3"))
    for batch in batches:
        with database.writing() as connection:
            store(connection, batch)
    with database.reading() as connection:
        for span, size in (("hour", HOUR_MS), ("day", DAY_MS)):
            expected = {
                (start, encode_cell(cell)): sums
                for (_, start, cell), sums in count_rows(
                    connection, select(requests), span, size
                ).items()
            }
            query = select(totals).where(totals.c.span == span)
            stored = {
                (row.start_ms, row.cell): decode_sums(row.sums) for row in connection.execute(query)
            }
            assert stored == expected
    database.close()
