"""Prompts: opt-in, masked, and gone after their days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import turnout
from turnout.recording import Recorder
from turnout.types import Request

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ASK = Request(({"role": "user", "content": "Mail ann@example.org the list."},))


def decide() -> turnout.Decision:
    return turnout.Router({}, ledger=False, clock=lambda: NOON).route("Mail the list.")


def test_a_prompt_is_kept_only_on_request_and_masked(tmp_path: Path) -> None:
    ledger = turnout.Ledger(folder=tmp_path, clock=lambda: NOON)
    Recorder(ledger).decision(decide(), "run", ASK)
    assert ledger.documents("prompt") == []

    Recorder(ledger, prompts=True).decision(decide(), "run", ASK)
    (document,) = ledger.documents("prompt")
    assert document["text"] == "Mail [email] the list."
    ledger.close()


def test_a_prompt_is_deleted_after_its_days_and_the_request_stays(tmp_path: Path) -> None:
    ledger = turnout.Ledger(folder=tmp_path, clock=lambda: NOON, prompt_days=30)
    Recorder(ledger, prompts=True).decision(decide(), "run", ASK)
    assert ledger.ingest() == 2
    ledger.close()

    later = turnout.Ledger(folder=tmp_path, clock=lambda: NOON + timedelta(days=31), prompt_days=30)
    later.ingest()
    assert later.documents("prompt") == []
    assert len(later.decisions()) == 1
    later.close()


def test_a_prompt_survives_export_and_import_once(tmp_path: Path) -> None:
    ledger = turnout.Ledger(folder=tmp_path / "a", clock=lambda: NOON)
    Recorder(ledger, prompts=True).decision(decide(), "run", ASK)
    ledger.export(tmp_path / "all.jsonl")
    other = turnout.Ledger(folder=tmp_path / "b", clock=lambda: NOON)
    assert other.import_(tmp_path / "all.jsonl") == 2
    assert other.import_(tmp_path / "all.jsonl") == 0
    ledger.close()
    other.close()
