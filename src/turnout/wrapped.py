"""wrap(): the vendor's own client, with `model="auto"` routed.

The client is copied and its `post` replaced, so every helper built on it (create, stream, parse,
tool runners, the beta namespace) routes the same way; calls that name a real model pass through
untouched. The http connection pool is shared with the original.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import ref

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
    return _OUTCOMES.get(message)


class _Outcomes:
    """Outcomes by the identity of live messages; an entry goes when its message does.

    The SDK's stream helpers build their message themselves, so the last streamed outcomes are
    kept by the API's message id. Safe from many threads: every step is one operation on a dict.
    """

    def __init__(self) -> None:
        self._entries: dict[int, tuple[ref[Any], Outcome]] = {}
        self._streamed: OrderedDict[str, Outcome] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, message: Any) -> Outcome | None:
        """The outcome of this very object, or of the stream that it came from."""
        entry = self._entries.get(id(message))
        if entry is not None and entry[0]() is message:
            return entry[1]
        outcome = self._streamed.get(str(getattr(message, "id", "")))
        same = outcome is not None and outcome.message.get("model") == message.model
        return outcome if same else None

    def add(self, message: Any, outcome: Outcome) -> None:
        """Keep the outcome for as long as the message lives."""
        key = id(message)
        self._entries[key] = (ref(message, lambda gone: self._forget(key, gone)), outcome)

    def add_streamed(self, outcome: Outcome, most: int = 1024) -> None:
        """Keep the outcome of a stream, the oldest ones giving way."""
        self._streamed[str(outcome.message.get("id"))] = outcome
        while len(self._streamed) > most:
            self._streamed.popitem(last=False)

    def _forget(self, key: int, gone: ref[Any]) -> None:
        entry = self._entries.get(key)
        if entry is not None and entry[0] is gone:
            del self._entries[key]


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
    run = router._prepare(body, ask, "wrap", client=client, streaming=bool(call.get("stream")))
    events = router._drive(run)
    if call.get("stream"):
        return RoutedStream(events, call)
    outcome = None
    for outcome in events:  # noqa: B007 - the last item is the outcome
        pass
    assert isinstance(outcome, Outcome), "a plan ends in an outcome or an error"
    return _message(outcome, call)


async def _async_post(
    router: AsyncRouter, client: anthropic.AsyncAnthropic, call: Mapping[str, Any]
) -> Any:
    body, ask = _request(call)
    run = router._prepare(body, ask, "wrap", client=client, streaming=bool(call.get("stream")))
    events = router._drive(run)
    if call.get("stream"):
        return AsyncRoutedStream(events, call)
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
    body["betas"], body["extra_headers"] = _headers(options.get("headers") or {})
    ask: Ask = {}
    if (deadline_s := _seconds(options.get("timeout"))) is not None:
        ask["deadline_s"] = deadline_s
    _, _, tier = body.pop("model").partition(":")
    if tier:
        ask["tier"] = tier
    return body, ask


def _headers(given: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
    """Beta names, and the other headers."""
    headers = {k.lower(): v for k, v in given.items() if isinstance(v, str)}
    if _RAW in headers:
        raise InvalidRequest(
            "model", "raw responses need a real model id: a routed answer may take several calls"
        )
    betas = headers.pop("anthropic-beta", "").split(",")
    return [name.strip() for name in betas if name.strip()], headers


def _seconds(timeout: Any) -> float | None:
    """The caller's time-out as a deadline; None for the default that the SDK fills in."""
    import httpx2
    from anthropic import DEFAULT_TIMEOUT

    if isinstance(timeout, httpx2.Timeout):
        return None if timeout == DEFAULT_TIMEOUT else timeout.read
    return timeout if isinstance(timeout, (int, float)) else None


def _message(outcome: Outcome, call: Mapping[str, Any]) -> Any:
    """The answer as the type the SDK's caller expects."""
    options = call.get("options") or {}
    message = call["cast_to"].construct(**outcome.message)
    message._request_id = outcome.attempts[-1].request_id
    message._workspace_id = None  # the SDK's helpers read it
    parser = options.get("post_parser")
    if parser is not None:
        message = parser(message)
    _OUTCOMES.add(message, outcome)
    return message


class _Stream:
    """What the SDK's stream helpers need of a raw stream, over routed events."""

    def __init__(self, events: Any, call: Mapping[str, Any]) -> None:
        from anthropic._streaming import extract_stream_chunk_type

        self._events = events
        self._kind = extract_stream_chunk_type(call["stream_cls"])
        headers = (call.get("options") or {}).get("headers") or {}
        self._headers = {k: v for k, v in headers.items() if isinstance(v, str)}
        self.outcome: Outcome | None = None
        """Set once the stream has been read to its end."""

    @property
    def response(self) -> Any:
        """A response with the caller's headers, and the request id as far as it is known."""
        import httpx2

        last = self.outcome.attempts[-1].request_id if self.outcome else None
        request = httpx2.Request("POST", PATH, headers=self._headers)
        return httpx2.Response(200, headers={"request-id": last} if last else {}, request=request)

    def _typed(self, item: Any) -> Any:
        from anthropic._models import construct_type

        if isinstance(item, Outcome):
            self.outcome = item
            _OUTCOMES.add_streamed(item)
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
