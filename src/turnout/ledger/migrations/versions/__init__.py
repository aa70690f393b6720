"""Alembic revisions of the ledger; only ever append."""
