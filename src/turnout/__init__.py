"""Turnout: each LLM request to the cheapest model that can answer it.

Names load on first use, so `import turnout` costs little and pulls in no heavy library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from turnout.catalog import Card, Catalog, Model, Price
    from turnout.config import Settings
    from turnout.errors import (
        AllAttemptsFailed,
        BudgetExceeded,
        ConfigError,
        InvalidRequest,
        LedgerError,
        NoEligibleModel,
        Refused,
        Truncated,
        TurnoutError,
        UnknownModel,
        UnknownTier,
        UnpricedModel,
    )
    from turnout.execution import validators
    from turnout.ledger import Ledger, utc_now
    from turnout.router import AsyncRouter, Router
    from turnout.types import (
        Attempt,
        Classifier,
        Decision,
        Feedback,
        Ladder,
        Outcome,
        Prediction,
        Reason,
        Request,
        Signals,
        Target,
        Tier,
        Usage,
        Validator,
    )
    from turnout.wrapped import outcome_of, wrap

_HOMES = {
    "turnout.catalog": ("Card", "Catalog", "Model", "Price"),
    "turnout.config": ("Settings",),
    "turnout.errors": (
        "AllAttemptsFailed",
        "BudgetExceeded",
        "ConfigError",
        "InvalidRequest",
        "LedgerError",
        "NoEligibleModel",
        "Refused",
        "Truncated",
        "TurnoutError",
        "UnknownModel",
        "UnknownTier",
        "UnpricedModel",
    ),
    "turnout.execution": ("validators",),
    "turnout.ledger": ("Ledger", "utc_now"),
    "turnout.router": ("AsyncRouter", "Router"),
    "turnout.types": (
        "Attempt",
        "Classifier",
        "Decision",
        "Feedback",
        "Ladder",
        "Outcome",
        "Prediction",
        "Reason",
        "Request",
        "Signals",
        "Target",
        "Tier",
        "Usage",
        "Validator",
    ),
    "turnout.wrapped": ("outcome_of", "wrap"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__version__ = "0.1.0"
__all__ = [
    "AllAttemptsFailed",
    "AsyncRouter",
    "Attempt",
    "BudgetExceeded",
    "Card",
    "Catalog",
    "Classifier",
    "ConfigError",
    "Decision",
    "Feedback",
    "InvalidRequest",
    "Ladder",
    "Ledger",
    "LedgerError",
    "Model",
    "NoEligibleModel",
    "Outcome",
    "Prediction",
    "Price",
    "Reason",
    "Refused",
    "Request",
    "Router",
    "Settings",
    "Signals",
    "Target",
    "Tier",
    "Truncated",
    "TurnoutError",
    "UnknownModel",
    "UnknownTier",
    "UnpricedModel",
    "Usage",
    "Validator",
    "outcome_of",
    "utc_now",
    "validators",
    "wrap",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'turnout' has no attribute {name!r}")
    module = import_module(home)
    if name == "validators":
        return import_module("turnout.execution.validators")
    return getattr(module, name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
