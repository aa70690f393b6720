"""What a mix of traffic costs, routed and unrouted: arithmetic on list prices, no tokens spent."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

from turnout.catalog.ladders import ladder
from turnout.catalog.model import Card
from turnout.catalog.prices import line_pico, usd
from turnout.catalog.store import Catalog
from turnout.documents import money
from turnout.errors import InvalidRequest, UnpricedModel
from turnout.types import LEVELS, Json, Ladder, Usage


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. Costs in US dollars."""

    tier: str
    prompts: int
    model: str
    routed_usd: Decimal
    top_usd: Decimal | None
    """The same prompts on the ladder's top model; None for the classifier's own calls."""


@dataclass(frozen=True, slots=True)
class CostModel:
    """A workload priced with routing and without."""

    card: str
    ladder: str
    rows: tuple[Row, ...]

    @property
    def routed_usd(self) -> Decimal:
        """Everything with routing, classification included."""
        return sum((row.routed_usd for row in self.rows), Decimal(0))

    @property
    def top_usd(self) -> Decimal:
        """Everything on the top model."""
        return sum((row.top_usd for row in self.rows if row.top_usd is not None), Decimal(0))

    @property
    def savings_share(self) -> float | None:
        """Signed share of the top model's bill that routing saves; None when that bill is 0."""
        return float(1 - self.routed_usd / self.top_usd) if self.top_usd else None

    def to_dict(self) -> Json:
        """The table as JSON; money as decimal strings."""
        return {
            "card": self.card,
            "ladder": self.ladder,
            "rows": [
                {
                    "tier": row.tier,
                    "prompts": row.prompts,
                    "model": row.model,
                    "routed_usd": money(row.routed_usd),
                    "top_usd": money(row.top_usd),
                }
                for row in self.rows
            ],
            "routed_usd": money(self.routed_usd),
            "top_usd": money(self.top_usd),
            "savings_usd": money(self.top_usd - self.routed_usd),
            "savings_share": self.savings_share,
        }


@lru_cache(maxsize=1)
def _workload() -> dict[str, Any]:
    return tomllib.loads((files("turnout.catalog") / "cost_model.toml").read_text("utf-8"))


def seed_model(catalog: Catalog, mix: Sequence[int] | None = None) -> CostModel:
    """The seed documents' table, on their price card."""
    card = dict(_workload()["seed"])
    rungs = ladder(card.pop("ladder"), catalog)
    cards = {name: Card.from_usd_per_mtok(rates, f"seed.{name}") for name, rates in card.items()}
    return _price("seed", rungs, cards, mix)


def todays_model(
    catalog: Catalog, rungs: Ladder, at: datetime, mix: Sequence[int] | None = None
) -> CostModel:
    """The same workload on any ladder at the prices in force at `at`.

    Raises UnpricedModel, and InvalidRequest for a mix that does not sum to 100.
    """
    models = [tier.targets[0].model for tier in rungs.tiers]
    cards = {model: _card(catalog, model, at) for model in models}
    return _price("today", rungs, cards, mix)


def own_model(
    catalog: Catalog,
    rungs: Ladder,
    at: datetime,
    mix: Sequence[int],
    *,
    prompts: int,
    tokens: tuple[int, int],
) -> CostModel:
    """A workload of one's own: `prompts` of one size, a share for each tier of the ladder.

    `tokens` are input and output of one prompt; classification is free, as with the rules.
    Raises UnpricedModel, and InvalidRequest for a mix that does not fit the ladder.
    """
    shares = _shares(mix, len(rungs.tiers))
    cards = [_card(catalog, tier.targets[0].model, at, tokens[0]) for tier in rungs.tiers]
    rows = []
    for tier, share, card in zip(rungs.tiers, shares, cards, strict=True):
        count = prompts * share // 100
        usage = Usage(tokens[0] * count, tokens[1] * count)
        routed, top = usd(line_pico(usage, card)), usd(line_pico(usage, cards[-1]))
        rows.append(Row(tier.name, count, tier.targets[0].model, routed, top))
    return CostModel("today", rungs.name, tuple(rows))


def _card(catalog: Catalog, model: str, at: datetime, prompt_tokens: int = 0) -> Card:
    card = catalog.get(model).card(at, prompt_tokens)
    if card is None:
        raise UnpricedModel(model)
    return card


def _price(
    name: str, rungs: Ladder, cards: Mapping[str, Card], mix: Sequence[int] | None
) -> CostModel:
    work = _workload()
    shares = _shares(work["mix"] if mix is None else mix, len(work["tiers"]))
    top = rungs.tiers[-1].targets[0].model
    rows = []
    for share, level in zip(shares, work["tiers"], strict=True):
        target = _rung_for(level["tier"], rungs).targets[0].model
        prompts = work["prompts"] * share // 100
        usage = Usage(*(count * prompts for count in level["tokens"]))
        rows.append(
            Row(
                level["tier"],
                prompts,
                target,
                usd(line_pico(usage, cards[target])),
                usd(line_pico(usage, cards[top])),
            )
        )
    judge = rungs.tiers[0].targets[0].model
    calls = Usage(*(count * work["prompts"] for count in work["classifier_tokens"]))
    cost = usd(line_pico(calls, cards[judge]))
    rows.append(Row("classifier", work["prompts"], judge, cost, None))
    return CostModel(name, rungs.name, tuple(rows))


def _rung_for(level: str, rungs: Ladder) -> Any:
    """The lowest tier that covers a level of the workload."""
    hardest = LEVELS.index(level) + 1
    return next(tier for tier in rungs.tiers if tier.covers >= hardest)


def _shares(mix: Sequence[int], count: int) -> tuple[int, ...]:
    shares = tuple(mix)
    whole = all(isinstance(share, int) and share >= 0 for share in shares)
    if len(shares) != count or not whole or sum(shares) != 100:
        raise InvalidRequest(
            "mix", f"{','.join(map(str, shares))} must be {count} whole shares that sum to 100"
        )
    return shares
