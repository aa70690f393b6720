"""`turnout models` and `turnout cost-model`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import click

from turnout.catalog.cost_model import CostModel, own_model, seed_model, todays_model
from turnout.catalog.model import PICO, Card, Model
from turnout.cli.command import command, config_option, json_option, print_json
from turnout.cli.tables import print_table
from turnout.documents import money
from turnout.errors import InvalidRequest
from turnout.ledger import utc_now
from turnout.router import Router
from turnout.types import Json


class ListFirst(click.Group):
    """A group whose bare name means `list`, options and all."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=ListFirst, epilog="\b\nExample:\n  turnout models show claude-opus-5-5")
def models() -> None:
    """The catalog: what each model takes, holds and costs."""


@models.command("list")
@config_option
@json_option
def list_models(config: str | None, as_json: bool) -> None:
    """All models, with today's prices in USD per million tokens."""
    router, now = _router(config), utc_now()
    if as_json:
        print_json([describe(model) for model in router.catalog])
        return
    tiers = {t.model: tier.name for tier in router.ladder.tiers for t in tier.targets}
    rows = []
    for model in router.catalog:
        card = model.card(now, 0)
        rows.append(
            (
                model.id,
                tiers.get(model.id, ""),
                ", ".join(model.efforts) or "none",
                model.context_window,
                model.max_output_tokens,
                *_rates(card),
            )
        )
    columns = ("model", "tier", "efforts", "window", "max out", "in", "out", "cache read")
    print_table(f"Models, ladder {router.ladder.name}", columns, rows, text=3)


def _rates(card: Card | None) -> tuple[str, ...]:
    if card is None:
        return ("unpriced", "unpriced", "unpriced")
    return tuple(_per_mtok(rate) for rate in (card.input, card.output, card.cache_read))


def _per_mtok(pico: int) -> str:
    return money(Decimal(pico * 10**6) / PICO) or "0"


@models.command()
@click.argument("model")
@config_option
@json_option
def show(model: str, config: str | None, as_json: bool) -> None:
    """Everything that is known of MODEL: an id, an alias, or provider:model."""
    found = describe(_router(config).catalog.get(model))
    if as_json:
        print_json(found)
        return
    for key, value in found.items():
        click.echo(f"{key:<22}{_plain(value)}")


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{k} {_plain(v)}" for k, v in value.items()) or "none"
    return "–" if value is None else str(value)


@models.command()
@config_option
@json_option
def sync(config: str | None, as_json: bool) -> None:
    """Compare the catalog with the live /v1/models; needs a key. Exit code 1 if they differ."""
    from turnout.catalog.sync import differences

    router = _router(config)
    client = router.client
    try:
        live = [entry.model_dump(mode="json") for entry in client.models.list(limit=1000)]
    except _api_error() as error:
        raise click.ClickException(f"the model list cannot be read: {error}") from error
    found = differences(live, router.catalog)
    if as_json:
        print_json([item.to_dict() for item in found])
    elif not found:
        click.echo(f"the catalog agrees with the {len(live)} models listed")
    else:
        rows = [(d.model, d.field, _plain(d.ours), _plain(d.theirs)) for d in found]
        print_table("Differences", ("model", "field", "catalog", "live"), rows, text=4)
        click.echo('Correct a fact in your config, for example: [models."ID"] context_window = N')
    router.close()
    if found:
        raise click.exceptions.Exit(1)


def _api_error() -> type[Exception]:
    import anthropic

    return anthropic.AnthropicError


@models.command()
@config_option
@json_option
def check(config: str | None, as_json: bool) -> None:
    """Warn of retirements. Exit code 1 if a model of the ladder is gone."""
    from turnout.catalog.sync import retirements

    router = _router(config)
    found = retirements(router.catalog, router.ladder, utc_now())
    if as_json:
        print_json(found)
    else:
        rows = [(r["model"], r["warning"], r["when"], r["on_ladder"]) for r in found]
        columns = ("model", "warning", "date", "on the ladder")
        print_table(f"Retirements, ladder {router.ladder.name}", columns, rows, text=4)
    if any(row["retired"] and row["on_ladder"] for row in found):
        raise click.exceptions.Exit(1)


