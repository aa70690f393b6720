"""`turnout demo`: the whole product with no key, against the emulator."""

from __future__ import annotations

import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from turnout.cli.command import command, json_option, print_json
from turnout.cli.reports import print_report
from turnout.cli.tables import print_table
from turnout.execution.validators import one_of
from turnout.explain import dollars
from turnout.router import Router
from turnout.types import Attempt, Outcome

SHOWN_CHARS = 30


@command("turnout demo\nturnout demo --json")
@click.option("--keep", type=click.Path(), help="Keep the ledger in this folder.")
@json_option
def demo(keep: str | None, as_json: bool, config: str | None) -> None:
    """Route and execute a mixed workload through the emulator, then report what was saved."""
    with _folder(keep) as folder, _router(config, folder) as router:
        lines = []
        for number, item in enumerate(_workload(), 1):
            lines.append((item, _execute(router, item)))
            _progress(f"{number} prompts answered")
        report = router.report(by="tier")
        if as_json:
            print_json({"requests": [o.to_dict() for _, o in lines], "report": report})
            return
        _progress("")
        _print_decisions(lines)
        print_report(report)
        _print_proof(lines)
        if keep:
            click.echo(f"The ledger is in {folder}.")


def _progress(text: str) -> None:
    """One changing line on a terminal, and nothing where there is none."""
    if sys.stderr.isatty():
        click.echo(f"\r{text:<30}\r", nl=False, err=True)


@contextmanager
def _folder(keep: str | None) -> Iterator[Path]:
    if keep:
        yield Path(keep)
        return
    with tempfile.TemporaryDirectory(prefix="turnout-demo-") as name:
        yield Path(name)


@contextmanager
def _router(config: str | None, folder: Path) -> Iterator[Router]:
    """A router with a ledger of its own and a real client that talks to the emulator."""
    import anthropic

    from turnout.emulator import Emulator, serve
    from turnout.ledger import Ledger

    with (
        serve(Emulator(_script())) as url,
        anthropic.Anthropic(base_url=url, api_key="demo") as client,
    ):
        ledger = Ledger(folder=folder)
        try:
            with Router(config or {}, client=client, ledger=ledger) as router:
                yield router
        finally:
            ledger.close()


def _script() -> list[dict[str, Any]]:
    """One refusal by the top model, and one answer that is not a label."""
    return [
        {
            "when": {"contains": "red-teaming", "model": "claude-fable-*"},
            "do": {"refuse": {"category": "cyber"}},
        },
        {
            "when": {"contains": "Classify this ticket", "model": "claude-haiku-*"},
            "do": {"reply": "This looks like a billing question to me."},
        },
        {"when": {"contains": "Classify this ticket"}, "do": {"reply": "billing"}},
    ]


def _workload() -> list[dict[str, Any]]:
    text = (files("turnout.cli") / "demo.toml").read_text("utf-8")
    prompts: list[dict[str, Any]] = tomllib.loads(text)["prompts"]
    return prompts


def _execute(router: Router, item: dict[str, Any]) -> Outcome:
    prompt = item["text"]
    if "filler" in item:
        prompt += "\n\n" + item["filler"] * item["repeat"]
    labels = item.get("labels")
    return router.run(prompt, validate=one_of(labels) if labels else None)


def _print_decisions(lines: list[tuple[dict[str, Any], Outcome]]) -> None:
    rows = []
    for number, (item, outcome) in enumerate(lines, 1):
        decision = outcome.decision
        rows.append(
            (
                number,
                _short(item["text"]),
                decision.tier,
                outcome.served_by,
                outcome.usage.prompt_tokens,
                outcome.usage.output_tokens,
                outcome.cost_usd,
                outcome.savings_usd,
            )
        )
    columns = ("#", "prompt", "tier", "answered by", "in", "out", "cost", "saved")
    print_table("What went where", columns, rows, text=4)
    for number, (item, outcome) in enumerate(lines, 1):
        if "note" in item:
            click.echo(f"  {number}: {item['note']}: {_path(outcome)}")
    click.echo()


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARS else line[: SHOWN_CHARS - 1] + "…"


def _path(outcome: Outcome) -> str:
    """Every model that was asked, in order, ending with the one that answered."""
    asked = [name for attempt in outcome.attempts for name in _served(attempt)]
    return " → ".join(dict.fromkeys(asked))


def _served(attempt: Attempt) -> list[str]:
    return [line.model for line in attempt.cost_lines] or [attempt.model]


def _print_proof(lines: list[tuple[dict[str, Any], Outcome]]) -> None:
    """The arithmetic of one line and of the sum, for a reader with a pocket calculator."""
    first = lines[0][1]
    bill = first.attempts[0].cost_lines[0]
    usage, price = bill.usage, _rates(bill.model)
    click.echo(
        f"\nBy hand, line 1 on {bill.model}: {usage.input_tokens} × ${price[0]} + "
        f"{usage.output_tokens} × ${price[1]} per million = ${bill.cost_usd.normalize():f}."
    )
    total = sum((o.cost_usd or Decimal(0) for _, o in lines), Decimal(0))
    click.echo(f"The costs of the {len(lines)} lines sum to {dollars(total)} (${total:f}).")


def _rates(model: str) -> tuple[str, str]:
    from turnout.catalog import bundled, usd
    from turnout.ledger import utc_now

    card = bundled().get(model).card(utc_now(), 0)
    assert card is not None, "the bundled models are priced"
    return tuple(f"{(usd(rate) * 10**6).normalize():f}" for rate in (card.input, card.output))  # type: ignore
