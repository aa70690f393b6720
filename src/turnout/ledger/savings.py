"""What one constant model would have cost for the same answers, and the signed difference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil
from typing import Protocol

from turnout.catalog.model import Card, Model
from turnout.catalog.prices import WEB_SEARCH_PICO, usd
from turnout.errors import UnknownModel
from turnout.ledger.queries import Spend
from turnout.ledger.records import ANSWER_TOKENS
from turnout.types import Json, Ladder

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PRICED = ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read")
"""The rates of a card, in the order of `ANSWER_TOKENS`, which ends in web searches."""


class Prices(Protocol):
    """What this module needs of the catalog."""

    def get(self, name: str) -> Model:
        """The model of this id or alias. Raises UnknownModel."""
        ...


@dataclass(slots=True)
class Comparison:
    """A constant model against what was really spent on the same requests."""

    model: str
    baseline_pico: Fraction = Fraction(0)
    cost_pico: int = 0
    priced: int = 0
    """Accepted answers that have both a cost and a baseline."""

    answered: int = 0

    def to_dict(self, tier: str | None, note: str) -> Json:
        """The comparison as the report shows it."""
        known = self.priced > 0 or self.answered == 0
        baseline = round(self.baseline_pico)  # half to even
        saved = baseline - self.cost_pico
        share = saved / baseline if baseline and known else None
        return {
            "model": self.model,
            "tier": tier,
            "baseline_usd": dollars(baseline) if known else None,
            "cost_usd": dollars(self.cost_pico) if known else None,
            "savings_usd": dollars(saved) if known else None,
            "savings_share": share,
            "priced_share": self.priced / self.answered if self.answered else None,
            "note": note,
        }


def savings(
    spends: Sequence[Spend], prices: Prices, ladder: Ladder, against: str | None, quality: float
) -> Json:
    """The three comparisons of a report. Raises UnknownModel for an unknown `against`."""
    named = prices.get(against).id if against is not None else None
    return {
        "dearest": _dearest(spends, prices, ladder),
        "best_constant": _best_constant(spends, prices, ladder, quality),
        "against": None
        if named is None
        else compare(spends, prices, named).to_dict(
            None, "every accepted answer from this model; negative when routing cost more"
        ),
    }


def compare(spends: Iterable[Spend], prices: Prices, model: str) -> Comparison:
    """Price every accepted answer at `model`, next to all that was spent.

    Requests whose cost or baseline is unknown, or that are too large for `model`, are left out
    of both sides; failed requests have no answer to price, but what they cost counts.
    """
    chosen, found = prices.get(model), Comparison(model)
    for spend in spends:
        answered = spend["answered"]
        found.answered += answered
        if not spend.known:
            continue
        if not answered:
            found.cost_pico += spend["cost_pico"]
            continue
        baseline = _baseline(spend, prices, chosen)
        if baseline is None:
            continue
        found.baseline_pico += baseline
        found.cost_pico += spend["cost_pico"]
        found.priced += answered
    return found


def _baseline(spend: Spend, prices: Prices, chosen: Model) -> Fraction | None:
    """What `chosen` would have charged for these answers, in pico-USD; None if nobody knows."""
    try:
        answering = prices.get(spend.answer_model or "")
    except UnknownModel:
        return None
    ratio = Fraction(chosen.token_ratio) / Fraction(answering.token_ratio)
    card = _card(spend, chosen, ratio)
    if card is None:
        return None
    factor = Fraction(1)
    if "batch" in spend.speed:
        factor /= 2
    if "us_only" in spend.speed:
        factor *= Fraction(chosen.us_multiplier)
    counts = [spend[name] for name in ANSWER_TOKENS]
    rates = [getattr(card, name) for name in _PRICED]
    tokens: int = sum(count * rate for count, rate in zip(counts, rates, strict=False))
    return ratio * factor * tokens + counts[-1] * WEB_SEARCH_PICO


def _card(spend: Spend, chosen: Model, ratio: Fraction) -> Card | None:
    """The card in force that day for prompts of this size, counted in `chosen`'s tokens.

    None for prompts that `chosen` could not have taken. Prompts of one size class lie on one
    side of every published limit, so their mean does too.
    """
    counts = [spend[name] for name in ANSWER_TOKENS]
    prompt = counts[0] + sum(counts[2:5])
    mean = ceil(Fraction(prompt, spend["answered"]) * ratio)
    if chosen.context_window is not None and mean > chosen.context_window:
        return None
    day = _EPOCH + timedelta(milliseconds=spend.day_ms)
    return chosen.card(day, mean, "fast" in spend.speed)


def _dearest(spends: Sequence[Spend], prices: Prices, ladder: Ladder) -> Json:
    """The tier's first target with the highest baseline; the higher tier if they tie.

    Stand-ins do not count: nobody pays for one by choice, and it would flatter the savings.
    """
    best: tuple[Comparison, str] | None = None
    for tier in reversed(ladder.tiers):
        found = _compare_known(spends, prices, tier.targets[0].model)
        if found and (best is None or found.baseline_pico > best[0].baseline_pico):
            best = found, tier.name
    if best is None:
        return _nothing("no model of the ladder is priced")
    return best[0].to_dict(best[1], "every accepted answer from the ladder's dearest target")


def _best_constant(spends: Sequence[Spend], prices: Prices, ladder: Ladder, quality: float) -> Json:
    counts = {tier.name: 0 for tier in ladder.tiers}
    for spend in spends:
        if spend.tier in counts:
            counts[spend.tier] += spend["decided"]
    total = sum(counts.values())
    if not total:
        return _nothing("no decision of this ladder's tiers in the period")
    enough, chosen = 0, ladder.tiers[-1]
    for tier in ladder.tiers:
        enough += counts[tier.name]
        if enough >= Fraction(str(quality)) * total:
            chosen = tier
            break
    found = _compare_known(spends, prices, chosen.targets[0].model)
    if found is None:
        return _nothing(f"{chosen.targets[0].model} is not in the catalog")
    note = (
        f"the lowest tier that the router's own choices call enough for at least {quality:.0%} "
        f"of decisions ({enough} of {total} chose {chosen.name} or lower)"
    )
    return found.to_dict(chosen.name, note)


def _compare_known(spends: Sequence[Spend], prices: Prices, model: str) -> Comparison | None:
    try:
        return compare(spends, prices, model)
    except UnknownModel:
        return None


def _nothing(note: str) -> Json:
    names = ("model", "tier", "baseline_usd", "cost_usd", "savings_usd")
    empty: Json = dict.fromkeys((*names, "savings_share", "priced_share"))
    return empty | {"note": note}


def dollars(pico: int) -> str:
    """Pico-USD as a plain decimal string without trailing zeros, exactly."""
    text = f"{usd(pico):f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def mean_dollars(pico: int, count: int) -> str | None:
    """An average in dollars to the pico-dollar, half to even; None of nothing."""
    return dollars(round(Fraction(pico, count))) if count else None
