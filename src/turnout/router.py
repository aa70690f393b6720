"""Router and AsyncRouter: route, run, stream, record, feedback. One logic, two drivers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any, Unpack

from turnout.core import Ask, Core, Happened, Period, Run, Wish
from turnout.execution.plan import plan
from turnout.types import Attempt, Decision, Feedback, Json, Outcome, Validator

if TYPE_CHECKING:
    import anthropic

    from turnout.execution.transport import AsyncTransport, Event, Transport


class Router(Core):
    """Sends each request to the cheapest model that can answer it.

    `config` is a file, a mapping or Settings; without it the user's file and environment count.
    `ledger` is a path, a URL, a Ledger, or False for none. Safe from many threads.
    """

    def route(self, request: object, **wish: Unpack[Wish]) -> Decision:
        """Decide, without calling a model or writing anything.

        Raises InvalidRequest for unusable input and NoEligibleModel when nothing fits.
        """
        return self._route(request, wish).decision

    def run(
        self, request: object, *, validate: Validator | None = None, **ask: Unpack[Ask]
    ) -> Outcome:
        """Route, call, and record.

        A rejected answer escalates tier by tier. Raises Refused, Truncated, AllAttemptsFailed.
        """
        run = self._prepare(request, ask, "run", streaming=False, validate=validate)
        return _last(self._drive(run))

    def stream(self, request: object, **ask: Unpack[Ask]) -> Generator[str | Outcome]:
        """Route and call, yielding text as it arrives and the Outcome at the end.

        The request is routed at once; nothing is called before the first step.
        """
        run = self._prepare(request, ask, "stream", streaming=True)
        return _texts(self._drive(run))

    def record(self, decision: Decision, **happened: Unpack[Happened]) -> Attempt:
        """Record a call that the caller made; returns it with its exact cost.

        `usage` is a turnout.Usage, the API's `usage`, or None for a call that failed.
        """
        return self._record(decision, happened)

    def feedback(
        self,
        decision: str | Decision,
        score: float | None = None,
        *,
        success: bool | None = None,
        note: str = "",
    ) -> Feedback:
        """Score an earlier decision: `score` 0..1, `success`, or both."""
        return self._feedback(decision, score, success, note)

    def report(self, **period: Unpack[Period]) -> Json:
        """What `turnout report --json` prints."""
        return self._report(period)

    def close(self) -> None:
        """Flush the ledger and close the client, if they are this router's own."""
        self._close_ledger()
        if self._own_client and self._client is not None:
            self._client.close()

    def __enter__(self) -> Router:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _drive(self, run: Run) -> Generator[Event | Outcome]:
        from turnout.execution.drive import drive

        with (
            self._recorded(run) as done,
            closing(drive(plan(run.job), run.transport)) as events,
        ):
            for item in events:
                if isinstance(item, Outcome):
                    done(item)
                yield item

    @property
    def client(self) -> anthropic.Anthropic:
        """The vendor's client in use; made from settings and environment on first use."""
        with self._opening:
            if self._client is None:
                self._client = self._key_client("Anthropic")
        client: anthropic.Anthropic = self._client
        return client

    def _connection(self, client: anthropic.Anthropic | None = None) -> Transport:
        from turnout.execution.transport import Transport

        if client is not None:
            return Transport(client)
        with self._opening:
            if self._transport is None:
                self._transport = Transport(self.client)
        transport: Transport = self._transport
        return transport


class AsyncRouter(Core):
    """The same methods as Router, awaited."""

    async def route(self, request: object, **wish: Unpack[Wish]) -> Decision:
        """As Router.route."""
        return self._route(request, wish).decision

    async def run(
        self, request: object, *, validate: Validator | None = None, **ask: Unpack[Ask]
    ) -> Outcome:
        """As Router.run."""
        run = self._prepare(request, ask, "run", streaming=False, validate=validate)
        outcome = [item async for item in self._drive(run) if isinstance(item, Outcome)]
        return outcome[-1]

    def stream(self, request: object, **ask: Unpack[Ask]) -> AsyncGenerator[str | Outcome]:
        """As Router.stream: `async for event in router.stream(…)`."""
        run = self._prepare(request, ask, "stream", streaming=True)
        return _async_texts(self._drive(run))

    async def record(self, decision: Decision, **happened: Unpack[Happened]) -> Attempt:
        """As Router.record."""
        return self._record(decision, happened)

    async def feedback(
        self,
        decision: str | Decision,
        score: float | None = None,
        *,
        success: bool | None = None,
        note: str = "",
    ) -> Feedback:
        """As Router.feedback."""
        given: Feedback = await _in_thread(self._feedback, decision, score, success, note)
        return given

    async def report(self, **period: Unpack[Period]) -> Json:
        """As Router.report."""
        report: Json = await _in_thread(self._report, period)
        return report

    async def close(self) -> None:
        """As Router.close."""
        await _in_thread(self._close_ledger)
        if self._own_client and self._client is not None:
            await self._client.close()

    async def __aenter__(self) -> AsyncRouter:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def _drive(self, run: Run) -> AsyncGenerator[Event | Outcome]:
        from turnout.execution.drive import drive_async

        with self._recorded(run) as done:
            async with aclosing(drive_async(plan(run.job), run.transport)) as events:
                async for item in events:
                    if isinstance(item, Outcome):
                        done(item)
                    yield item

    @property
    def client(self) -> anthropic.AsyncAnthropic:
        """The vendor's client in use; made from settings and environment on first use."""
        with self._opening:
            if self._client is None:
                self._client = self._key_client("AsyncAnthropic")
        client: anthropic.AsyncAnthropic = self._client
        return client

    def _connection(self, client: anthropic.AsyncAnthropic | None = None) -> AsyncTransport:
        from turnout.execution.transport import AsyncTransport

        if client is not None:
            return AsyncTransport(client)
        with self._opening:
            if self._transport is None:
                self._transport = AsyncTransport(self.client)
        transport: AsyncTransport = self._transport
        return transport


def _text(event: Event) -> str:
    delta = event.get("delta") or {}
    return str(delta["text"]) if delta.get("type") == "text_delta" else ""


def _texts(events: Generator[Event | Outcome]) -> Generator[str | Outcome]:
    with closing(events):
        for item in events:
            if isinstance(item, Outcome):
                yield item
            elif text := _text(item):
                yield text


async def _async_texts(events: AsyncGenerator[Event | Outcome]) -> AsyncGenerator[str | Outcome]:
    async with aclosing(events):
        async for item in events:
            if isinstance(item, Outcome):
                yield item
            elif text := _text(item):
                yield text


def _last(items: Iterable[Event | Outcome]) -> Outcome:
    outcome = None
    for item in items:
        outcome = item
    assert isinstance(outcome, Outcome), "a plan ends in an outcome or an error"
    return outcome


async def _in_thread(work: Callable[..., Any], *arguments: Any) -> Any:
    """Ledger reads block; they leave the event loop free."""
    import anyio.to_thread

    return await anyio.to_thread.run_sync(work, *arguments)
