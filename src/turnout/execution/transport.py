"""The calls themselves, through the vendor's own client.

Our shaped body goes out as it is (`client.post`), with the client's retries off: retries have
one owner, and that is `plan`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from turnout.errors import ConfigError
from turnout.execution.plan import Answer, Call, Failure

if TYPE_CHECKING:
    import anthropic
    import httpx2

PATH = "/v1/messages"
Event: TypeAlias = dict[str, Any]


class Transport:
    """Sync calls. Yields the events that the caller may see, then an Answer or a Failure."""

    def __init__(self, client: anthropic.Anthropic) -> None:
        self._client = client.with_options(max_retries=0)

    def perform(self, call: Call) -> Iterator[Event | Answer | Failure]:
        """Make one call; never raises for what a server or a network does."""
        import httpx2

        timer = Timer(call)
        try:
            if call.stream:
                yield from self._stream(call, timer)
            else:
                response = self._client.post(
                    PATH, cast_to=httpx2.Response, body=dict(call.body), options=_options(call)
                )
                yield timer.answer(response)
        except _errors() as error:
            yield timer.failure(error)
        except TypeError as error:
            raise _no_key(error) from error

    def _stream(self, call: Call, timer: Timer) -> Iterator[Event | Answer | Failure]:
        from anthropic import Stream

        events: Any = self._client.post(
            PATH,
            cast_to=object,
            body=dict(call.body),
            options=_options(call),
            stream=True,
            stream_cls=Stream[object],
        )
        timer.request_id = events.response.headers.get("request-id")
        try:
            for event in events:
                yield from timer.seen(event)
        finally:
            events.close()
        yield timer.ended()


class AsyncTransport:
    """The same, awaited."""

    def __init__(self, client: anthropic.AsyncAnthropic) -> None:
        self._client = client.with_options(max_retries=0)

    async def perform(self, call: Call) -> AsyncIterator[Event | Answer | Failure]:
        """Make one call; never raises for what a server or a network does."""
        import httpx2

        timer = Timer(call)
        try:
            if call.stream:
                async for item in self._stream(call, timer):
                    yield item
            else:
                response = await self._client.post(
                    PATH, cast_to=httpx2.Response, body=dict(call.body), options=_options(call)
                )
                yield timer.answer(response)
        except _errors() as error:
            yield timer.failure(error)
        except TypeError as error:
            raise _no_key(error) from error

    async def _stream(self, call: Call, timer: Timer) -> AsyncIterator[Event | Answer | Failure]:
        from anthropic import AsyncStream

        events: Any = await self._client.post(
            PATH,
            cast_to=object,
            body=dict(call.body),
            options=_options(call),
            stream=True,
            stream_cls=AsyncStream[object],
        )
        timer.request_id = events.response.headers.get("request-id")
        try:
            async for event in events:
                for item in timer.seen(event):
                    yield item
        finally:
            await events.close()
        yield timer.ended()


class Timer:
    """Measures one call and holds its events back until the answer has begun.

    Nothing is shown before the first content, so a refusal without output, or an error before
    it, can still be answered by another model.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._began = time.perf_counter()
        self._held: list[Event] | None = []
        self._ttft_ms: float | None = None
        self.request_id: str | None = None

    def seen(self, event: Event) -> Iterator[Event]:
        """Take an event; yields what may be shown by now. TimeoutError after the deadline."""
        self._call.progress.add(event)
        if self._ms() > self._call.timeout_s * 1000:
            raise TimeoutError("the deadline passed while the answer was streaming")
        if self._held is None:
            yield event
            return
        self._held.append(event)
        if event["type"] == "content_block_start" and event["content_block"]["type"] != "fallback":
            self._ttft_ms = self._ms()
            held, self._held = self._held, None
            yield from held

    def ended(self) -> Answer | Failure:
        """The end of a stream: whole, or cut off."""
        progress = self._call.progress
        message = progress.close()
        if not progress.complete:
            cut = ConnectionError("the stream ended before message_stop")
            return self.failure(cut)
        return Answer(message, self._ms(), self._ttft_ms, self.request_id)

    def answer(self, response: httpx2.Response) -> Answer | Failure:
        """The end of a plain call."""
        self.request_id = response.headers.get("request-id")
        message = response.json()
        if not isinstance(message, dict) or "content" not in message:
            return self.failure(ConnectionError("the answer is not a Messages answer"))
        return Answer(message, self._ms(), None, self.request_id)

    def failure(self, error: Exception) -> Failure:
        """What went wrong, with the facts that decide what happens next."""
        response = getattr(error, "response", None)
        headers = getattr(response, "headers", None) or {}
        body = getattr(error, "body", None)
        detail = body.get("error") if isinstance(body, dict) else None
        detail = detail if isinstance(detail, dict) else {}
        retry = headers.get("x-should-retry")
        return Failure(
            cause=error,
            text=_text(error, detail),
            latency_ms=self._ms(),
            status=_status(error, detail),
            code=(detail.get("details") or {}).get("error_code"),
            should_retry=None if retry is None else retry == "true",
            retry_after_s=_retry_after(headers),
            request_id=headers.get("request-id") or self.request_id,
            seen=self._held is None,
        )

    def _ms(self) -> float:
        return (time.perf_counter() - self._began) * 1000


_STATUS_OF_TYPE = {
    "overloaded_error": 529,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "invalid_request_error": 400,
}


def _status(error: Exception, detail: dict[str, Any]) -> int | None:
    """The HTTP status; for an error inside a stream (HTTP 200) that of its type."""
    status = getattr(error, "status_code", None)
    if status is None or status < 300:
        return _STATUS_OF_TYPE.get(detail.get("type", ""))
    return int(status)


def _text(error: Exception, detail: dict[str, Any]) -> str:
    kind = detail.get("type") or type(error).__name__
    return f"{kind}: {detail.get('message') or error or 'no details'}"


def _retry_after(headers: Any) -> float | None:
    """`retry-after-ms`, else `retry-after` in seconds; dates and nonsense count as absent."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    return None


def _options(call: Call) -> Any:
    import httpx2

    connect_s = min(10.0, call.timeout_s)
    return {
        "headers": call.body.all_headers(),
        "timeout": httpx2.Timeout(call.timeout_s, connect=connect_s),
    }


def _errors() -> tuple[type[Exception], ...]:
    """What a server or a network can do to a call; programming errors pass through."""
    import anthropic
    import httpx2

    return (anthropic.APIError, httpx2.HTTPError, httpx2.StreamError, OSError, ValueError)


def _no_key(error: TypeError) -> Exception:
    """The client finds out about a missing key only when it calls, as a TypeError."""
    if "authentication" not in str(error):
        return error
    return ConfigError("no API key: set ANTHROPIC_API_KEY, or pass client=anthropic.Anthropic(…)")
