"""The calls themselves, through the vendor's own client.

Our shaped body goes out as it is (`client.post`), with the client's retries off: retries have
one owner, and that is `plan`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Generator, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeAlias

from turnout.catalog.prices import check_usage
from turnout.errors import ConfigError, InvalidRequest
from turnout.execution.plan import Answer, Call, Failure
from turnout.wire.anthropic import Assembly, billed_usage, read_usage

if TYPE_CHECKING:
    import anthropic
    import httpx2

PATH = "/v1/messages"
_UNREAD = {"X-Stainless-Raw-Response": "stream"}
"""What the client's own `with_streaming_response` sends: it then leaves the body unread."""

Event: TypeAlias = dict[str, Any]


class Transport:
    """Sync calls. Yields the events that the caller may see, then an Answer or a Failure."""

    def __init__(self, client: anthropic.Anthropic) -> None:
        self._client = client.with_options(max_retries=0)

    def perform(self, call: Call) -> Generator[Event | Answer | Failure]:
        """Make one call; never raises for what a server or a network does."""
        timer = Timer(call)
        try:
            if call.stream:
                yield from self._stream(call, timer)
            else:
                yield timer.answer(self._plain(call, timer))
        except _errors() as error:
            yield timer.failure(error)
        except TypeError as error:
            raise _no_key(error) from error

    def _plain(self, call: Call, timer: Timer) -> httpx2.Response:
        """A plain answer, its body read with an eye on the deadline."""
        from turnout.execution.patience import Patient

        options = _options(call, self._client)
        options["headers"] = {**options["headers"], **_UNREAD}
        raw: Any = self._client.post(PATH, cast_to=object, body=dict(call.body), options=options)
        response: Any = raw.http_response
        response.stream = Patient(response.stream, timer.check)
        try:
            response.read()
        finally:
            response.close()
        whole: httpx2.Response = response
        return whole

    def _stream(self, call: Call, timer: Timer) -> Generator[Event | Answer | Failure]:
        from anthropic import Stream

        from turnout.execution.patience import Patient

        events: Any = self._client.post(
            PATH,
            cast_to=object,
            body=dict(call.body),
            options=_options(call, self._client),
            stream=True,
            stream_cls=Stream[object],
        )
        timer.request_id = events.response.headers.get("request-id")
        events.response.stream = Patient(events.response.stream, timer.check)
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

    async def perform(self, call: Call) -> AsyncGenerator[Event | Answer | Failure]:
        """Make one call; never raises for what a server or a network does."""
        import httpx2

        timer = Timer(call)
        try:
            if call.stream:
                async with aclosing(self._stream(call, timer)) as items:
                    async for item in items:
                        yield item
            else:
                options = _options(call, self._client)
                work = self._client.post(
                    PATH, cast_to=httpx2.Response, body=dict(call.body), options=options
                )
                yield timer.answer(await _in_time(work, timer))
        except _errors() as error:
            yield timer.failure(error)
        except TypeError as error:
            raise _no_key(error) from error

    async def _stream(self, call: Call, timer: Timer) -> AsyncGenerator[Event | Answer | Failure]:
        from anthropic import AsyncStream

        work: Any = self._client.post(
            PATH,
            cast_to=object,
            body=dict(call.body),
            options=_options(call, self._client),
            stream=True,
            stream_cls=AsyncStream[object],
        )
        events: Any = await _in_time(work, timer)
        timer.request_id = events.response.headers.get("request-id")
        try:
            while (event := await _in_time(anext(events, None), timer)) is not None:
                for item in timer.seen(event):
                    yield item
        finally:
            await events.close()
        yield timer.ended()


