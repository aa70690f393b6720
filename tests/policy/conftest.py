"""A classifier that says what a test wants it to say, and routers around it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias

import pytest

import turnout
from turnout.types import Prediction, Request, Signals

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

MakeRouter: TypeAlias = Callable[..., turnout.Router]


class Says:
    """A classifier of the user's own: always the same four numbers."""

    name = "says"

    def __init__(self, *adequate: float) -> None:
        self.adequate: Any = adequate

    def predict(self, request: Request, signals: Signals) -> Prediction:
        return Prediction(self.adequate, self.name, ("it says so",))


@pytest.fixture
def router() -> MakeRouter:
    """Makes routers: `router(0.2, 0.6, 0.95, 1, ladder="three", prefer="cost")`.

    Four numbers are the prediction, keywords are settings; `ladder`, `models` and `at` are not.
    """

    def make(
        *adequate: float,
        ladder: Any = None,
        models: Any = None,
        at: datetime = NOON,
        **settings: Any,
    ) -> turnout.Router:
        return turnout.Router(
            settings,
            classifier=Says(*(adequate or (0.1, 0.5, 0.95, 1.0))),
            ladder=ladder,
            models=models,
            ledger=False,
            clock=lambda: at,
        )

    return make
