"""What both routers share: set-up, routing, shaping, recording, reports. No calls are made here."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from random import Random
from threading import RLock
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from turnout import config as settings_of
from turnout.arguments import share
from turnout.catalog.model import Model
from turnout.catalog.store import Catalog
from turnout.config import Settings
from turnout.errors import ConfigError, InvalidRequest, LedgerError
from turnout.execution.bill import Biller
from turnout.execution.caching import Prefixes
from turnout.execution.plan import Job
from turnout.execution.shape import Body, Fitting, shape
from turnout.execution.validators import check_validator
from turnout.ledger import utc_now
from turnout.policy.chain import Option, firsts_of
from turnout.recording import Recorder, deadline, ending, open_ledger, reported
from turnout.routing import Routed, Routing, new_id
from turnout.types import (
    Attempt,
    Classifier,
    Clock,
    Decision,
    Feedback,
    Json,
    Ladder,
    Outcome,
    Validator,
)
from turnout.wire.anthropic import check_sendable, read_request

if TYPE_CHECKING:
    from turnout.ledger import Ledger


REMEMBERED_IDS = 100_000
"""Decisions of which it is remembered that a call was recorded."""


class Wish(TypedDict, total=False):
    """The routing arguments of `route`, `run` and `stream`."""

    tier: str | None
    min_tier: str | None
    max_tier: str | None
    model: str | None
    capability: str | Iterable[str] | None
    prefer: str | None
    quality: float | None
    max_cost_usd: Decimal | float | str | None
    conversation: str | None
    context_tokens: int | None
    experiment: str | None


class Content(TypedDict, total=False):
    """Parts of a request given beside it; they replace what the request says."""

    system: Any
    tools: Sequence[Mapping[str, Any]] | None
    max_tokens: int | None
    metadata: Mapping[str, Any] | None
    options: Mapping[str, Any] | None
    """Any other field of a Messages body: `thinking`, `stop_sequences`, `tool_choice`, …"""


class Happened(TypedDict, total=False):
    """What came of a call that the caller made."""

    usage: Any
    """A turnout.Usage, the API's `usage`, or None for a call that failed."""

    latency_ms: float
    ttft_ms: float | None
    error: str | BaseException | None
    served_by: str | None
    stop_reason: str


class Period(TypedDict, total=False):
    """What a report is about."""

    since: datetime | None
    until: datetime | None
    by: str
    """tier, model, day, classifier, …; `tier` unless given."""

    against: str | None
    """A model to compare with."""


class Ask(Wish, Content, total=False):
    """Everything that `run` and `stream` take."""

    decision: Decision | None
    deadline_s: float | None


@dataclass(frozen=True, slots=True)
class Run:
    """One request on its way: where it goes and how it is executed."""

    routed: Routed
    job: Job
    transport: Any
    """A Transport or an AsyncTransport."""


