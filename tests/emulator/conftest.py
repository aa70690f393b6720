"""What the emulator's tests share: a settable clock, one client per test, one server per module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import anthropic
import httpx2
import pytest

from turnout.emulator import Emulator, serve

Send: TypeAlias = Callable[..., httpx2.Response]
HEADERS = {"x-api-key": "test", "anthropic-version": "2023-06-01"}


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **step: float) -> None:
        """Move on by a `timedelta`'s arguments."""
        self.now += timedelta(**step)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def emulator(clock: Clock) -> Emulator:
    return Emulator(clock=clock)


def sender(emulator: Emulator) -> Iterator[Send]:
    """A function that posts a message body; keyword arguments change the body or headers."""
    with emulator.http_client() as client:

        def send(
            body: dict[str, Any] | None = None,
            *,
            path: str = "/v1/messages",
            headers: dict[str, str] | None = None,
            **fields: Any,
        ) -> httpx2.Response:
            plain: dict[str, Any] = {
                "model": "claude-haiku-5-5",
                "max_tokens": 1024,
                "messages": [{"role": "user", "content": "Hello"}],
            }
            merged = {**plain, **(body or {}), **fields}
            return client.post(path, json=merged, headers={**HEADERS, **(headers or {})})

        yield send


@pytest.fixture
def send(emulator: Emulator) -> Iterator[Send]:
    yield from sender(emulator)


@pytest.fixture(scope="module")
def shared_emulator() -> Emulator:
    """The module's emulator, whose clock stands still too."""
    return Emulator(clock=Clock())


@pytest.fixture(scope="module")
def shared_send(shared_emulator: Emulator) -> Iterator[Send]:
    yield from sender(shared_emulator)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Emulator, str]]:
    """One emulator on a socket for a whole module, and its URL."""
    emulator = Emulator(clock=Clock())
    with serve(emulator) as url:
        yield emulator, url


@pytest.fixture
def claude(served: tuple[Emulator, str]) -> Iterator[anthropic.Anthropic]:
    """The vendor's client, over HTTP, without retries of its own."""
    emulator, url = served
    emulator.reset()
    with anthropic.Anthropic(api_key="test", base_url=url, max_retries=0, timeout=5) as client:
        yield client
