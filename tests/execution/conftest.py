"""What these tests share: one emulator on a socket per module, routers of both kinds, a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import anthropic
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

import turnout
from turnout.emulator import Emulator, Rule, Script, serve
from turnout.emulator.reply import RecordedRequest

Json: TypeAlias = dict[str, Any]
Events: TypeAlias = list[str | turnout.Outcome]

DECLINE: Json = {"refuse": "cyber"}
"""What a script does to make a model refuse."""


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **step: float) -> None:
        """Move on by a `timedelta`'s arguments."""
        self.now += timedelta(**step)


class Says:
    """A classifier that always says the same level."""

    name = "says"

    def __init__(self, level: str = "trivial") -> None:
        self._least = turnout.types.LEVELS.index(level)

    def predict(self, request: turnout.Request, signals: turnout.Signals) -> turnout.Prediction:
        a, b, c, d = (float(index >= self._least) for index in range(4))
        return turnout.Prediction((a, b, c, d), self.name, ("always the same",))


class Upstream:
    """The emulator of a module, and what it was sent."""

    def __init__(self, emulator: Emulator, url: str) -> None:
        self.emulator = emulator
        self.url = url

    def script(self, *rules: Json | Rule) -> None:
        """Start over with these rules."""
        self.emulator.script = Script(rules)
        self.emulator.reset()

    @property
    def requests(self) -> list[RecordedRequest]:
        return self.emulator.requests

    @property
    def bodies(self) -> list[Json]:
        return [request.body for request in self.requests]

    @property
    def models(self) -> list[str]:
        """The model of each request, in order."""
        return [str(body["model"]) for body in self.bodies]

    def client(self, **options: Any) -> anthropic.Anthropic:
        return anthropic.Anthropic(api_key="test", base_url=self.url, **options)

    def async_client(self, **options: Any) -> anthropic.AsyncAnthropic:
        return anthropic.AsyncAnthropic(api_key="test", base_url=self.url, **options)


class Caller:
    """A Router or an AsyncRouter, called alike: the async one through an event loop in a thread."""

    def __init__(self, router: Any, portal: BlockingPortal | None = None) -> None:
        self.router = router
        self._portal = portal

    def _call(self, name: str, *arguments: Any, **options: Any) -> Any:
        method = partial(getattr(self.router, name), *arguments, **options)
        return self._portal.call(method) if self._portal else method()

    def route(self, request: object, **wish: Any) -> turnout.Decision:
        found: turnout.Decision = self._call("route", request, **wish)
        return found

    def run(self, request: object, **ask: Any) -> turnout.Outcome:
        found: turnout.Outcome = self._call("run", request, **ask)
        return found

    def stream(self, request: object, **ask: Any) -> Events:
        """All events of a stream."""
        if self._portal is None:
            return list(self.router.stream(request, **ask))

        async def collect() -> Events:
            return [event async for event in self.router.stream(request, **ask)]

        return self._portal.call(collect)

    def record(self, decision: turnout.Decision, **facts: Any) -> turnout.Attempt:
        found: turnout.Attempt = self._call("record", decision, **facts)
        return found

    def feedback(self, *arguments: Any, **facts: Any) -> turnout.Feedback:
        found: turnout.Feedback = self._call("feedback", *arguments, **facts)
        return found

    def report(self, **options: Any) -> Json:
        found: Json = self._call("report", **options)
        return found

    def close(self) -> None:
        self._call("close")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def serving() -> Iterator[Upstream]:
    emulator = Emulator(clock=Clock())
    with serve(emulator) as url:
        yield Upstream(emulator, url)


@pytest.fixture
def upstream(serving: Upstream, clock: Clock) -> Upstream:
    """The module's emulator without a script, on this test's clock."""
    serving.emulator.clock = clock
    serving.script()
    return serving


@pytest.fixture
def claude(upstream: Upstream) -> Iterator[anthropic.Anthropic]:
    with upstream.client() as client:
        yield client


MakeRouter: TypeAlias = Callable[..., turnout.Router]


@pytest.fixture
def make(claude: anthropic.Anthropic, clock: Clock, tmp_path: Path) -> Iterator[MakeRouter]:
    """Makes routers to the emulator: `make({"quality": 0.9}, classifier=…)`."""
    made: list[turnout.Router] = []

    def router(settings: Json | None = None, **options: Any) -> turnout.Router:
        settled = {"ledger": {"folder": str(tmp_path / "ledger")}, **(settings or {})}
        plain = {"client": claude, "classifier": Says(), "clock": clock, "rng": Random(7)}
        made.append(turnout.Router(settled, **{**plain, **options}))
        return made[-1]

    yield router
    for one in made:
        one.close()


@pytest.fixture
def router(make: MakeRouter) -> turnout.Router:
    """A router that sends everything to the lowest tier unless told otherwise."""
    return make()


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal


MakeCaller: TypeAlias = Callable[..., Caller]


@pytest.fixture(params=["sync", "async"])
def both(
    request: pytest.FixtureRequest,
    make: MakeRouter,
    upstream: Upstream,
    clock: Clock,
    tmp_path: Path,
) -> Iterator[MakeCaller]:
    """As `make`, once for each kind of router."""
    if request.param == "sync":
        yield lambda settings=None, **options: Caller(make(settings, **options))
        return
    portal: BlockingPortal = request.getfixturevalue("portal")
    client = upstream.async_client()
    made: list[Caller] = []

    def caller(settings: Json | None = None, **options: Any) -> Caller:
        settled = {"ledger": {"folder": str(tmp_path / "ledger")}, **(settings or {})}
        plain = {"client": client, "classifier": Says(), "clock": clock, "rng": Random(7)}
        made.append(Caller(turnout.AsyncRouter(settled, **{**plain, **options}), portal))
        return made[-1]

    yield caller
    for one in made:
        one.close()
    portal.call(client.close)
