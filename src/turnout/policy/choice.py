"""Choice: the lowest tier that is adequate enough, kept within floors and preferences."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from turnout.errors import InvalidRequest, NoEligibleModel
from turnout.policy.chain import Option, State, move
from turnout.types import LEVELS, Decision, Prediction, Reason

log = logging.getLogger("turnout")

PREFERENCES = ("cost", "speed", "quality")
"""What `prefer` takes besides a provider's name."""

OUTPUT_TOKENS = (200, 800, 2_500, 12_000)
"""Expected answer length by level: the workload of the cost model."""

_SPEED = {"haiku": 1.0, "sonnet": 2.0, "opus": 3.0, "fable": 4.0, "mythos": 4.0}
# Relative time per token by line: an ordering by model size, until latencies are measured.
_EFFORT_TIME = {None: 1.0, "low": 0.5, "medium": 0.7, "high": 1.0, "xhigh": 1.8, "max": 3.5}


def adequacy(prediction: Prediction, covers: float) -> float:
    """P(a tier that covers this difficulty is adequate), read off the curve by straight lines."""
    level = int(covers)
    if level >= len(LEVELS):
        return 1.0
    below = prediction.adequate[level - 1] if level else 0.0
    return below + (prediction.adequate[level] - below) * (covers - level)


def lowest_adequate(adequate: tuple[float, ...]) -> tuple[float, ...]:
    """For each tier the probability that it is the lowest adequate one; they sum to 1."""
    return (adequate[0], *(max(0.0, b - a) for a, b in pairwise(adequate)))


def expected_level(prediction: Prediction) -> int:
    """Index of the most likely level."""
    steps = lowest_adequate(prediction.adequate)
    return steps.index(max(steps))


def start(state: State, decision_id: str, at: datetime) -> Decision:
    """The decision before any step: the choice rule, or the pin."""
    shares = lowest_adequate(state.adequate)
    likely = shares.index(max(shares))
    chosen = 0
    while state.adequate[chosen] < state.cut and state.adequate[chosen] < 1.0:
        chosen += 1
    tiers = state.ladder.tiers
    wishes, fixed = state.wishes, state.prediction.classifier == "fixed"
    rung = _escalate(likely, chosen, wishes.escalation)
    first = state.pinned or _first(state, rung)
    return Decision(
        id=decision_id,
        at=at,
        model=first.target.model,
        provider=first.model.provider,
        tier=first.tier,
        effort=first.target.effort,
        confidence=state.adequate[rung],
        tier_probabilities=dict(zip(state.ladder.names, shares, strict=True)),
        classifier=state.prediction.classifier,
        original_tier=tiers[likely].name,
        evidence=state.prediction.evidence,
        reasons=_reasons(state, likely, chosen, decision_id) if chosen > likely else (),
        classifier_cost_usd=state.prediction.cost_usd,
        escalated=not fixed and chosen > likely and wishes.escalation != "log_only",
        conversation=wishes.conversation,
        limits=wishes.limits,
    )


def _first(state: State, rung: int) -> Option:
    for option in state.options:
        if option.rung == rung:
            return option
    raise LookupError(f"tier {rung} has no targets")


def _escalate(likely: int, chosen: int, mode: str) -> int:
    return chosen if mode == "always" or chosen < likely else likely


def _reasons(state: State, likely: int, chosen: int, decision_id: str) -> tuple[Reason, ...]:
    """Why `quality` goes above the most likely tier, or would."""
    low, high = state.ladder.tiers[likely].name, state.ladder.tiers[chosen].name
    text = (
        f"{low} is adequate with {state.adequate[likely]:.2f}, "
        f"quality {state.wishes.quality:g} asks for {state.cut:.2f}: {high}"
    )
    if state.wishes.escalation == "log_only":
        log.info("decision %s stays at %s: %s", decision_id, low, text)
        return ()
    if state.wishes.escalation == "ask":
        return (Reason("escalation", f"ask: {text}; kept at {low}", low),)
    return (Reason("escalation", text, low, high),)


def Floor(decision: Decision, state: State) -> Decision:  # noqa: N802 - see policy.fit.Fit
    """Keep the tier between `min_tier` and `max_tier`; a pinned model is left to `Fit`."""
    if state.pinned:
        return decision
    here = state.current(decision)
    if here.rung < state.floor:
        to, why = _first(state, state.floor), f"min_tier is {state.wishes.limits.min_tier}"
    elif here.rung > state.ceiling:
        to, why = _first(state, state.ceiling), f"max_tier is {state.wishes.limits.max_tier}"
    else:
        return decision
    moved = move(decision, state, to, "floor", why)
    likely = state.ladder.names.index(decision.original_tier)
    return replace(moved, escalated=False) if moved.escalated and to.rung <= likely else moved


def Prefer(decision: Decision, state: State) -> Decision:  # noqa: N802 - see policy.fit.Fit
    """Honour `prefer` among the eligible targets of the tier and above."""
    prefer = state.wishes.prefer
    if prefer is None:
        return decision
    here = state.current(decision)
    group = state.eligible(here.rung) or [here]
    if state.wishes.tier:
        group = [option for option in group if option.rung == here.rung] or [here]
    to = _preferred(prefer, here, group, state)
    if to is here:
        return decision
    return move(decision, state, to, "prefer", f"prefer {prefer}")


def _preferred(prefer: str, here: Option, group: list[Option], state: State) -> Option:
    if prefer == "cost":
        return min(group, key=lambda o: (o.cost_pico is None, o.cost_pico or 0))
    if prefer == "speed":
        return min(group, key=_slowness)
    if prefer == "quality":
        above = [o for o in group if o.rung > here.rung]
        return above[0] if above else here
    same_provider = [o for o in group if o.model.provider == prefer]
    if not same_provider:
        raise NoEligibleModel({o.spelled: _not_preferred(o, here, prefer) for o in state.options})
    return here if here in same_provider else same_provider[0]


def _not_preferred(option: Option, here: Option, prefer: str) -> str:
    if option.why_not or option.model.provider != prefer:
        return option.why_not or f"provider is {option.model.provider}"
    return f"below tier {here.tier}, which the request needs"


def _slowness(option: Option) -> float:
    line = _SPEED.get(option.model.line or "", 2.0)
    return line * _EFFORT_TIME[option.target.effort]


def check_preference(prefer: str | None, providers: tuple[str, ...]) -> None:
    """Raise InvalidRequest for a preference that no target of the ladder can meet."""
    if prefer is not None and prefer not in PREFERENCES and prefer not in providers:
        valid = ", ".join((*PREFERENCES, *providers))
        raise InvalidRequest("prefer", f"unknown preference {prefer!r}; choose from {valid}")
