"""wrap(): the vendor's own client, with `model="auto"` routed.

The client is copied and its `post` replaced, so every helper built on it (create, stream, parse,
tool runners, the beta namespace) routes the same way; calls that name a real model pass through
untouched. The http connection pool is shared with the original.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

from turnout.core import Ask
from turnout.errors import InvalidRequest
from turnout.execution.transport import PATH
from turnout.router import AsyncRouter, Router
from turnout.types import Json, Outcome

if TYPE_CHECKING:
    import anthropic

    Client = TypeVar("Client", anthropic.Anthropic, anthropic.AsyncAnthropic)

AUTO = "auto"
PREFIX = "turnout/"
_RAW = "x-stainless-raw-response"


def wrap(client: Client, router: Router | AsyncRouter | None = None) -> Client:
    """A client like `client` whose `model="auto"` (or `auto:<tier>`, `turnout/auto`) is routed.

    `router` defaults to one from your config; give a Router with Anthropic, an AsyncRouter with
    AsyncAnthropic. `outcome_of(message)` tells what a routed answer cost and why.
    """
    import anthropic

    if isinstance(client, anthropic.AsyncAnthropic):
        return _patched(client, _async_post, _checked(router, AsyncRouter))
    if isinstance(client, anthropic.Anthropic):
        return _patched(client, _post, _checked(router, Router))
    raise InvalidRequest("client", f"{client!r} is neither Anthropic nor AsyncAnthropic")


def outcome_of(message: Any) -> Outcome | None:
    """The Outcome behind a message that a wrapped client returned; None for any other."""
    return _OUTCOMES.get(id(message)) if hasattr(message, "content") else None


class _Outcomes:
    """Outcomes by the identity of live messages; an entry goes when its message does."""

    def __init__(self) -> None:
        self._messages: WeakValueDictionary[int, Any] = WeakValueDictionary()
        self._outcomes: dict[int, Outcome] = {}

    def get(self, key: int) -> Outcome | None:
        return self._outcomes.get(key) if key in self._messages else None

    def add(self, message: Any, outcome: Outcome) -> None:
        for gone in [key for key in self._outcomes if key not in self._messages]:
            del self._outcomes[gone]
        self._messages[id(message)] = message
        self._outcomes[id(message)] = outcome


_OUTCOMES = _Outcomes()


def _checked(router: Any, kind: type[Router] | type[AsyncRouter]) -> Any:
    if router is None:
        return kind()
    if not isinstance(router, kind):
        raise InvalidRequest("router", f"this client needs a turnout.{kind.__name__}")
    return router


def _patched(client: Client, post: Callable[..., Any], router: Any) -> Client:
    routed = client.copy()
    plain = client.copy()

    def routed_post(path: str, **call: Any) -> Any:
        body = call.get("body")
        if path.split("?")[0] != PATH or not isinstance(body, Mapping) or not _routes(body):
            return plain.post(path, **call)
        return post(router, plain, call)

    def copy(**options: Any) -> Any:
        return wrap(plain.copy(**options), router)

    for name, value in (("post", routed_post), ("copy", copy), ("with_options", copy)):
        setattr(routed, name, value)
    return routed


def _routes(body: Mapping[str, Any]) -> bool:
    model = body.get("model")
    if not isinstance(model, str):
        return False
    name = model.removeprefix(PREFIX)
    return name == AUTO or name.startswith(f"{AUTO}:")


def _post(router: Router, client: anthropic.Anthropic, call: Mapping[str, Any]) -> Any:
    body, ask = _request(call)
    run = router._prepare(body, ask, "wrap", streaming=bool(call.get("stream")))
    events = router._drive(run, client)
    if call.get("stream"):
        return RoutedStream(events, call["stream_cls"])
    outcome = None
    for outcome in events:  # noqa: B007 - the last item is the outcome
        pass
    assert isinstance(outcome, Outcome), "a plan ends in an outcome or an error"
    return _message(outcome, call)


async def _async_post(
    router: AsyncRouter, client: anthropic.AsyncAnthropic, call: Mapping[str, Any]
) -> Any:
    body, ask = _request(call)
    run = router._prepare(body, ask, "wrap", streaming=bool(call.get("stream")))
    events = router._drive(run, client)
    if call.get("stream"):
        return AsyncRoutedStream(events, call["stream_cls"])
    outcome = [item async for item in events if isinstance(item, Outcome)][-1]
    return _message(outcome, call)


def _request(call: Mapping[str, Any]) -> tuple[Json, Ask]:
    """The SDK's call as a request of ours and what goes with it."""
    from anthropic import NotGiven, Omit

    options = call.get("options") or {}
    body = {k: v for k, v in call["body"].items() if not isinstance(v, (NotGiven, Omit))}
    body.update(options.get("extra_json") or {})
    if options.get("params"):
        raise InvalidRequest("extra_query", "cannot be sent with a routed model")
    headers = {k.lower(): v for k, v in (options.get("headers") or {}).items()}
    if _RAW in headers:
        raise InvalidRequest(
            "model", "raw responses need a real model id: a routed answer may take several calls"
        )
    betas = headers.pop("anthropic-beta", "")
    body["betas"] = [name.strip() for name in betas.split(",") if name.strip()]
    body["extra_headers"] = {k: v for k, v in headers.items() if isinstance(v, str)}
    ask: Ask = {}
    timeout = options.get("timeout")
    if isinstance(timeout, (int, float)):
        ask["deadline_s"] = timeout
    _, _, tier = body.pop("model").partition(":")
    if tier:
        ask["tier"] = tier
    return body, ask


