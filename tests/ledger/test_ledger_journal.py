"""The journal: one write a record, whatever happens to disk, process or folder."""

from __future__ import annotations

import logging
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.ledger import Ledger
from turnout.ledger.journal import Journal, encode_line
from turnout.ledger.records import parse_line
from turnout.types import Json


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "data" / "journal")
    yield made
    made.close()


def lines(folder: Path) -> list[bytes]:
    return b"".join(p.read_bytes() for p in sorted(folder.glob("*.jsonl"))).splitlines(True)


def test_files_and_folders_are_private(journal: Journal) -> None:
    journal.append(b"{}\n")
    (file,) = journal.folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(journal.folder.parent.stat().st_mode) == 0o700


def test_a_large_file_is_rotated(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", rotate_bytes=100)
    for _ in range(10):
        journal.append(b"x" * 49 + b"\n")
    journal.close()
    assert len(list(journal.folder.iterdir())) == 5
    assert len(lines(journal.folder)) == 10


def test_threads_never_mix_their_lines(journal: Journal) -> None:
    def write(letter: str) -> None:
        for _ in range(500):
            journal.append(letter.encode() * 200 + b"\n")

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = lines(journal.folder)
    assert len(found) == 2_000
    assert all(len(line) == 201 and len(set(line[:-1])) == 1 for line in found)


def test_keeps_records_while_the_folder_is_a_file_and_writes_them_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Works as root too, whom no permission stops."""
    data = tmp_path / "data"
    data.write_text("in the way")
    journal = Journal(data / "journal")
    with caplog.at_level(logging.WARNING, "turnout.ledger"):
        for number in range(5):
            journal.append(b"%d\n" % number)
    assert (journal.kept, journal.write_errors, journal.dropped) == (5, 5, 0)
    assert len(caplog.records) == 1, "one warning an outage"
    data.unlink()
    journal.append(b"5\n")
    assert journal.kept == 0
    assert lines(journal.folder) == [b"%d\n" % number for number in range(6)]
    journal.close()


def test_memory_is_bounded_while_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    journal = Journal(tmp_path / "data" / "journal", keep_bytes=1_000)
    for _ in range(100):
        journal.append(b"x" * 99 + b"\n")
    assert (journal.kept, journal.dropped) == (10, 90)
    journal.close()


def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    """A file size limit cuts the write short, as a full disk does."""
    script = """
import resource, sys
from pathlib import Path
from turnout.ledger.journal import Journal
journal = Journal(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (250, resource.RLIM_INFINITY))
for number in range(4):
    journal.append(b"x" * 99 + b"\\n")
assert journal.kept == 2, journal.kept
assert journal.write_errors == 2 and "journal" in journal.last_error
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.flush()
assert journal.kept == 0
journal.close()
"""
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "journal")], check=True)
    assert lines(tmp_path / "journal") == [b"x" * 99 + b"\n"] * 4


def test_a_deleted_folder_is_made_again(journal: Journal) -> None:
    journal.append(b"1\n")
    shutil.rmtree(journal.folder.parent)
    journal.append(b"2\n")
    assert lines(journal.folder) == [b"2\n"]
    assert journal.write_errors == 0


def test_a_forked_child_writes_its_own_file(ledger: Ledger, decision: Callable[..., Json]) -> None:
    ledger.record("decision", decision("parent"))
    child = os.fork()
    if child == 0:
        ledger.record("decision", decision("child"))
        os._exit(0)
    os.waitpid(child, 0)
    ledger.record("decision", decision("parent again"))
    assert len(list((ledger.folder / "journal").iterdir())) == 2
    assert ledger.ingest() == 3
    assert len(list((ledger.folder / "journal").iterdir())) == 1, "the child's is done with"


def test_parent_and_child_both_ingest_after_a_fork(
    ledger: Ledger, decision: Callable[..., Json]
) -> None:
    ledger.record("decision", decision("before"))
    assert ledger.ingest() == 1
    child = os.fork()
    if child == 0:
        ledger.record("decision", decision("child"))
        os._exit(0 if ledger.ingest() == 1 and ledger.decision_exists("before") else 1)
    _, code = os.waitpid(child, 0)
    assert code == 0
    ledger.record("decision", decision("after"))
    assert ledger.ingest() == 1
    assert len(ledger.decisions()) == 3


def test_record_never_raises(ledger: Ledger) -> None:
    loop: Json = {}
    loop["loop"] = loop
    for document in (loop, {"odd": object()}, {"text": "\ud800"}, {1: 2}, {"n": 10**400}):
        ledger.record("decision", document)  # type: ignore[arg-type]
    ledger.record("decision", None)  # type: ignore[arg-type]
    ledger.record("no such kind", {"id": "x"})
    assert ledger.ingest() == 0
    status = ledger.status()
    assert status.dropped == 2, "the loop and the None"
    assert status.rejects == 5
    assert "could not be encoded" in str(status.last_error)


@given(
    st.dictionaries(
        st.text(max_size=20),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=10,
        ),
    )
)
def test_a_document_comes_back_from_its_line(extra: Json) -> None:
    infinite = [float("inf"), float("-inf")]
    extra = {name: value for name, value in extra.items() if value not in infinite}
    document = extra | {"id": "f", "decision": "d", "at": "2026-11-20T12:00:00Z", "score": 0.5}
    document.pop("success", None)
    line = encode_line("feedback", document)
    assert line.count(b"\n") == 1
    entry = parse_line(line)
    assert msgspec.json.decode(entry.body) == msgspec.json.decode(msgspec.json.encode(document))
