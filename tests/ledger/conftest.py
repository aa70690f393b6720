"""Documents as the router records them, and a ledger in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from turnout.documents import usage_dict
from turnout.ledger import Ledger
from turnout.types import Decision, Json, Usage

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger that ingests only when asked."""
    made = Ledger(folder=tmp_path / "data", ingest_every_s=None)
    yield made
    made.close()


@pytest.fixture
def decision() -> Callable[..., Json]:
    """Makes decision documents: `decision("d1", tier="low", source="run")`."""

    def make(name: str = "d1", **changes: object) -> Json:
        found = Decision(
            id=name,
            at=NOON,
            model="claude-haiku-5-5",
            provider="anthropic",
            tier="low",
            effort="low",
            confidence=0.95,
            tier_probabilities={"low": 0.9, "high": 0.1},
            classifier="rules",
            original_tier="low",
        )
        return found.to_dict() | changes

    return make


@pytest.fixture
def outcome() -> Callable[..., Json]:
    """Makes outcome documents: `outcome("d1", cost_usd="0.01")`."""

    def make(name: str = "d1", **changes: object) -> Json:
        usage = usage_dict(Usage(1_000, 200))
        return {
            "id": name,
            "at": NOON.isoformat(),
            "served_by": "claude-haiku-5-5",
            "served_tier": "low",
            "stop_reason": "end_turn",
            "status": "ok",
            "usage": usage,
            "cost_usd": "0.002",
            "classifier_cost_usd": "0",
            "latency_ms": 800.0,
            "ttft_ms": None,
            "escalated": False,
            "fallback": False,
            "answer_usage": usage,
            "answer_model": "claude-haiku-5-5",
            "attempts": 1,
        } | changes

    return make


@pytest.fixture
def feedback() -> Callable[..., Json]:
    """Makes feedback documents: `feedback("f1", "d1", score=0.5)`."""

    def make(name: str = "f1", decision: str = "d1", **changes: object) -> Json:
        base = {"id": name, "decision": decision, "at": NOON.isoformat()}
        return base | {"score": 0.9, "success": None, "note": ""} | changes

    return make


@pytest.fixture
def attempt() -> Callable[..., Json]:
    """Makes attempt documents: `attempt("a1", "d1")`."""

    def make(name: str = "a1", decision: str = "d1", **changes: object) -> Json:
        return {
            "id": name,
            "decision": decision,
            "number": 1,
            "at": NOON.isoformat(),
            "model": "claude-haiku-5-5",
            "effort": "low",
            "tier": "low",
            "status": "accepted",
            "usage": usage_dict(Usage(1_000, 200)),
            "cost_usd": "0.002",
            "latency_ms": 800.0,
        } | changes

    return make
