"""Fit: which targets can take a request at all, and the step that leaves one that cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil

from turnout.catalog.model import Card, Model
from turnout.catalog.store import Catalog
from turnout.errors import NoEligibleModel
from turnout.policy.chain import Option, State, Wishes, move
from turnout.types import Decision, Ladder, Request, Signals, Target

ADAPTABLE = frozenset({"forced_tool", "prefill", "system_messages"})
"""Needs that shaping can work around; a target that has them natively goes first."""

ROOM = 0.9
"""Share of a window that an estimate may fill while a larger window stands by."""


@dataclass(frozen=True, slots=True)
class Account:
    """Facts about the caller's account that rule models out."""

    zero_retention: bool = False
    verified: bool = False
    allow_unpriced: bool = False


@dataclass(frozen=True, slots=True)
class Rung:
    """A target with its model looked up; made once per ladder and day."""

    index: int
    tier: str
    target: Target
    model: Model
    card: Card | None
    long: Card | None
    barred: str | None
    """Why the target is out for every request of this account today."""

    reserve: bool = False
    """True for a target that only the user's own fallback chain names."""


def rungs(ladder: Ladder, catalog: Catalog, at: datetime, account: Account) -> list[Rung]:
    """Every target of the ladder, in order, with what does not depend on the request."""
    rows = []
    for index, tier in enumerate(ladder.tiers):
        extra = [target for target in tier.fallbacks if target not in tier.targets]
        rows += [rung(index, tier.name, t, catalog, at, account) for t in tier.targets]
        rows += [
            replace(rung(index, tier.name, t, catalog, at, account), reserve=True) for t in extra
        ]
    return rows


def rung(
    index: int, tier: str, target: Target, catalog: Catalog, at: datetime, account: Account
) -> Rung:
    """One target as a row of the ladder."""
    model = catalog.get(target.model)
    price = model.price(at)
    card, long = (price.card, price.long) if price else (None, None)
    return Rung(index, tier, target, model, card, long, _barred(model, card, at, account))


def _barred(model: Model, card: Card | None, at: datetime, account: Account) -> str | None:
    if model.retired(at):
        return f"retired on {model.retires}" if model.retires else "retired"
    if model.restricted and not account.verified:
        return f"for {model.restricted}"
    if model.retention_days and account.zero_retention:
        return f"keeps data for {model.retention_days} days; your organisation has zero retention"
    if card is None and not account.allow_unpriced:
        return "no price is known"
    return None


def options(
    rows: Sequence[Rung],
    request: Request,
    signals: Signals,
    wishes: Wishes,
    bounds: tuple[int, int],
    output_tokens: int,
    scale: float,
) -> tuple[Option, ...]:
    """Each target with its estimates and, where it cannot serve, the reason."""
    largest = max((row.model.context_window or 0 for row in rows), default=0)
    hard = (signals.needs - ADAPTABLE) | wishes.capabilities
    soft = signals.needs & ADAPTABLE
    base = signals.base_tokens * scale
    made = []
    for row in rows:
        model = row.model
        tokens = ceil(base * float(model.token_ratio))
        cost = _estimate(row, tokens, output_tokens)
        why = row.barred or _outside(row, wishes, bounds)
        if why is None:
            why = _misfit(model, tokens, request.max_tokens, output_tokens, largest)
        if why is None and not hard <= model.abilities:
            why = f"lacks {', '.join(sorted(hard - model.abilities))}"
        if why is None and wishes.max_cost_usd is not None:
            why = _too_dear(cost, wishes)
        native = not soft or soft <= model.abilities
        made.append(
            Option(row.index, row.tier, row.target, model, tokens, cost, why, native, row.reserve)
        )
    return tuple(made)


def _estimate(row: Rung, tokens: int, output_tokens: int) -> int | None:
    card = row.card
    if row.long is not None and tokens > (row.model.long_prompt_above or 0):
        card = row.long
    return None if card is None else tokens * card.input + output_tokens * card.output


def _outside(row: Rung, wishes: Wishes, bounds: tuple[int, int]) -> str | None:
    if row.index < bounds[0]:
        return f"below min_tier {wishes.min_tier}"
    if row.index > bounds[1]:
        return f"above max_tier {wishes.max_tier}"
    return None


def _misfit(
    model: Model, tokens: int, max_tokens: int | None, output_tokens: int, largest: int
) -> str | None:
    if max_tokens and model.max_output_tokens and max_tokens > model.max_output_tokens:
        return f"max_tokens {max_tokens:,} is over its limit of {model.max_output_tokens:,}"
    window = model.context_window
    if window is None:
        return None
    room = window if window == largest else int(window * ROOM)
    needed = tokens + (max_tokens or min(output_tokens, window - tokens))
    if tokens > room or needed > window:
        return f"needs about {max(tokens, needed):,} tokens, its window is {window:,}"
    return None


def _too_dear(cost: int | None, wishes: Wishes) -> str | None:
    if cost is None:
        return "no price is known, so max_cost_usd cannot be kept"
    limit = wishes.max_cost_usd
    assert limit is not None
    if cost > limit * 10**12:
        return f"about ${cost / 1e12:.6f}, over max_cost_usd {limit:f}"
    return None


def Fit(decision: Decision, state: State) -> Decision:  # noqa: N802 - steps are named for what they care about
    """Leave a target that cannot serve: a stand-in, else the cheapest eligible tier above.

    With nothing eligible above, the nearest tier below. Raises NoEligibleModel when the whole
    ladder is out.
    """
    here = state.current(decision)
    if here.why_not is None and (here.native or state.pinned):
        return decision
    to = _stand_in(here, state)
    if to is None:
        asked = [o for o in state.options if _asked_for(o, here, state)]
        raise NoEligibleModel({o.spelled: o.why_not or "" for o in asked})
    if to is here:
        return decision
    why = here.why_not or "the request would have to be adapted"
    return move(decision, state, to, "fit", f"{here.spelled} is out: {why}")


def _stand_in(here: Option, state: State) -> Option | None:
    """Where to go instead; a pin is exact, so it only has the stand-ins of its tier."""
    if state.pinned:
        return None
    above = state.eligible(here.rung)
    same = [option for option in above if option.rung == here.rung]
    if same or state.wishes.tier:
        return next(iter(_native(same) or same), None)
    if above:
        return min(above, key=_dearness)
    below = state.eligible()
    nearest = [option for option in below if option.rung == below[-1].rung]
    return next(iter(_native(nearest) or nearest), None)


def _asked_for(option: Option, here: Option, state: State) -> bool:
    if state.pinned:
        return option is state.pinned
    return not option.reserve and (not state.wishes.tier or option.rung == here.rung)


def _native(group: list[Option]) -> list[Option]:
    return [option for option in group if option.native]


def _dearness(option: Option) -> tuple[int, int]:
    return (option.cost_pico if option.cost_pico is not None else 2**63, option.rung)
