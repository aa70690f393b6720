"""The first tables.

Written out in full, not taken from `tables.py`: that file moves on, a migration never does.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
)

revision = "0001"
down_revision = None

_TOKENS = (
    "input_tokens",
    "output_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "cache_read_tokens",
    "web_searches",
)


def upgrade() -> None:
    """Create every table of the first release."""
    _requests()
    _attempts()
    _feedback()
    _documents()
    _bookkeeping()


def _requests() -> None:
    texts = ("tier", "model", "provider", "effort", "classifier", "source", "key")
    more = ("conversation", "experiment", "arm")
    outcome = ["status", "served_by", "served_tier", "stop_reason", "answer_model", "speed"]
    op.create_table(
        "requests",
        Column("id", Text, primary_key=True),
        Column("at_ms", BigInteger, nullable=False),
        Column("decided", SmallInteger, nullable=False),
        *(Column(name, Text) for name in (*texts, *more)),
        Column("escalated", SmallInteger),
        Column("decision_pico", BigInteger),
        Column("estimated_pico", BigInteger),
        Column("finished", SmallInteger, nullable=False),
        *(Column(name, Text) for name in outcome),
        Column("cost_pico", BigInteger),
        Column("classifier_pico", BigInteger),
        Column("latency_us", BigInteger),
        Column("ttft_us", BigInteger),
        Column("validator_escalated", SmallInteger),
        Column("fallback", SmallInteger),
        Column("attempts", BigInteger),
        *(Column(name, BigInteger) for name in _TOKENS),
        *(Column(f"answer_{name}", BigInteger) for name in _TOKENS),
        Column("rated_ms", BigInteger),
        Column("score", Float),
        Column("success", SmallInteger),
    )
    op.create_index("ix_requests_at_ms", "requests", ["at_ms"])


def _attempts() -> None:
    op.create_table(
        "attempts",
        Column("id", Text, primary_key=True),
        Column("decision", Text, nullable=False),
        Column("at_ms", BigInteger, nullable=False),
        Column("number", BigInteger, nullable=False),
        Column("model", Text, nullable=False),
        Column("effort", Text),
        Column("tier", Text),
        Column("status", Text, nullable=False),
        Column("served_by", Text),
        Column("cost_pico", BigInteger),
        Column("latency_us", BigInteger),
        Column("ttft_us", BigInteger),
        Column("http_status", BigInteger),
        *(Column(name, BigInteger) for name in _TOKENS),
    )
    op.create_index("ix_attempts_decision", "attempts", ["decision"])


def _feedback() -> None:
    op.create_table(
        "feedback",
        Column("id", Text, primary_key=True),
        Column("decision", Text, nullable=False),
        Column("at_ms", BigInteger, nullable=False),
        Column("score", Float),
        Column("success", SmallInteger),
    )
    op.create_index("ix_feedback_decision", "feedback", ["decision"])


def _documents() -> None:
    op.create_table(
        "documents",
        Column("kind", Text, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("decision", Text, nullable=False),
        Column("at_ms", BigInteger, nullable=False),
        Column("body", Text, nullable=False),
    )
    op.create_index("documents_by_time", "documents", ["kind", "at_ms"])
    op.create_table(
        "tags",
        Column("name", Text, primary_key=True),
        Column("decision", Text, primary_key=True),
        Column("value", Text, nullable=False),
    )


def _bookkeeping() -> None:
    op.create_table(
        "totals",
        Column("span", Text, primary_key=True),
        Column("start_ms", BigInteger, primary_key=True, autoincrement=False),
        Column("cell", Text, primary_key=True),
        Column("sums", Text, nullable=False),
    )
    op.create_table(
        "journals",
        Column("name", Text, primary_key=True),
        Column("ingested_bytes", BigInteger, nullable=False),
        Column("at_ms", BigInteger, nullable=False),
    )
    op.create_table(
        "rejects",
        Column("number", Integer, primary_key=True, autoincrement=True),
        Column("journal", Text, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("at_ms", BigInteger, nullable=False),
        Column("reason", Text, nullable=False),
        Column("line", Text, nullable=False),
        UniqueConstraint("journal", "position", name="rejects_once"),
    )
    writer = op.create_table(
        "writer",
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("ingested_ms", BigInteger),
    )
    op.bulk_insert(writer, [{"id": 1, "ingested_ms": None}])
