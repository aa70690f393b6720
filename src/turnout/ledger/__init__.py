"""The durable record of decisions, attempts, outcomes and feedback.

`Ledger.record` is one write to a file; the database is fed from those files by whoever comes
next. SQLAlchemy and Alembic load when a database is first opened, never on import.
"""

from turnout.ledger.ledger import Ledger, LedgerStatus, Pruned, utc_now

__all__ = ["Ledger", "LedgerStatus", "Pruned", "utc_now"]