def _message(outcome: Outcome, call: Mapping[str, Any]) -> Any:
    """The answer as the type the SDK's caller expects."""
    options = call.get("options") or {}
    message = call["cast_to"].construct(**outcome.message)
    message._request_id = outcome.attempts[-1].request_id
    parser = options.get("post_parser")
    if parser is not None:
        message = parser(message)
    _OUTCOMES.add(message, outcome)
    return message


class _Stream:
    """What the SDK's stream helpers need of a raw stream, over routed events."""

    def __init__(self, events: Any, stream_cls: type) -> None:
        from anthropic._streaming import extract_stream_chunk_type

        self._events = events
        self._kind = extract_stream_chunk_type(stream_cls)
        self.outcome: Outcome | None = None
        """Set once the stream has been read to its end."""

    @property
    def response(self) -> Any:
        """A response with the request id, as far as it is known."""
        import httpx2

        last = self.outcome.attempts[-1].request_id if self.outcome else None
        return httpx2.Response(200, headers={"request-id": last} if last else {})

    def _typed(self, item: Any) -> Any:
        from anthropic._models import construct_type

        if isinstance(item, Outcome):
            self.outcome = item
            return None
        return None if item["type"] == "ping" else construct_type(value=item, type_=self._kind)


class RoutedStream(_Stream):
    """A routed `Stream`: iterate, or use as a context manager."""

    def __iter__(self) -> Iterator[Any]:
        for item in self._events:
            if (event := self._typed(item)) is not None:
                yield event

    def __next__(self) -> Any:
        for item in self._events:
            if (event := self._typed(item)) is not None:
                return event
        raise StopIteration

    def close(self) -> None:
        """Stop; what was used so far is billed."""
        self._events.close()

    def __enter__(self) -> RoutedStream:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class AsyncRoutedStream(_Stream):
    """A routed `AsyncStream`."""

    async def __aiter__(self) -> AsyncIterator[Any]:
        async for item in self._events:
            if (event := self._typed(item)) is not None:
                yield event

    async def __anext__(self) -> Any:
        async for item in self._events:
            if (event := self._typed(item)) is not None:
                return event
        raise StopAsyncIteration

    async def close(self) -> None:
        """Stop; what was used so far is billed."""
        await self._events.aclose()

    async def __aenter__(self) -> AsyncRoutedStream:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()
