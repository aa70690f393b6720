"""Routing: a request to a Decision, without network. Shared by Router and AsyncRouter."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from turnout.arguments import amount, count, share
from turnout.catalog.ladders import ladder as preset
from turnout.catalog.ladders import parse_ladder
from turnout.catalog.model import EFFORTS, Model
from turnout.catalog.store import Catalog, bundled
from turnout.config import Settings
from turnout.errors import ConfigError, InvalidRequest, UnknownTier, choices
from turnout.policy import choice
from turnout.policy.chain import Option, State, Step, Wishes, decide
from turnout.policy.fit import Account, Fit, Rung, options, rung, rungs
from turnout.policy.scale import TokenScale
from turnout.policy.settle import settled
from turnout.signals import extract
from turnout.types import (
    LEVELS,
    Classifier,
    Clock,
    Decision,
    Ladder,
    Limits,
    Prediction,
    Request,
    Signals,
    Target,
)

STEPS: tuple[Step, ...] = (choice.Floor, Fit, choice.Prefer)
"""The policy, in order. A new policy is one file in `policy/` and one entry here."""


@dataclass(frozen=True, slots=True)
class Routed:
    """A decision together with what it was made from."""

    decision: Decision
    state: State


class Routing:
    """Everything a decision needs, set up once."""

    def __init__(
        self,
        settings: Settings,
        *,
        ladder: str | Ladder | Mapping[str, Any] | None,
        models: Mapping[str, Any] | Iterable[Model] | None,
        classifier: str | Classifier | None,
        quality: float | None,
        clock: Clock,
    ) -> None:
        self.settings = settings
        self.clock = clock
        catalog = _catalog(settings, models)
        self.ladder = _ladder(settings, ladder, catalog)
        self.catalog = catalog.with_ladder(self.ladder)
        self.classifier = _classifier(settings, classifier)
        self.quality = share("quality", settings.quality if quality is None else quality)
        self.scale = TokenScale()
        organisation = settings.organisation
        self.account = Account(
            organisation.zero_retention, organisation.verified, settings.allow_unpriced
        )
        self._cut = getattr(self.classifier, "cut", float)
        self._rows: tuple[date, list[Rung]] | None = None
        self._providers = tuple(dict.fromkeys(row.model.provider for row in self.rows(clock())))
        choice.check_preference(settings.prefer, self._providers)
        self.no_wishes = self.wishes()

    def rows(self, at: datetime) -> list[Rung]:
        """The ladder's targets as they stand on this day."""
        day = at.date()
        if self._rows is None or self._rows[0] != day:
            self._rows = (day, rungs(self.ladder, self.catalog, at, self.account))
        return self._rows[1]

    def route(self, request: Request, wishes: Wishes) -> Routed:
        """Decide. Raises NoEligibleModel when nothing on the ladder can take the request."""
        began = time.perf_counter()
        now = self.clock()
        signals = extract(request, wishes.context_tokens)
        state = self._state(request, signals, wishes, now)
        first = choice.start(state, new_id("dec", now), now)
        return self._finish(decide(first, state, STEPS), state, began)

    def _finish(self, decision: Decision, state: State, began: float) -> Routed:
        """Fill in the numbers. The decision was made here and nobody has seen it yet, so this is
        still its making: a second copy of 23 fields would cost a tenth of the whole route."""
        fill = object.__setattr__
        for name, value in settled(decision, state, self.settings.execution.max_fallbacks).items():
            fill(decision, name, value)
        fill(decision, "elapsed_us", (time.perf_counter() - began) * 1e6)
        return Routed(decision, state)

    def keep(self, decision: Decision, request: Request) -> Routed:
        """The route of an earlier decision for a follow-up: a new decision, fit re-checked."""
        if not isinstance(decision, Decision):
            raise InvalidRequest("decision", f"{decision!r} is not a turnout.Decision")
        began = time.perf_counter()
        now = self.clock()
        limits = decision.limits
        self._check_tiers(decision.tier, limits.min_tier, limits.max_tier)
        target = Target(self.catalog.get(decision.model).id, decision.effort)
        index = self._rung(decision.tier, 0)
        row = rung(index, decision.tier, target, self.catalog, now, self.account)
        wishes = replace(self.no_wishes, limits=decision.limits, conversation=decision.conversation)
        state = self._state(request, extract(request), wishes, now, row)
        first = replace(
            decision, id=new_id("dec", now), at=now, reasons=(), classifier_cost_usd=Decimal(0)
        )
        if state.current(first).why_not is None:
            return self._finish(first, state, began)
        return self._finish(decide(first, state, (Fit,)), state, began)

    def rescuers(self, option: Option, state: State) -> list[Option]:
        """Where a refusal of `option` may go, by the provider's own list, in its order.

        Floors, abilities, windows and retention hold for these as for any other target.
        """
        rows = []
        for name in option.model.fallback_targets:
            model = self.catalog.get(name)
            tier = self.ladder.tiers[self._nearest(model)]
            effort = option.target.effort if model.accepts_effort(option.target.effort) else None
            target = next((t for t in tier.targets if t.model == name), Target(name, effort))
            index = self._rung(tier.name, 0)
            rows.append(rung(index, tier.name, target, self.catalog, state.now, self.account))
        found = self._options(rows, state.request, state.signals, state.wishes, state.output_tokens)
        return [stand_in for stand_in in found if stand_in.why_not is None]

    def _state(
        self,
        request: Request,
        signals: Signals,
        wishes: Wishes,
        now: datetime,
        kept: Rung | None = None,
    ) -> State:
        pin = self._pin(wishes, now)
        first = pin or kept
        prediction, adequate = self._predict(request, signals, wishes, first)
        expected = choice.OUTPUT_TOKENS[choice.expected_level(prediction)]
        output_tokens = min(expected, request.max_tokens or expected)
        rows = [first, *self.rows(now)] if first else self.rows(now)
        found = self._options(rows, request, signals, wishes, output_tokens)
        floor, ceiling = self._bounds(wishes)
        return State(
            now=now,
            request=request,
            signals=signals,
            prediction=prediction,
            ladder=self.ladder,
            wishes=wishes,
            options=found,
            adequate=adequate,
            cut=min(1.0, max(0.0, self._cut(wishes.quality))),
            output_tokens=output_tokens,
            floor=floor,
            ceiling=ceiling,
            pinned=found[0] if pin else None,
        )

    def _options(
        self,
        rows: list[Rung],
        request: Request,
        signals: Signals,
        wishes: Wishes,
        output_tokens: int,
    ) -> tuple[Option, ...]:
        scale = self.scale.get(signals.script)
        bounds = self._bounds(wishes)
        return options(rows, request, signals, wishes, bounds, output_tokens, scale)

    def _bounds(self, wishes: Wishes) -> tuple[int, int]:
        last = len(self.ladder.tiers) - 1
        return self._rung(wishes.limits.min_tier, 0), self._rung(wishes.limits.max_tier, last)

    def _predict(
        self, request: Request, signals: Signals, wishes: Wishes, pin: Rung | None
    ) -> tuple[Prediction, tuple[float, ...]]:
        """The prediction and each tier's adequacy; a pin needs no classifier."""
        tiers = self.ladder.tiers
        if wishes.tier is None and pin is None:
            prediction = checked(self.classifier.predict(request, signals), self.classifier)
            return prediction, tuple(choice.adequacy(prediction, t.covers) for t in tiers)
        index = pin.index if pin else self._rung(wishes.tier, 0)
        level = max(0, -int(-tiers[index].covers // 1) - 1)
        fixed = tuple(float(i >= level) for i in range(4))
        prediction = Prediction(fixed, "fixed", ("pinned by the caller",))  # type: ignore[arg-type]
        return prediction, tuple(float(i >= index) for i in range(len(tiers)))

    def _pin(self, wishes: Wishes, now: datetime) -> Rung | None:
        """The row that `model=` names: of the ladder, else of the nearest tier."""
        if wishes.model is None:
            return None
        name, _, effort = wishes.model.rpartition("@")
        if effort not in EFFORTS:
            name, effort = wishes.model, ""
        model = self.catalog.get(name)
        index = self._rung(wishes.tier, self._nearest(model))
        tier = self.ladder.tiers[index]
        on_ladder = [t for t in tier.targets if t.model == model.id]
        default = on_ladder[0].effort if on_ladder else tier.targets[0].effort
        if effort and not model.accepts_effort(effort):
            levels = ", ".join(model.efforts) or "none"
            raise InvalidRequest("model", f"{model.id} does not take effort {effort!r}: {levels}")
        kept = effort or (default if model.accepts_effort(default) else None)
        return rung(index, tier.name, Target(model.id, kept), self.catalog, now, self.account)

    def _nearest(self, model: Model) -> int:
        """The tier that holds the model, or its line, or else the dearest one it can pay for."""
        tiers = self.ladder.tiers
        for index, tier in enumerate(tiers):
            if any(target.model == model.id for target in tier.targets):
                return index
        for index, tier in enumerate(tiers):
            if model.line and self.catalog.get(tier.targets[0].model).line == model.line:
                return index
        cheaper = [self._dearer(model, tier.targets[0].model) for tier in tiers]
        return max(0, sum(cheaper) - 1)

    def _dearer(self, model: Model, other: str) -> bool:
        mine, its = model.prices, self.catalog.get(other).prices
        return bool(mine and its) and mine[-1].card.output >= its[-1].card.output

    def _rung(self, tier: str | None, default: int) -> int:
        return default if tier is None else self.ladder.names.index(tier)

    def wishes(
        self,
        *,
        tier: str | None = None,
        min_tier: str | None = None,
        max_tier: str | None = None,
        model: str | None = None,
        capability: str | Iterable[str] | None = None,
        prefer: str | None = None,
        quality: float | None = None,
        max_cost_usd: Decimal | float | str | None = None,
        conversation: str | None = None,
        context_tokens: int | None = None,
        experiment: str | None = None,
    ) -> Wishes:
        """The arguments of `route`, checked. Raises InvalidRequest naming the argument."""
        self._check_tiers(tier, min_tier, max_tier)
        _check_pins(tier, model, quality, prefer)
        choice.check_preference(prefer, self._providers)
        if experiment is not None:
            raise InvalidRequest("experiment", f"unknown experiment {experiment!r}; none is set up")
        if conversation is not None and not (isinstance(conversation, str) and conversation):
            raise InvalidRequest("conversation", f"{conversation!r} is not an id")
        return Wishes(
            tier=tier,
            model=model,
            limits=Limits(
                min_tier,
                max_tier,
                self._capabilities(capability),
                None if max_cost_usd is None else amount("max_cost_usd", max_cost_usd),
            ),
            prefer=None if model else prefer or self.settings.prefer,
            quality=self.quality if quality is None else share("quality", quality),
            escalation=self.settings.escalation,
            conversation=conversation,
            context_tokens=0 if context_tokens is None else count("context_tokens", context_tokens),
        )

    def _check_tiers(self, tier: str | None, low: str | None, high: str | None) -> None:
        names = self.ladder.names
        for field, value in (("tier", tier), ("min_tier", low), ("max_tier", high)):
            if value is not None and value not in names:
                raise UnknownTier(value, names, field)
        floor, ceiling = self._rung(low, 0), self._rung(high, len(names) - 1)
        if floor > ceiling:
            raise InvalidRequest("min_tier", f"{low} is above max_tier {high}")
        if tier is not None and not floor <= self._rung(tier, 0) <= ceiling:
            raise InvalidRequest("tier", f"{tier} is outside min_tier and max_tier")

    def _capabilities(self, given: str | Iterable[str] | None) -> frozenset[str]:
        if given is None:
            return frozenset()
        names = [given] if isinstance(given, str) or not isinstance(given, Iterable) else [*given]
        if bad := [name for name in names if not isinstance(name, str)]:
            raise InvalidRequest("capability", f"{bad[0]!r} is not the name of a capability")
        asked = frozenset(names)
        known = {ability for model in self.catalog for ability in model.abilities}
        known.update(*(row.model.abilities for row in self.rows(self.clock())))
        for name in sorted(asked):
            if name not in known:
                text = f"unknown capability {name!r}; {choices(name, sorted(known))}"
                raise InvalidRequest("capability", text)
        return asked


def _check_pins(
    tier: str | None, model: str | None, quality: float | None, prefer: str | None
) -> None:
    if model is not None and not isinstance(model, str):
        raise InvalidRequest("model", f"{model!r} is not a model's name")
    if quality is not None and (tier or model):
        raise InvalidRequest("quality", "has no effect on a pinned tier or model; give one")
    if prefer is not None and model is not None:
        raise InvalidRequest("prefer", "has no effect on a pinned model; give one")


def checked(prediction: Prediction, classifier: Classifier) -> Prediction:
    """The prediction, or ConfigError if a classifier broke the rules of one."""
    if not isinstance(prediction, Prediction):
        raise ConfigError(f"classifier {classifier.name}: {prediction!r} is no turnout.Prediction")
    curve = prediction.adequate
    if len(curve) != len(LEVELS) or not 0.0 <= curve[0] <= curve[1] <= curve[2] <= curve[3] == 1.0:
        raise ConfigError(
            f"classifier {classifier.name}: adequate must be four numbers that rise to 1, "
            f"not {curve}"
        )
    return prediction


def new_id(kind: str, now: datetime) -> str:
    """A sortable id: kind, milliseconds of `now` in hex, 64 random bits."""
    return f"{kind}_{int(now.timestamp() * 1000):011x}{os.urandom(8).hex()}"


def _catalog(settings: Settings, models: Mapping[str, Any] | Iterable[Model] | None) -> Catalog:
    catalog = bundled()
    if settings.models:
        catalog = catalog.with_models(settings.models)
    if models is None:
        return catalog
    if isinstance(models, Mapping):
        return catalog.with_models(models)
    extra = list(models)
    if bad := [item for item in extra if not isinstance(item, Model)]:
        raise ConfigError(f"models: {bad[0]!r} is neither a turnout.Model nor a table of fields")
    return Catalog([*catalog, *extra])


def _ladder(
    settings: Settings, given: str | Ladder | Mapping[str, Any] | None, catalog: Catalog
) -> Ladder:
    if isinstance(given, Ladder):
        return parse_ladder(
            [
                {"tier": t.name, "targets": t.targets, "covers": t.covers, "fallbacks": t.fallbacks}
                for t in given.tiers
            ],
            catalog,
            given.name,
        )
    if isinstance(given, str):
        return preset(given, catalog)
    if given is not None:
        return parse_ladder(given, catalog)
    if settings.tiers is not None:
        return parse_ladder(settings.tiers, catalog)
    return preset(settings.ladder, catalog)


def _classifier(settings: Settings, given: str | Classifier | None) -> Classifier:
    if given is not None and not isinstance(given, str):
        if not callable(getattr(given, "predict", None)) or not hasattr(given, "name"):
            raise ConfigError(f"classifier: {given!r} has no name and predict(request, signals)")
        return given
    from turnout.classifiers.registry import load

    return load(given or settings.classifier, settings.rules)
