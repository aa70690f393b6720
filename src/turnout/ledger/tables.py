"""The tables, in SQLAlchemy Core. `docs/ledger.md` explains them one by one.

Times are milliseconds since 1970 UTC, money is whole pico-USD, durations are microseconds.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from turnout.ledger.records import ANSWER_TOKENS, TOKENS

REVISION = "0001"
"""The newest migration; a database that says so needs no Alembic."""

metadata = MetaData()

requests = Table(
    "requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False, index=True),
    # the decision's part
    Column("decided", SmallInteger, nullable=False),
    Column("tier", Text),
    Column("model", Text),
    Column("provider", Text),
    Column("effort", Text),
    Column("classifier", Text),
    Column("source", Text),
    Column("key", Text),
    Column("conversation", Text),
    Column("experiment", Text),
    Column("arm", Text),
    Column("escalated", SmallInteger),
    Column("decision_pico", BigInteger),
    Column("estimated_pico", BigInteger),
    # the outcome's part
    Column("finished", SmallInteger, nullable=False),
    Column("status", Text),
    Column("served_by", Text),
    Column("served_tier", Text),
    Column("stop_reason", Text),
    Column("answer_model", Text),
    Column("speed", Text),
    Column("cost_pico", BigInteger),
    Column("classifier_pico", BigInteger),
    Column("latency_us", BigInteger),
    Column("ttft_us", BigInteger),
    Column("validator_escalated", SmallInteger),
    Column("fallback", SmallInteger),
    Column("attempts", BigInteger),
    *(Column(name, BigInteger) for name in TOKENS),
    *(Column(name, BigInteger) for name in ANSWER_TOKENS),
    # the newest feedback's part
    Column("rated_ms", BigInteger),
    Column("score", Float),
    Column("success", SmallInteger),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("decision", Text, nullable=False, index=True),
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
    *(Column(name, BigInteger) for name in TOKENS),
)

feedback = Table(
    "feedback",
    metadata,
    Column("id", Text, primary_key=True),
    Column("decision", Text, nullable=False, index=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("score", Float),
    Column("success", SmallInteger),
)

documents = Table(
    "documents",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("decision", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)

tags = Table(
    "tags",
    metadata,
    Column("name", Text, primary_key=True),
    Column("decision", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

totals = Table(
    "totals",
    metadata,
    Column("span", Text, primary_key=True),
    Column("start_ms", BigInteger, primary_key=True),
    Column("cell", Text, primary_key=True),
    Column("sums", Text, nullable=False),
)

journals = Table(
    "journals",
    metadata,
    Column("name", Text, primary_key=True),
    Column("ingested_bytes", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)

rejects = Table(
    "rejects",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("journal", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("line", Text, nullable=False),
    UniqueConstraint("journal", "position", name="rejects_once"),
)

writer = Table(
    "writer",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ingested_ms", BigInteger),
)

Index("documents_by_time", documents.c.kind, documents.c.at_ms)
