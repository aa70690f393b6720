"""${message}."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """${message}."""
    ${upgrades if upgrades else "pass"}
