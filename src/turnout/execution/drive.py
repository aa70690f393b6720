"""Runs a plan: the only sync/async pair.

Both drivers yield the answer's stream events as they may be shown, then the Outcome.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing

import anyio

from turnout.execution.plan import Answer, Failure, Flow, Reply, Step, Wait
from turnout.execution.transport import AsyncTransport, Event, Transport
from turnout.types import Outcome


def drive(flow: Flow, transport: Transport) -> Generator[Event | Outcome]:
    """Run a plan over a sync transport. Closing the iterator cancels the call under way."""
    reply: Reply = None
    while True:
        step = _advance(flow, reply)
        if isinstance(step, Outcome):
            yield step
            return
        reply = None
        try:
            if isinstance(step, Wait):
                time.sleep(step.seconds)
                continue
            with closing(transport.perform(step)) as items:
                for item in items:
                    if isinstance(item, (Answer, Failure)):
                        reply = item
                    else:
                        yield item
        except BaseException as gone:
            _cancel(flow, gone)
            raise


async def drive_async(flow: Flow, transport: AsyncTransport) -> AsyncGenerator[Event | Outcome]:
    """The same, awaited; works under asyncio and trio."""
    reply: Reply = None
    while True:
        step = _advance(flow, reply)
        if isinstance(step, Outcome):
            yield step
            return
        reply = None
        try:
            if isinstance(step, Wait):
                await anyio.sleep(step.seconds)
                continue
            async with aclosing(transport.perform(step)) as items:
                async for item in items:
                    if isinstance(item, (Answer, Failure)):
                        reply = item
                    else:
                        yield item
        except BaseException as gone:
            _cancel(flow, gone)
            raise


def _advance(flow: Flow, reply: Reply) -> Step | Outcome:
    try:
        return flow.send(reply)
    except StopIteration as done:
        outcome: Outcome = done.value
        return outcome


def _cancel(flow: Flow, gone: BaseException) -> None:
    """Tell the plan, so that what the call has used is billed."""
    try:
        flow.throw(gone)
    except BaseException as same:
        if same is not gone:
            raise
