"""The last step: estimates, fallbacks and alternatives of the target that was chosen."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from turnout.policy.chain import Option, State, firsts_of
from turnout.types import Alternative, Decision, Fallback, Target


def settled(decision: Decision, state: State, max_fallbacks: int) -> dict[str, Any]:
    """The fields that end a decision: its numbers and its chain, all from eligible options."""
    here = state.current(decision)
    firsts = firsts_of(state)
    firsts.pop(here.rung, None)
    own = state.ladder.tiers[here.rung].fallbacks
    chain = _own_chain(own, here, state) if own else _default_chain(here, firsts, state)
    return {
        "estimated_input_tokens": here.input_tokens,
        "estimated_output_tokens": state.output_tokens,
        "estimated_cost_usd": _usd(here.cost_pico),
        "fallbacks": tuple([_fallback(option) for option in chain[:max_fallbacks]]),
        "alternatives": tuple([_alternative(o, here.cost_pico) for o in firsts.values()]),
    }


def _own_chain(own: tuple[Target, ...], here: Option, state: State) -> list[Option]:
    found = []
    for target in own:
        fits = [o for o in state.options if o.target == target and o.why_not is None]
        found += [option for option in fits if option.target != here.target][:1]
    return found


def _default_chain(here: Option, firsts: dict[int, Option], state: State) -> list[Option]:
    """Stand-ins of the tier, then the tiers above, then those below."""
    rung, model = here.rung, here.model
    chain = [
        option
        for option in state.options
        if option.rung == rung
        and option.why_not is None
        and option.model is not model
        and not option.reserve
    ]
    chain += [option for index, option in firsts.items() if index > rung]
    chain += reversed([option for index, option in firsts.items() if index < rung])
    return chain


def _fallback(option: Option) -> Fallback:
    return Fallback(option.target.model, option.target.effort, option.tier)


def _alternative(option: Option, here_pico: int | None) -> Alternative:
    cost = option.cost_pico
    ratio = cost / here_pico if cost is not None and here_pico else None
    return Alternative(option.tier, option.target.model, _usd(cost), ratio)


def _usd(pico: int | None) -> Decimal | None:
    return None if pico is None else Decimal(pico).scaleb(-12)