async def _in_time(work: Awaitable[Any], timer: Timer) -> Any:
    """Await one step of a call; TimeoutError at the deadline."""
    import anyio

    try:
        with anyio.fail_after(timer.left_s()):
            return await work
    except TimeoutError:
        timer.check()
        raise


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
        self._add(event)
        self.check()
        if self._held is None:
            yield event
            return
        self._held.append(event)
        if event["type"] == "content_block_start" and event["content_block"]["type"] != "fallback":
            self._ttft_ms = self._ms()
            held, self._held = self._held, None
            yield from held

    def _add(self, event: Event) -> None:
        """Add an event to the answer; ConnectionError if it is nothing that the API sends."""
        progress = self._call.progress
        try:
            progress.add(event)
            if event["type"] in ("message_start", "message_delta"):
                _check_answer(progress.message)
            if event["type"] == "content_block_start":
                _ = event["content_block"]["type"]
        except _MISSHAPEN as error:
            raise ConnectionError(f"the stream holds no Messages event: {error!r}") from error

    def check(self) -> None:
        """TimeoutError after the deadline."""
        if self.left_s() <= 0:
            raise TimeoutError("the deadline passed before the answer was complete")

    def left_s(self) -> float:
        """Seconds that the call may still take."""
        return self._call.timeout_s - self._ms() / 1000

    def ended(self) -> Answer | Failure:
        """The end of a stream: whole, or cut off."""
        progress = self._call.progress
        if not progress.complete:
            return self.failure(ConnectionError("the stream ended before message_stop"))
        try:
            _check_answer(progress.close())
        except _MISSHAPEN as error:
            return self.failure(ConnectionError(f"this is no Messages answer: {error!r}"))
        return Answer(progress.message, self._ms(), self._ttft_ms, self.request_id)

    def answer(self, response: httpx2.Response) -> Answer | Failure:
        """The end of a plain call."""
        self.request_id = response.headers.get("request-id")
        message = response.json()
        try:
            _check_answer(message)
        except _MISSHAPEN as error:
            return self.failure(ConnectionError(f"this is no Messages answer: {error!r}"))
        return Answer(message, self._ms(), None, self.request_id)

    def failure(self, error: Exception) -> Failure:
        """What went wrong, with the facts that decide what happens next."""
        self._salvage()
        response = getattr(error, "response", None)
        headers = getattr(response, "headers", None) or {}
        body = getattr(error, "body", None)
        detail = _table(_table(body).get("error"))
        retry = headers.get("x-should-retry")
        return Failure(
            cause=error,
            text=_text(error, detail),
            latency_ms=self._ms(),
            status=_status(error, detail),
            code=_table(detail.get("details")).get("error_code"),
            should_retry=None if retry is None else retry == "true",
            retry_after_s=_retry_after(headers),
            request_id=headers.get("request-id") or self.request_id,
            seen=self._held is None,
        )

    def _salvage(self) -> None:
        """Keep what arrived, so that it is billed, unless it makes no sense."""
        try:
            if self._call.progress.message:
                _check_answer(self._call.progress.close())
        except _MISSHAPEN:
            self._call.progress = Assembly()

    def _ms(self) -> float:
        return (time.perf_counter() - self._began) * 1000


_MISSHAPEN = (KeyError, IndexError, TypeError, AttributeError, InvalidRequest)
"""What reading an answer raises when it is not one."""


def _check_answer(message: Any) -> None:
    """Raises one of _MISSHAPEN for what is no answer, or has counts that cannot be billed."""
    for block in message["content"]:
        if block["type"] == "text" and not isinstance(block["text"], str):
            raise TypeError("a text block without text")
    usage = read_usage(message.get("usage"))
    check_usage(usage)
    check_usage(billed_usage(usage))


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


_STATUS_OF_TYPE = {
    "overloaded_error": 529,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
}


def _status(error: Exception, detail: dict[str, Any]) -> int | None:
    """The HTTP status; for an error inside a stream (HTTP 200) that of its type."""
    status = getattr(error, "status_code", None)
    if status is None or status < 300:
        return _STATUS_OF_TYPE.get(str(detail.get("type")))
    return int(status)


def _text(error: Exception, detail: dict[str, Any]) -> str:
    """The API's own words, or what is known of a connection that failed."""
    kind = detail.get("type") or type(error).__name__
    text = str(detail.get("message") or error or "no details")
    reason = error.__cause__
    if not detail and reason is not None and str(reason) not in text:
        text = f"{text.rstrip('.')} at {_host(error)} ({reason})"
    return f"{kind}: {text}"[:MOST_TEXT]


MOST_TEXT = 500
"""Characters kept of an error: some proxies answer with a whole page."""


def _host(error: Exception) -> str:
    """Who was asked, without the path."""
    try:
        url = getattr(getattr(error, "request", None), "url", None)
    except RuntimeError:  # the http library's way to say that there is none
        url = None
    return "the API" if url is None else f"{url.scheme}://{url.netloc.decode()}"


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


def _options(call: Call, client: Any) -> Any:
    """The client's own time-outs hold for each call, the deadline for all of them."""
    import httpx2

    own = httpx2.Timeout(client.timeout)
    parts = {
        name: call.timeout_s if limit is None else min(limit, call.timeout_s)
        for name, limit in own.as_dict().items()
    }
    return {"headers": call.body.all_headers(), "timeout": httpx2.Timeout(**parts)}


def _errors() -> tuple[type[Exception], ...]:
    """What a server or a network can do to a call; programming errors pass through."""
    import anthropic
    import httpx2

    return (
        anthropic.APIError,
        httpx2.HTTPError,
        httpx2.StreamError,
        OSError,
        ValueError,
        RecursionError,  # JSON nested beyond what can be read
    )


def _no_key(error: TypeError) -> Exception:
    """The client finds out about a missing key only when it calls, as a TypeError."""
    if "authentication" not in str(error):
        return error
    return ConfigError("no API key: set ANTHROPIC_API_KEY, or pass client=anthropic.Anthropic(…)")