class Core(ABC):
    """What both routers share: set-up, routing, shaping, recording, reports."""

    def __init__(
        self,
        config: str | os.PathLike[str] | Mapping[str, Any] | Settings | None = None,
        *,
        ladder: str | Ladder | Mapping[str, Any] | None = None,
        models: Mapping[str, Any] | Iterable[Model] | None = None,
        classifier: str | Classifier | None = None,
        ledger: str | os.PathLike[str] | Ledger | bool | None = None,
        client: Any = None,
        quality: float | None = None,
        clock: Clock = utc_now,
        rng: Random | None = None,
    ) -> None:
        self.settings = settings_of.load(config)
        self.clock = clock
        self._rng = rng or Random()  # noqa: S311 - jitter of retries, not a secret
        self._routing = Routing(
            self.settings,
            ladder=ladder,
            models=models,
            classifier=classifier,
            quality=quality,
            clock=clock,
        )
        self._given_ledger = ledger
        self._ledger: Ledger | None = None
        self._client = client
        self._own_client = client is None
        self._transport: Any = None
        self._prefixes = Prefixes()
        self._recorded_ids: dict[str, None] = {}
        self._opening = RLock()

    @property
    def catalog(self) -> Catalog:
        """Every model this router knows."""
        return self._routing.catalog

    @property
    def ladder(self) -> Ladder:
        """The ladder in force."""
        return self._routing.ladder

    @property
    def ledger(self) -> Ledger | None:
        """The ledger, opened on first use; None when recording is off."""
        if self._ledger is None and self._records():
            with self._opening:
                if self._ledger is None:
                    self._ledger = open_ledger(self._given_ledger, self.settings, self.clock)
        return self._ledger

    def _records(self) -> bool:
        if self._given_ledger is None:
            return self.settings.ledger.enabled
        return self._given_ledger is not False

    def _recorder(self) -> Recorder:
        return Recorder(self.ledger, prompts=self.settings.ledger.record_prompts)

    # -- deciding

    def _route(self, request: object, wish: Wish, content: Content | None = None) -> Routed:
        read = read_request(request, **(content or {}))
        wishes = self._routing.wishes(**wish) if wish else self._routing.no_wishes
        return self._routing.route(read, wishes)

    def shape(self, decision: Decision, request: object, **content: Unpack[Content]) -> Body:
        """The body that would be sent for this decision.

        A dict; its `headers`, `betas` and `changes` say what goes beside it and what was adapted.
        """
        routed = self._routing.keep(decision, read_request(request, **content))
        state = routed.state
        return self._body(routed, state.current(routed.decision), None)

    def _body(self, routed: Routed, option: Option, credit: str | None) -> Body:
        state, signals = routed.state, routed.state.signals
        execution = self.settings.execution
        ttl = None
        if execution.cache_prefix:
            prefix = int(signals.prefix_base_tokens * float(option.model.token_ratio))
            ttl = self._prefixes.ttl(state.request, option.model, prefix, state.now)
        fit = Fitting(
            model=option.model,
            effort=option.target.effort,
            at=state.now,
            input_tokens=option.input_tokens,
            turns=signals.turns,
            in_tool_loop=signals.in_tool_loop,
            rescuers=tuple(o.target.model for o in self._routing.rescuers(option, state)[:3]),
            server_fallbacks=execution.server_fallbacks,
            cache_ttl=ttl,
            credit_token=credit,
        )
        return shape(state.request, fit)

    # -- executing

    def _prepare(
        self,
        request: object,
        ask: Ask,
        source: str,
        *,
        streaming: bool,
        validate: Validator | None = None,
        client: Any = None,
    ) -> Run:
        decision, deadline_s = ask.pop("decision", None), ask.pop("deadline_s", None)
        content: Content = {k: ask.pop(k) for k in Content.__annotations__ if k in ask}  # type: ignore
        wish: Wish = ask
        if decision is None:
            routed = self._route(request, wish, content)
        else:
            if wish:
                field = next(iter(wish))
                raise InvalidRequest(field, "has no effect with decision=; give one of them")
            routed = self._routing.keep(decision, read_request(request, **content))
        self._check_callable(routed)
        check_sendable(routed.state.request)
        check_validator(validate)
        job = self._job(routed, streaming, validate, deadline_s)
        transport = self._connection(client)
        self._recorder().decision(routed.decision, source, routed.state.request)
        return Run(routed, job, transport)

    @abstractmethod
    def _connection(self, client: Any) -> Any:
        """The transport over `client`, or over this router's own. ConfigError without a key."""

    def _check_callable(self, routed: Routed) -> None:
        provider = routed.decision.provider
        if provider != "anthropic":
            raise ConfigError(
                f"{routed.decision.model} is served by {provider}, which run() cannot call; "
                "make the call yourself and use router.record(decision, usage=…)"
            )

    def _job(
        self,
        routed: Routed,
        streaming: bool,
        validate: Validator | None,
        deadline_s: float | None,
    ) -> Job:
        execution, decision, state = self.settings.execution, routed.decision, routed.state
        recorder = self._recorder()

        def observe(attempt: Attempt) -> None:
            recorder.attempt(decision, attempt)
            seen = attempt.usage.prompt_tokens
            model = self.catalog.find(attempt.model)
            if attempt.status == "accepted" and model and not attempt.usage.iterations:
                base = int(state.signals.base_tokens * float(model.token_ratio))
                self._routing.scale.learn(state.signals.script, base, seen)

        return Job(
            decision=decision,
            queue=[state.current(decision), *self._chain(routed)],
            above=lambda rung: _escalations(routed, rung),
            rescue=lambda option: self._routing.rescuers(option, state),
            body=lambda option, credit: self._body(routed, option, credit),
            bill=self._biller(),
            observe=observe,
            now=self.clock,
            rng=self._rng,
            deadline_s=deadline(execution.deadline_s if deadline_s is None else deadline_s),
            max_retries=execution.max_retries,
            streaming=streaming,
            validate=validate,
        )

    def _chain(self, routed: Routed) -> list[Option]:
        """The decision's fallbacks as options, without those that `run` cannot call."""
        chain = []
        for fallback in routed.decision.fallbacks:
            for option in routed.state.options:
                target = option.target
                same = target.model == fallback.model and target.effort == fallback.effort
                if same and option.tier == fallback.tier and option.model.provider == "anthropic":
                    chain.append(option)
                    break
        return chain

    def _biller(self) -> Biller:
        return Biller(
            self.catalog,
            self.ladder,
            new_id=lambda: new_id("att", self.clock()),
            allow_unpriced=self.settings.allow_unpriced,
            bill_refusals=self.settings.execution.bill_refusals,
        )

    @contextmanager
    def _recorded(self, run: Run) -> Iterator[Callable[[Outcome], None]]:
        """Records how a run ends, whichever way it does; yields what takes the outcome."""
        recorder, ended = self._recorder(), []

        def done(outcome: Outcome) -> None:
            ended.append(outcome)
            recorder.outcome(outcome, self.clock())

        try:
            yield done
        except BaseException as error:
            if not ended:
                attempts = tuple(run.job.attempts)
                recorder.failure(run.routed.decision, attempts, ending(error), self.clock())
            raise

    def _key_client(self, kind: str) -> Any:
        """A client of the vendor's from settings and environment."""
        import anthropic
        import httpx2

        api = self.settings.api
        key = os.environ.get(api.key_env, "").strip() or None
        if key is None and not os.environ.get("ANTHROPIC_AUTH_TOKEN"):
            raise ConfigError(f"no API key: set {api.key_env}, or pass client=anthropic.{kind}(…)")
        if key is not None and not (key.isascii() and key.isprintable()):
            raise ConfigError(f"{api.key_env} holds characters that no key has; set it anew")
        extra = {"base_url": api.base_url} if api.base_url else {}
        try:
            return getattr(anthropic, kind)(api_key=key, **extra)
        except (httpx2.InvalidURL, ValueError) as error:
            raise ConfigError(f"api.base_url or ANTHROPIC_BASE_URL: {error}") from error

    # -- recording and reports

    def _record(self, decision: Decision, happened: Happened) -> Attempt:
        if not isinstance(decision, Decision):
            raise InvalidRequest("decision", f"{decision!r} is not a turnout.Decision")
        recorder, now, call = self._recorder(), self.clock(), reported(**happened)
        decision = self._fresh(decision, now)
        attempt = self._biller().reported(decision, call, now)
        recorder.decision(decision, "record")
        recorder.attempt(decision, attempt)
        if attempt.status == "accepted":
            recorder.answered(decision, (attempt,), now, stop_reason=call.stop_reason)
        else:
            status = "refused" if call.error is None else "failed"
            recorder.failure(decision, (attempt,), status, now)
        return attempt

    def _fresh(self, decision: Decision, now: datetime) -> Decision:
        """The decision, or a copy with an id of its own if a call was recorded for it already.

        A retry and a further turn are requests too: their cost must count.
        """
        with self._opening:
            if decision.id in self._recorded_ids:
                return replace(decision, id=new_id("dec", now), at=now)
            self._recorded_ids[decision.id] = None
            if len(self._recorded_ids) > REMEMBERED_IDS:
                del self._recorded_ids[next(iter(self._recorded_ids))]
        return decision

    def _feedback(
        self, decision: str | Decision, score: float | None, success: bool | None, note: str
    ) -> Feedback:
        ledger = self._needed_ledger()
        decision_id = decision.id if isinstance(decision, Decision) else decision
        if score is None and success is None:
            raise InvalidRequest("score", "give a score from 0 to 1, success, or both")
        if success is not None and not isinstance(success, bool):
            raise InvalidRequest("success", f"{success!r} is neither True nor False")
        if not ledger.decision_exists(decision_id):
            raise InvalidRequest("decision", f"no decision {decision_id!r} is in the ledger")
        now = self.clock()
        checked = None if score is None else share("score", score)
        feedback = Feedback(new_id("fb", now), decision_id, now, checked, success, note)
        self._recorder().feedback(feedback)
        return feedback

    def _report(self, period: Period) -> Json:
        report: Json = self._needed_ledger().report(
            **period, catalog=self.catalog, ladder=self.ladder, quality=self._routing.quality
        )
        return report

    def _needed_ledger(self) -> Ledger:
        if self.ledger is None:
            raise LedgerError("recording is off: set ledger.enabled = true, or pass ledger=")
        return self.ledger

    def _close_ledger(self) -> None:
        from turnout.ledger import Ledger

        if self._ledger is not None and not isinstance(self._given_ledger, Ledger):
            self._ledger.close()


def _escalations(routed: Routed, rung: int) -> list[Option]:
    """One eligible target of each tier above, lowest first."""
    above = firsts_of(routed.state, rung + 1).values()
    return [option for option in above if option.model.provider == "anthropic"]