def describe(model: Model) -> Json:
    """A model as JSON, prices in USD per million tokens as strings."""
    return {
        "id": model.id,
        "provider": model.provider,
        "line": model.line,
        "aliases": list(model.aliases),
        "context_window": model.context_window,
        "max_output_tokens": model.max_output_tokens,
        "token_ratio": str(model.token_ratio),
        "abilities": sorted(model.abilities),
        "efforts": list(model.efforts),
        "effort_default": model.effort_default,
        "thinking": list(model.thinking),
        "thinking_default": model.thinking_default,
        "sampling": list(model.sampling),
        "min_cacheable_tokens": model.min_cacheable_tokens,
        "fallback_targets": list(model.fallback_targets),
        "pool": model.pool,
        "retention_days": model.retention_days,
        "restricted": model.restricted,
        "lifecycle": model.lifecycle,
        "released": _day(model.released),
        "retires": _day(model.retires),
        "retires_not_before": _day(model.retires_not_before),
        "prices": [_price(price) for price in model.prices],
        "source": model.source,
        "checked": _day(model.checked),
    }


def _price(price: Any) -> Json:
    row: Json = {"since": None if price.since.year == 1 else _day(price.since), **_card(price.card)}
    if price.long is not None:
        row |= {"long_above": price.long_above, "long": _card(price.long)}
    if price.fast is not None:
        row["fast"] = {**_card(price.fast.card), "until": _day(price.fast.until)}
    return row


def _card(card: Card) -> Json:
    return {name: _per_mtok(getattr(card, name)) for name in Card.__slots__}


def _day(day: Any) -> str | None:
    return None if day is None else day.isoformat()


def _router(config: str | None) -> Router:
    return Router(config, ledger=False)


COST_MODEL = """turnout cost-model --mix 60,30,8,2 --ladder claude
turnout cost-model --tokens 5000,2000 --mix 70,20,10 --ladder three"""


@command(COST_MODEL, name="cost-model")
@click.option("--mix", help="Shares that sum to 100: of trivial, low, mid and high prompts.")
@click.option("--ladder", help="Price this ladder only, at today's prices.")
@click.option("--prompts", type=click.IntRange(1, 10**9), help="How many; with --tokens.")
@click.option("--tokens", help="Input,output of each prompt; --mix is then one share a tier.")
@json_option
def cost_model(
    mix: str | None,
    ladder: str | None,
    prompts: int | None,
    tokens: str | None,
    config: str | None,
    as_json: bool,
) -> None:
    """What a mix of prompts costs, routed and on the top model; arithmetic only.

    Without arguments: the table of the documents Turnout replaces, on their price card, and the
    same workload at today's prices. With --tokens: a workload of your own.
    """
    router = Router(config, ladder=ladder, ledger=False)
    shares = _numbers("mix", mix, "30,40,20,10")
    size = _numbers("tokens", tokens, "5000,2000")
    if size is not None:
        tables = [_own_model(router, shares, prompts or 1000, size)]
    elif prompts is not None:
        raise click.UsageError("--prompts goes with --tokens")
    else:
        tables = [todays_model(router.catalog, router.ladder, utc_now(), shares)]
        if ladder is None:
            tables.insert(0, seed_model(router.catalog, shares))
    if as_json:
        print_json({table.card: table.to_dict() for table in tables})
        return
    for table in tables:
        _print(table)


def _own_model(
    router: Router, shares: list[int] | None, prompts: int, size: list[int]
) -> CostModel:
    if shares is None:
        tiers = ", ".join(router.ladder.names)
        raise click.UsageError(f"--tokens needs --mix, a share for each of {tiers}")
    if len(size) != 2 or min(size) < 0 or max(size) > 10**7:
        raise InvalidRequest("tokens", f"{size} must be input,output of one prompt")
    pair = (size[0], size[1])
    return own_model(router.catalog, router.ladder, utc_now(), shares, prompts=prompts, tokens=pair)


def _numbers(field: str, text: str | None, example: str) -> list[int] | None:
    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InvalidRequest(field, f"{text!r} is not a list like {example}") from None


def _print(table: CostModel) -> None:
    rows: list[tuple[Any, ...]] = [
        (row.tier, row.model, row.prompts, row.routed_usd, row.top_usd) for row in table.rows
    ]
    rows.append(("total", "", None, table.routed_usd, table.top_usd))
    title = f"Ladder {table.ladder}, price card {table.card}"
    print_table(title, ("tier", "model", "prompts", "routed", "all on top"), rows, text=2)
    if table.savings_share is not None:
        click.echo(f"  saved: {table.savings_share:.1%}\n")
