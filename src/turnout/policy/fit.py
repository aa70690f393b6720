"""Fit: which targets can take a request at all, and the step that leaves one that cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from math import ceil

from turnout.catalog.model import Card, Model
from turnout.catalog.store import Catalog
from turnout.errors import NoEligibleModel
from turnout.policy.chain import Option, State, Wishes, firsts_of, move
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
    long_above: int
    """Prompt tokens above which the long card is paid."""

    ratio: float
    """Tokens for a text, relative to the older Claude tokenizer."""

    window: int
    room: int
    """Prompt tokens that an estimate may fill of the window."""

    most_output: int
    barred: str | None
    """Why the target is out for every request of this account today."""

    reserve: bool = False
    """True for a target that only the user's own fallback chain names."""


UNLIMITED = 2**62
"""Stands for a limit that nobody states."""


def rungs(ladder: Ladder, catalog: Catalog, at: datetime, account: Account) -> list[Rung]:
    """Every target of the ladder, in order, with what does not depend on the request."""
    rows = []
    for index, tier in enumerate(ladder.tiers):
        extra = [target for target in tier.fallbacks if target not in tier.targets]
        rows += [rung(index, tier.name, t, catalog, at, account) for t in tier.targets]
        rows += [
            replace(rung(index, tier.name, t, catalog, at, account), reserve=True) for t in extra
        ]
    largest = max(row.window for row in rows)
    return [row if row.window == largest else _with_margin(row) for row in rows]


def _with_margin(row: Rung) -> Rung:
    return replace(row, room=int(row.window * ROOM))


def rung(
    index: int, tier: str, target: Target, catalog: Catalog, at: datetime, account: Account
) -> Rung:
    """One target as a row of the ladder, with the whole of its window as room."""
    model = catalog.get(target.model)
    price = model.price(at)
    card = price.card if price else None
    window = model.context_window or UNLIMITED
    return Rung(
        index=index,
        tier=tier,
        target=target,
        model=model,
        card=card,
        long=price.long if price else None,
        long_above=(price.long_above if price else None) or UNLIMITED,
        ratio=float(model.token_ratio),
        window=window,
        room=window,
        most_output=model.max_output_tokens or UNLIMITED,
        barred=_barred(model, card, at, account),
    )


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
    hard = (signals.needs - ADAPTABLE) | wishes.limits.capabilities
    soft = signals.needs & ADAPTABLE
    base, limit = signals.base_tokens * scale, request.max_tokens or 0
    dearest = wishes.limits.max_cost_usd
    made = []
    for row in rows:
        tokens = ceil(base * row.ratio)
        card = row.long if row.long and tokens > row.long_above else row.card
        cost = None if card is None else tokens * card.input + output_tokens * card.output
        why = row.barred
        if why is None and not bounds[0] <= row.index <= bounds[1]:
            why = _outside(row, wishes, bounds)
        if why is None and (tokens + limit > row.room or limit > row.most_output):
            why = _misfit(row, tokens, limit)
        if why is None and hard and not hard <= row.model.abilities:
            why = f"lacks {', '.join(sorted(hard - row.model.abilities))}"
        if why is None and dearest is not None:
            why = _too_dear(cost, dearest)
        native = not soft or soft <= row.model.abilities
        made.append(
            Option(
                row.index, row.tier, row.target, row.model, tokens, cost, why, native, row.reserve
            )
        )
    return tuple(made)


def _outside(row: Rung, wishes: Wishes, bounds: tuple[int, int]) -> str:
    if row.index < bounds[0]:
        return f"below min_tier {wishes.limits.min_tier}"
    return f"above max_tier {wishes.limits.max_tier}"


def _misfit(row: Rung, tokens: int, limit: int) -> str | None:
    """Why prompt and answer do not fit, if they do not: the margin is for the prompt alone."""
    if limit > row.most_output:
        return f"max_tokens {limit:,} is over its limit of {row.most_output:,}"
    if tokens > row.room or tokens + limit > row.window:
        return f"needs about {tokens + limit:,} tokens, its window is {row.window:,}"
    return None


def _too_dear(cost: int | None, limit: Decimal) -> str | None:
    if cost is None:
        return "no price is known, so max_cost_usd cannot be kept"
    if cost > limit * 10**12:
        return f"about ${cost / 1e12:.6f}, over max_cost_usd {limit:f}"
    return None


def Fit(decision: Decision, state: State) -> Decision:  # noqa: N802 - steps are named for what they care about
    """Leave a target that cannot serve. Raises NoEligibleModel when the whole ladder is out."""
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
    """Where to go instead: the tier's own stand-ins, the next tier up, the next one down.

    The next tier and not the cheapest one: a ladder is ordered cheapest first, and where it is
    not, raising `quality` still must not lower a tier. A pin is exact, so a pinned model has no
    stand-in and a pinned tier only its own.
    """
    if state.pinned:
        return None
    firsts = firsts_of(state)
    if here.rung in firsts or state.wishes.tier:
        return firsts.get(here.rung)
    above = [rung for rung in firsts if rung > here.rung]
    nearest = min(above) if above else max(firsts, default=here.rung)
    return firsts.get(nearest)


def _asked_for(option: Option, here: Option, state: State) -> bool:
    if state.pinned:
        return option is state.pinned
    return not option.reserve and (not state.wishes.tier or option.rung == here.rung)
