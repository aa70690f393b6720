"""The fold: a decision passes through small steps of one signature.

`State` is read once beforehand and holds every target of the ladder as an `Option`, eligible or
with the reason why not. A step may only move a decision to an eligible option, so floors,
windows, abilities and retention hold on every path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, TypeAlias

from turnout.catalog.model import Model
from turnout.types import (
    NO_LIMITS,
    Decision,
    Ladder,
    Limits,
    Prediction,
    Reason,
    Request,
    Signals,
    Target,
)


class Option(NamedTuple):
    """One target of the ladder, as it stands for this request."""

    rung: int
    """Index of its tier."""

    tier: str
    target: Target
    model: Model
    input_tokens: int
    """Estimated with this model's tokenizer."""

    cost_pico: int | None
    """Estimated cost of this request; None when unpriced."""

    why_not: str | None
    """Why it is not eligible; None when it is."""

    native: bool
    """True when nothing in the request has to be adapted for it."""

    reserve: bool = False
    """True for a target that only the user's own fallback chain names."""

    @property
    def spelled(self) -> str:
        """`model@effort`, for reasons and messages."""
        effort = self.target.effort
        return f"{self.target.model}@{effort}" if effort else self.target.model


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller asked of the route; None means no wish."""

    tier: str | None = None
    model: str | None = None
    limits: Limits = NO_LIMITS
    prefer: str | None = None
    quality: float = 0.92
    escalation: str = "always"
    conversation: str | None = None
    context_tokens: int = 0
    """Tokens of context that the request itself does not show."""


@dataclass(frozen=True, slots=True)
class State:
    """Everything a step may know; read once, so a decision can be replayed."""

    now: datetime
    request: Request
    signals: Signals
    prediction: Prediction
    ladder: Ladder
    wishes: Wishes
    options: tuple[Option, ...]
    adequate: tuple[float, ...]
    """P(adequate) of each tier."""

    cut: float
    """The probability that `quality` asks for."""

    output_tokens: int
    """Estimated answer length."""

    floor: int
    ceiling: int
    pinned: Option | None = None
    """The option that `model=` names; it is not left."""

    def current(self, decision: Decision) -> Option:
        """The option that a decision points at."""
        model, effort, tier = decision.model, decision.effort, decision.tier
        for option in self.options:
            target = option.target
            if target.model == model and target.effort == effort and option.tier == tier:
                return option
        raise LookupError(f"{model} is not an option of tier {tier}")

    def eligible(self, lowest: int = 0) -> list[Option]:
        """Eligible options from the tier at index `lowest` up, in ladder order."""
        return [o for o in self.options if o.why_not is None and o.rung >= lowest and not o.reserve]


Step: TypeAlias = Callable[[Decision, State], Decision]
"""One policy: looks at a decision and the state, returns the decision, perhaps changed."""


def decide(start: Decision, state: State, steps: Iterable[Step]) -> Decision:
    """Fold `steps` over `start`. Pure: the same arguments always give the same answer."""
    decision = start
    for step in steps:
        decision = step(decision, state)
    return decision


def move(decision: Decision, state: State, to: Option, step: str, text: str) -> Decision:
    """The decision moved to an option, with one more reason."""
    before = state.current(decision)
    return replace(
        decision,
        model=to.target.model,
        provider=to.model.provider,
        tier=to.tier,
        effort=to.target.effort,
        confidence=state.adequate[to.rung],
        reasons=(*decision.reasons, Reason(step, text, before.spelled, to.spelled)),
    )


def firsts_of(state: State, lowest: int = 0) -> dict[int, Option]:
    """The first eligible option of each tier from `lowest` up; one that needs no adapting wins."""
    found: dict[int, Option] = {}
    for option in state.options:
        if option.why_not is not None or option.reserve or option.rung < lowest:
            continue
        kept = found.get(option.rung)
        if kept is None or (option.native and not kept.native):
            found[option.rung] = option
    return found
