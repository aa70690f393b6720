"""A decision in plain English. It never quotes the prompt, and never takes price for ability."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from turnout.types import Alternative, Decision, Reason

BASES = {
    "fixed": "the caller fixed it",
    "rules": "ordered rules over the human's own ask",
}
"""What each bundled classifier goes by."""


def explain(decision: Decision) -> str:
    """The whole reason of a decision, one fact a line."""
    return "\n".join(_lines(decision))


def _lines(decision: Decision) -> Iterator[str]:
    effort = f" at effort {decision.effort}" if decision.effort else ""
    yield (
        f"Model selected: {decision.model}{effort}, tier {decision.tier} "
        f"(confidence {decision.confidence:.0%})"
    )
    if decision.escalated:
        tiers = list(decision.tier_probabilities)
        went_up = tiers.index(decision.tier) > tiers.index(decision.original_tier)
        verb = "Escalated" if went_up else "Not escalated"
        yield f"{verb} from {decision.original_tier}, the most likely tier."
    yield f"Basis: {BASES.get(decision.classifier, f'classifier {decision.classifier}')}."
    if decision.evidence:
        yield f"Evidence: {'; '.join(decision.evidence)}."
    for reason in decision.reasons:
        verb = "Changed" if reason.after else "Kept"
        yield f"{verb} by {reason.step}: {reason.text}{_arrow(reason)}."
    yield _cost(decision)
    if decision.alternatives:
        yield f"Alternatives: {'; '.join(_alternative(item) for item in decision.alternatives)}."
    if decision.fallbacks:
        yield f"If it fails: {', then '.join(item.model for item in decision.fallbacks)}."


def _arrow(reason: Reason) -> str:
    return f" ({reason.before} → {reason.after})" if reason.after else ""


def _cost(decision: Decision) -> str:
    tokens = (
        f"about {decision.estimated_input_tokens:,} tokens in and "
        f"{decision.estimated_output_tokens:,} out"
    )
    if decision.estimated_cost_usd is None:
        return f"Estimated cost: unpriced ({tokens})."
    extra = ""
    if decision.classifier_cost_usd:
        extra = f", and {dollars(decision.classifier_cost_usd)} for the classification"
    return f"Estimated cost: {dollars(decision.estimated_cost_usd)} ({tokens}{extra})."


def _alternative(item: Alternative) -> str:
    name = f"{item.tier}: {item.model}"
    if item.estimated_cost_usd is None:
        return f"{name}, unpriced"
    return f"{name}, {dollars(item.estimated_cost_usd)}{_ratio(item.cost_ratio)}"


def _ratio(ratio: float | None) -> str:
    if ratio is None:
        return ""
    if ratio == 1:
        return ", the same cost"
    if ratio > 1:
        return f", {ratio:.1f}× the cost"
    return f", {1 - ratio:.0%} cheaper"


def dollars(amount: Decimal) -> str:
    """An amount for people: whole cents as such, else enough digits to tell it from 0."""
    sign = "-" if amount < 0 else ""
    size = abs(amount)
    if size >= 1 or size == round(size, 2):
        return f"{sign}${size:,.2f}"
    if size >= Decimal("0.01"):
        return f"{sign}${size:.4f}"
    return f"{sign}${size:.6f}" if size >= Decimal("0.0001") else f"{sign}${size:.9f}"
