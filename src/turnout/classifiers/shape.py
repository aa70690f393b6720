"""A soft estimate from the shape of an ask, for when no rule fits."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from math import exp, log, log2

from turnout.types import Signals

Curve = tuple[float, float, float, float]
"""P(adequate) for each of `LEVELS`; never falls, ends in 1."""

# P(level k suffices) = 1 / (1 + exp(hardness - _MIDPOINTS[k])), with never much for trivial
_MIDPOINTS = (-0.9, 1.1, 2.8)
_TRIVIAL_CEILING = 0.45

_PUSH = 0.3
_MOST_PUSH = 0.6

_PULLS = {
    "listed": 0.8,
    "long": 0.5,
    "hard_word": 0.7,
    "code_given": 0.3,
    "formula": 0.4,
    "maths": 0.5,
    "wide": 1.0,
    "distributed": 0.8,
    "guarantee": 0.8,
    "fiddly": 0.7,
    "symptom": 0.9,
    "analyse": 0.6,
    "compare": 0.6,
    "law": 0.4,
    "medicine": 0.4,
    "grad_maths": 1.5,
    "research": 0.6,
    "plan": 0.4,
    "design": 0.6,
    "small": -0.8,
    "short": -0.2,
}
"""How much each fact or concept adds to the hardness, in logits."""


def hardness_of(signals: Signals, found: AbstractSet[str]) -> float:
    """How hard the shape alone suggests the work to be, in logits around 0."""
    dense = 2.5 if signals.script in ("han", "kana", "hangul") else 1.0
    hardness = 0.35 * (log2(max(16.0, signals.ask_chars * dense)) - 6.5)
    hardness += sum(pull for fact, pull in _PULLS.items() if fact in found)
    return hardness + 0.3 if signals.tools else hardness


def shape_curve(hardness: float) -> Curve:
    """The prior when no rule fits: harder with length, requirements, code, maths and tools."""
    trivial, low, mid = (1.0 / (1.0 + exp(hardness - point)) for point in _MIDPOINTS)
    return (min(trivial, _TRIVIAL_CEILING), low, mid, 1.0)


def leaning(curve: Curve, hardness: float) -> Curve:
    """A rule's curve, moved a little by the shape of the ask."""
    push = max(-_MOST_PUSH, min(_MOST_PUSH, _PUSH * hardness))
    trivial, low, mid = (1.0 / (1.0 + exp(log((1.0 - p) / p) + push)) for p in curve[:3])
    return (trivial, low, mid, 1.0)


def at_least(curve: Curve, level: int) -> Curve:
    """The curve when nothing below `level` suffices."""
    trivial, low, mid = (p if k >= level else 0.0 for k, p in enumerate(curve[:3]))
    return (trivial, low, mid, 1.0)
