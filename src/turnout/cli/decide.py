"""`turnout route` and `turnout run`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

from turnout.cli.command import Function, command, json_option, print_json, read_input
from turnout.explain import dollars
from turnout.router import Router
from turnout.types import Decision, Outcome

ROUTING: tuple[Callable[[Function], Function], ...] = (
    click.option("--tier", help="Pin the tier."),
    click.option("--min-tier", help="No tier below this one."),
    click.option("--max-tier", help="No tier above this one."),
    click.option("--model", help="Pin the model: an id, or id@effort."),
    click.option("--capability", multiple=True, help="An ability the model must have."),
    click.option("--prefer", help="A provider, or cost, speed or quality."),
    click.option("--quality", type=float, help="0..1; higher goes up sooner."),
    click.option("--max-cost-usd", help="Leave out targets estimated dearer."),
    click.option("--conversation", help="An id to keep a conversation together."),
    click.option("--context-tokens", type=int, help="Context that the prompt does not show."),
    click.option("--experiment", help="An experiment to take part in."),
)
SETUP: tuple[Callable[[Function], Function], ...] = (
    click.option("--ladder", help="claude, claude-5, three or five."),
    click.option("--classifier", help="Who estimates the difficulty."),
)
INPUT: tuple[Callable[[Function], Function], ...] = (
    click.argument("prompt", required=False),
    click.option("--file", help="Read the prompt from a file; .json holds a Messages body."),
)


def with_options(
    *groups: tuple[Callable[[Function], Function], ...],
) -> Callable[[Function], Function]:
    """Adds groups of options, in the order given."""

    def decorate(function: Function) -> Function:
        for option in reversed([option for group in groups for option in group]):
            function = option(function)
        return function

    return decorate


@command("turnout route 'Extract the invoice date from: …' --explain")
@with_options(INPUT, ROUTING, SETUP)
@json_option
@click.option("--explain", is_flag=True, help="Print the whole reason.")
def route(
    prompt: str | None,
    file: str | None,
    config: str | None,
    ladder: str | None,
    classifier: str | None,
    as_json: bool,
    explain: bool,
    **wish: Any,
) -> None:
    """Decide which model should answer PROMPT. Offline; needs no key and writes nothing."""
    if as_json and explain:
        raise click.UsageError("--json holds the whole reason already; leave --explain out")
    router = Router(config, ladder=ladder, classifier=classifier, ledger=False)
    decision = router.route(read_input(prompt, file), **wishes(wish))
    if as_json:
        print_json(decision.to_dict())
    else:
        click.echo(decision.explain() if explain else line(decision))


@command("turnout run 'What is the capital of Peru?'\nturnout run --file ask.json --json")
@with_options(INPUT, ROUTING, SETUP)
@json_option
@click.option("--stream", is_flag=True, help="Print the answer as it arrives.")
@click.option("--system", help="System text.")
@click.option("--max-tokens", type=int, help="Answer limit.")
@click.option("--deadline-s", type=float, help="Seconds for everything, retries included.")
def run(
    prompt: str | None,
    file: str | None,
    config: str | None,
    ladder: str | None,
    classifier: str | None,
    as_json: bool,
    stream: bool,
    system: str | None,
    max_tokens: int | None,
    deadline_s: float | None,
    **wish: Any,
) -> None:
    """Route PROMPT, have it answered, and record what it cost. Needs ANTHROPIC_API_KEY."""
    given = {"system": system, "max_tokens": max_tokens, "deadline_s": deadline_s}
    ask: Any = {**wishes(wish), **{k: v for k, v in given.items() if v is not None}}
    request = read_input(prompt, file)
    with Router(config, ladder=ladder, classifier=classifier) as router:
        if stream:
            _stream(router, request, ask, as_json)
            return
        outcome = router.run(request, **ask)
    if as_json:
        print_json(outcome.to_dict())
        return
    click.echo(outcome.text)
    click.echo(summary(outcome), err=True)


def _stream(router: Router, request: Any, ask: Any, as_json: bool) -> None:
    """Text as it arrives; with --json one JSON document a line, the outcome last."""
    for event in router.stream(request, **ask):
        if isinstance(event, Outcome):
            if as_json:
                click.echo(json.dumps({"outcome": event.to_dict()}))
            else:
                click.echo()
                click.echo(summary(event), err=True)
        else:
            click.echo(json.dumps({"text": event}) if as_json else event, nl=as_json)


def wishes(options: dict[str, Any]) -> Any:
    """The routing arguments that were given on the command line."""
    return {name: value for name, value in options.items() if value is not None and value != ()}


def line(decision: Decision) -> str:
    """A decision in one line."""
    effort = f" @{decision.effort}" if decision.effort else ""
    cost = decision.estimated_cost_usd
    price = "unpriced" if cost is None else f"about {dollars(cost)}"
    return (
        f"{decision.model}{effort}  tier {decision.tier}, "
        f"confidence {decision.confidence:.0%}, {price}"
    )


def summary(outcome: Outcome) -> str:
    """What an answer cost and who gave it, in one line."""
    cost = "unpriced" if outcome.cost_usd is None else dollars(outcome.cost_usd)
    saved = ""
    if outcome.savings_usd is not None:
        word = "saved" if outcome.savings_usd >= 0 else "cost more by"
        saved = f" · {word} {dollars(abs(outcome.savings_usd))}"
    cut = " · cut short at its limit" if outcome.truncated else ""
    return f"[{outcome.served_by} · {cost}{saved}{cut} · {outcome.decision.id}]"
