"""The emulator: an ASGI app that answers as the API would, and keeps what it was asked."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from turnout.emulator import asgi
from turnout.emulator.cache import prompt_parts
from turnout.emulator.checks import Rules, check_request, check_window
from turnout.emulator.checks.conversation import check_ending
from turnout.emulator.checks.fields import check_version, parse_betas
from turnout.emulator.checks.model_rules import thinking_of
from turnout.emulator.credit import Credits, Redemption
from turnout.emulator.facts import VERSIONS, Model, load_models
from turnout.emulator.failure import ApiError
from turnout.emulator.limits import Limits
from turnout.emulator.message import build_message
from turnout.emulator.models_api import get_model, list_models
from turnout.emulator.replay import Replay
from turnout.emulator.reply import (
    Call,
    RecordedRequest,
    Reply,
    json_reply,
    plain_reply,
    status_of,
    stream_reply,
)
from turnout.emulator.script import Ask, Do, Rule, Script
from turnout.emulator.sse import events
from turnout.emulator.turn import Memory, Talk, converse, make_ask

if TYPE_CHECKING:
    import httpx2

LARGEST_BODY = 32 * 1024 * 1024
"""Bytes of the largest request body."""

SECRETS = ("x-api-key", "authorization", "proxy-authorization", "cookie")
ORGANIZATION = "org_emulator"


def utc_now() -> datetime:
    """The real time."""
    return datetime.now(UTC)


class Emulator:
    """A strict stand-in for the Claude API.

    `clock` and `seed` make it repeatable; `zero_retention` and `verified` say what kind of
    organisation asks; `bad_keys` are keys it turns away; `workspaces` maps keys to the
    workspace whose prompt cache they share (a key is its own workspace by default);
    `requests` holds the last `keep_requests` requests.
    """

    def __init__(
        self,
        script: Script | str | Path | Iterable[Rule | Mapping[str, Any]] | None = None,
        *,
        replay: Replay | None = None,
        clock: Callable[[], datetime] = utc_now,
        seed: int = 0,
        zero_retention: bool = False,
        verified: bool = True,
        bad_keys: Iterable[str] = ("bad-key",),
        workspaces: Mapping[str, str] | None = None,
        keep_requests: int = 10_000,
    ) -> None:
        self.script = _script(script)
        self.replay = replay
        self.clock = clock
        self.seed = seed
        self.zero_retention = zero_retention
        self.verified = verified
        self.bad_keys = frozenset(bad_keys)
        self.workspaces = dict(workspaces or {})
        self.keep_requests = keep_requests
        self.models = load_models()
        self.requests: list[RecordedRequest] = []
        self._count = 0
        self._memory = Memory()
        self._credits = Credits()
        self._limits = Limits()
        self._lock = threading.Lock()

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        await asgi.answer(self.handle, LARGEST_BODY, scope, receive, send)

    def reset(self) -> None:
        """Forget requests, cached prompts, credits and which rules have fired."""
        with self._lock:
            self.requests.clear()
            self.script.reset()
            self._memory.clear()
            self._credits.clear()
            self._limits.clear()
            self._count = 0

    def score(self, prompt: str, model: str) -> float | None:
        """The recorded score of a prompt (id or text) by a model, when replaying."""
        return self.replay.score(prompt, model) if self.replay else None

    def http_client(self) -> httpx2.Client:
        """A client that calls this emulator without a socket; for `anthropic.Anthropic`."""
        from turnout.emulator.clients import client

        return client(self)

    def async_http_client(self) -> httpx2.AsyncClient:
        """A client that calls this emulator without a socket; for `AsyncAnthropic`."""
        from turnout.emulator.clients import async_client

        return async_client(self)

    def handle(self, call: Call) -> Reply:
        """Answer one call; does no I/O, and may be called from any thread."""
        with self._lock:
            self._count += 1
            request_id = f"req_{_digest(self.seed, self._count)[:24]}"
            record = _record(call, request_id)
            self.requests.append(record)
            del self.requests[: -self.keep_requests]
            try:
                reply = self._route(call, record)
            except ApiError as error:
                record.error = error.message
                headers = {**self._headers(record), **error.headers}
                reply = json_reply(error.status, error.document(request_id), headers)
            if call.method == "HEAD":
                reply.chunks = ()
            record.status, reply.record = reply.status, record
            return reply

    def _headers(self, record: RecordedRequest) -> dict[str, str]:
        known = {"request-id": record.request_id, "anthropic-organization-id": ORGANIZATION}
        return {**known, **self._limits.headers(self.clock())}

    def _route(self, call: Call, record: RecordedRequest) -> Reply:
        path = call.path.rstrip("/") or "/"
        if path in ("/", "/api/hello") and call.method in ("HEAD", "GET"):
            return Reply(200, {"content-length": "0"})
        method = "POST" if path in ("/v1/messages", "/v1/messages/count_tokens") else "GET"
        if method == "GET" and path != "/v1/models" and not path.startswith("/v1/models/"):
            raise ApiError(404, "Not found")
        if call.method != method:
            raise ApiError(405, "Method Not Allowed", headers={"allow": method})
        rules, key = self._admit(call)
        if method == "GET":
            self._scripted(Ask(path, headers=call.headers))
            named = unquote(path.removeprefix("/v1/models").lstrip("/"))
            found = get_model(named, rules) if named else list_models(call.query, rules)
            return json_reply(200, found, self._headers(record))
        body = record.body = _parse(call.body)
        if path.endswith("/count_tokens"):
            return self._count_tokens(body, rules, call, record)
        return self._messages(body, rules, call, key, record)

    def _admit(self, call: Call) -> tuple[Rules, str]:
        """Check key and version; what the request is judged by, and its key."""
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        key = call.headers.get("x-api-key") or (token if scheme.lower() == "bearer" else "")
        if not key.strip():
            raise ApiError(401, "x-api-key header is required")
        if key in self.bad_keys:
            raise ApiError(401, "invalid x-api-key")
        version = check_version(call.headers.get("anthropic-version"), VERSIONS)
        betas = parse_betas(call.headers.get("anthropic-beta", ""))
        now = self.clock()
        return Rules(self.models, version, betas, now, self.zero_retention, self.verified), key

    def _scripted(self, ask: Ask) -> Do:
        """What the script says; raises when it says to fail."""
        do = self.script.pick(ask)
        if do.error:
            failure = do.error
            raise ApiError(
                failure.status,
                failure.message,
                kind=failure.type,
                details=failure.details,
                headers={**do.headers, **failure.headers},
            )
        return do

    def _count_tokens(self, body: Any, rules: Rules, call: Call, record: RecordedRequest) -> Reply:
        model = check_request(body, rules, counting=True)
        self._scripted(make_ask("/v1/messages/count_tokens", body, model, call.headers))
        count = {"input_tokens": prompt_parts(body, model)[-1].tokens}
        record.response = count
        return json_reply(200, count, self._headers(record))

    def _messages(
        self, body: Any, rules: Rules, call: Call, key: str, record: RecordedRequest
    ) -> Reply:
        model = check_request(body, rules)
        parts = prompt_parts(body, model)
        check_window(parts[-1].tokens, body, model)
        scope = self.workspaces.get(key, key)
        credit = self._redeem(body, scope, model, rules)
        do = self._scripted(make_ask("/v1/messages", body, model, call.headers))
        talk = self._talk(rules, scope, call)
        turn = converse(body, model, parts, do, talk, credit)
        message = build_message(
            turn,
            body,
            f"msg_{_digest(self.seed, self._count, 'message')[:24]}",
            talk,
            rules.betas,
            self._credits,
            credit,
        )
        record.response = message
        self._limits.spend(rules.now, message["usage"])
        if not body.get("stream"):
            if do.error_after:
                raise ApiError(status_of(do.error_after.type), do.error_after.message)
            return plain_reply(message, do, self._headers(record))
        return stream_reply(events(message, turn.passes[0]), do, self._headers(record))

    def _redeem(self, body: Any, scope: str, model: Model, rules: Rules) -> Redemption | None:
        credit = self._credits.redeem(body, scope, model, rules.betas, rules.now)
        if credit and not credit.continues:
            thinking = thinking_of(body, model) in ("adaptive", "enabled")
            check_ending(body["messages"], model, thinking=thinking)
        return credit

    def _talk(self, rules: Rules, scope: str, call: Call) -> Talk:
        recorded = self.replay.answer if self.replay else lambda prompt, model: None
        return Talk(
            self.models,
            self.script,
            self._memory,
            rules.now,
            scope,
            call.headers,
            self.seed,
            recorded,
        )


def _script(given: Script | str | Path | Iterable[Rule | Mapping[str, Any]] | None) -> Script:
    if isinstance(given, Script):
        return given
    return Script.load(given) if isinstance(given, str | Path) else Script(given or ())


def _record(call: Call, request_id: str) -> RecordedRequest:
    headers = {k: "[redacted]" if k in SECRETS else v for k, v in call.headers.items()}
    return RecordedRequest(
        call.method, call.path, call.query, headers, call.body, request_id=request_id
    )


def _parse(raw: bytes) -> Any:
    if len(raw) > LARGEST_BODY:
        raise ApiError(413, "Request exceeds the maximum size")
    try:
        return json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, f"The request body is not valid JSON: {error}") from error


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _digest(*values: object) -> str:
    return hashlib.sha256(json.dumps(values, default=str).encode()).hexdigest()
