"""The last step: estimates, fallbacks and alternatives of the target that was chosen."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from turnout.policy.chain import Option, State
from turnout.types import Alternative, Decision, Fallback, Target


def settled(decision: Decision, state: State, max_fallbacks: int) -> dict[str, Any]:
    """The fields that end a decision: its numbers and its chain, all from eligible options."""
    here = state.current(decision)
    firsts = firsts_of(state)
    own = state.ladder.tiers[here.rung].fallbacks
    chain = _own_chain(own, here, state) if own else _default_chain(here, firsts, state)
    chain = chain[:max_fallbacks]
    return {
        "estimated_input_tokens": here.input_tokens,
        "estimated_output_tokens": state.output_tokens,
        "estimated_cost_usd": _usd(here.cost_pico),
        "fallbacks": tuple(Fallback(o.target.model, o.target.effort, o.tier) for o in chain),
        "alternatives": tuple(
            _alternative(o, here) for o in firsts.values() if o.rung != here.rung
        ),
    }


def firsts_of(state: State, lowest: int = 0) -> dict[int, Option]:
    """The first eligible option of each tier from `lowest` up; one that needs no adapting wins."""
    found: dict[int, Option] = {}
    for option in state.eligible(lowest):
        kept = found.get(option.rung)
        if kept is None or (option.native and not kept.native):
            found[option.rung] = option
    return found


def _own_chain(own: tuple[Target, ...], here: Option, state: State) -> list[Option]:
    found = []
    for target in own:
        fits = [o for o in state.options if o.target == target and o.why_not is None]
        found += [option for option in fits if option.target != here.target][:1]
    return found


def _default_chain(here: Option, firsts: dict[int, Option], state: State) -> list[Option]:
    """Stand-ins of the tier, then the tiers above, then those below."""
    rung, model = here.rung, here.target.model
    same = [
        option
        for option in state.options
        if option.rung == rung
        and option.why_not is None
        and option.target.model != model
        and not option.reserve
    ]
    above = [option for index, option in firsts.items() if index > rung]
    below = [option for index, option in firsts.items() if index < rung]
    return [*same, *above, *reversed(below)]


def _alternative(option: Option, here: Option) -> Alternative:
    cost = option.cost_pico
    ratio = cost / here.cost_pico if cost is not None and here.cost_pico else None
    return Alternative(option.tier, option.target.model, _usd(cost), ratio)


def _usd(pico: int | None) -> Decimal | None:
    return None if pico is None else Decimal(pico).scaleb(-12)
