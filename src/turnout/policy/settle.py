"""The last step: estimates, fallbacks and alternatives of the target that was chosen."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from turnout.policy.chain import Option, State
from turnout.types import Alternative, Decision, Fallback, Target


def settle(decision: Decision, state: State, max_fallbacks: int) -> Decision:
    """The decision with its numbers and its chain, all from eligible options."""
    here = state.current(decision)
    return replace(
        decision,
        estimated_input_tokens=here.input_tokens,
        estimated_output_tokens=state.output_tokens,
        estimated_cost_usd=_usd(here.cost_pico),
        fallbacks=_fallbacks(here, state, max_fallbacks),
        alternatives=_alternatives(here, state),
    )


def _fallbacks(here: Option, state: State, most: int) -> tuple[Fallback, ...]:
    """The user's chain if the tier has one; else stand-ins, tiers above, then tiers below."""
    own = state.ladder.tiers[here.rung].fallbacks
    chain = _own_chain(own, here, state) if own else _default_chain(here, state)
    return tuple(
        Fallback(option.target.model, option.target.effort, option.tier) for option in chain[:most]
    )


def _own_chain(own: tuple[Target, ...], here: Option, state: State) -> list[Option]:
    found = []
    for target in own:
        fits = [o for o in state.options if o.target == target and o.why_not is None]
        found += [option for option in fits if option.target != here.target][:1]
    return found


def _default_chain(here: Option, state: State) -> list[Option]:
    eligible = [option for option in state.eligible() if option.target != here.target]
    same = [option for option in eligible if option.rung == here.rung]
    above = range(here.rung + 1, len(state.ladder.tiers))
    below = range(here.rung - 1, -1, -1)
    firsts = [first_of(rung, eligible) for rung in (*above, *below)]
    return [*same, *(option for option in firsts if option is not None)]


def first_of(rung: int, options: list[Option]) -> Option | None:
    """The first option of a tier, one that needs no adapting if there is one."""
    tier = [option for option in options if option.rung == rung]
    return next((o for o in tier if o.native), tier[0] if tier else None)


def _alternatives(here: Option, state: State) -> tuple[Alternative, ...]:
    found = []
    eligible = state.eligible()
    for rung, tier in enumerate(state.ladder.tiers):
        option = first_of(rung, eligible) if rung != here.rung else None
        if option is None:
            continue
        cost = option.cost_pico
        ratio = cost / here.cost_pico if cost is not None and here.cost_pico else None
        found.append(Alternative(tier.name, option.target.model, _usd(cost), ratio))
    return tuple(found)


def _usd(pico: int | None) -> Decimal | None:
    return None if pico is None else Decimal(pico).scaleb(-12)
