"""The Messages format: a caller's input to a Request, an answer to Usage and text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from turnout.errors import InvalidRequest
from turnout.types import Iteration, Json, Request, Usage

ROLES = ("user", "assistant", "system")
_OWN_FIELDS = frozenset({"messages", "system", "tools", "max_tokens", "metadata"})
_ROUTED_FIELDS = frozenset({"model", "stream"})


def read_request(
    given: object,
    *,
    system: Any = None,
    tools: Sequence[Mapping[str, Any]] | None = None,
    max_tokens: int | None = None,
    metadata: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Request:
    """A Request from a prompt, a list of messages, a Messages body or a Request.

    `model` and `stream` of a body are the router's to choose and are left aside.
    The keyword arguments replace what the input says. Raises InvalidRequest that names the
    field: nothing to answer, wrong types, unknown roles, limits that are not whole numbers
    above zero.
    """
    request = _body(given)
    beside: dict[str, Any] = {}
    if system is not None:
        beside["system"] = _system(system)
    if tools is not None:
        beside["tools"] = _tools(tools)
    if max_tokens is not None:
        beside["max_tokens"] = limit("max_tokens", max_tokens)
    if metadata is not None:
        beside["metadata"] = _metadata(metadata)
    if options:
        beside["options"] = {**request.options, **_extra(options)}
    if beside:
        request = replace(request, **beside)
    for message in request.messages:
        if _has_content(message):
            return request
    raise InvalidRequest("messages", "there is nothing to answer: no message has any content")


def check_sendable(request: Request) -> None:
    """Raise InvalidRequest for what no JSON can carry: lone surrogates, NaN, foreign objects."""
    body = [request.messages, request.system, request.tools, dict(request.options)]
    try:
        json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        text = "holds a lone surrogate, which cannot be sent"
        raise InvalidRequest("messages", text) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequest("request", f"cannot be sent as JSON: {error}") from error


def _extra(options: object) -> dict[str, Any]:
    """`options=`, which holds fields that have no argument of their own."""
    if not isinstance(options, Mapping):
        raise InvalidRequest("options", f"{_kind(options)} is not a mapping")
    for name in options:
        if name in _OWN_FIELDS:
            raise InvalidRequest(f"options.{name}", f"give it as {name}=")
        if name in _ROUTED_FIELDS:
            raise InvalidRequest(f"options.{name}", "is Turnout's to choose")
    return dict(options)


def _options(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are passed on: all but those of a Request's own and the routed ones."""
    return {k: v for k, v in fields.items() if k not in _OWN_FIELDS and k not in _ROUTED_FIELDS}


def _body(given: object) -> Request:
    if isinstance(given, Request):
        return _checked(given)
    if isinstance(given, str):
        return Request(messages=({"role": "user", "content": given},))
    if isinstance(given, Mapping):
        return _mapping(given)
    if isinstance(given, Iterable) and not isinstance(given, (bytes, bytearray)):
        return Request(messages=_messages(list(given)))
    raise InvalidRequest(
        "request",
        f"{_kind(given)} cannot be routed; give text, a list of messages, "
        "a Messages body or a turnout.Request",
    )


def _checked(given: Request) -> Request:
    """A Request that the caller made is held to the same rules."""
    return Request(
        messages=_messages(given.messages),
        system=_system(given.system),
        tools=_tools(given.tools),
        max_tokens=None if given.max_tokens is None else limit("max_tokens", given.max_tokens),
        metadata=_metadata(given.metadata),
        options=_extra(given.options),
    )


def _mapping(body: Mapping[str, Any]) -> Request:
    if "role" in body and "content" in body:
        raise InvalidRequest("request", "this is one message; give a list: [message]")
    if "messages" not in body:
        raise InvalidRequest("messages", "missing; a Messages body needs it")
    return Request(
        messages=_messages(body["messages"]),
        system=_system(body.get("system")),
        tools=_tools(body.get("tools") or ()),
        max_tokens=limit("max_tokens", body["max_tokens"]) if "max_tokens" in body else None,
        metadata=_metadata(body.get("metadata") or {}),
        options=_options(body),
    )


def _messages(raw: object) -> tuple[Mapping[str, Any], ...]:
    if isinstance(raw, (str, bytes, Mapping)) or not isinstance(raw, Iterable):
        raise InvalidRequest("messages", f"{_kind(raw)} is not a list of messages")
    messages = tuple(_plain(message) for message in raw)
    for number, message in enumerate(messages):
        _check_message(message, f"messages[{number}]")
    return messages


def _plain(message: Any) -> Any:
    """The message with the SDK's own objects, as in `response.content`, made plain JSON."""
    content = message.get("content") if isinstance(message, Mapping) else None
    if not isinstance(content, (list, tuple)) or all(isinstance(b, Mapping) for b in content):
        return message
    return {**message, "content": [_plain_block(block) for block in content]}


def _plain_block(block: Any) -> Any:
    dump = getattr(block, "model_dump", None)
    return dump(mode="json", by_alias=True, exclude_unset=True) if dump else block


def _check_message(message: object, where: str) -> None:
    if not isinstance(message, Mapping):
        raise InvalidRequest(where, f"{_kind(message)} is not a message with role and content")
    role = message.get("role")
    if role not in ROLES:
        raise InvalidRequest(f"{where}.role", f"{role!r} is not one of {', '.join(ROLES)}")
    _check_content(message.get("content"), f"{where}.content")


def _check_content(content: object, where: str) -> None:
    if isinstance(content, str):
        return
    if not isinstance(content, Iterable) or isinstance(content, (bytes, bytearray, Mapping)):
        raise InvalidRequest(where, f"{_kind(content)} is neither text nor blocks")
    if not isinstance(content, (list, tuple)):
        raise InvalidRequest(where, "blocks must be a list, so they can be sent twice")
    for spot, block in enumerate(content):
        _check_block(block, f"{where}[{spot}]")


def _check_block(block: object, where: str) -> None:
    if not isinstance(block, Mapping) or not isinstance(block.get("type"), str):
        raise InvalidRequest(where, f"{_kind(block)} is not a content block with a type")
    if block["type"] == "text" and not isinstance(block.get("text"), str):
        raise InvalidRequest(f"{where}.text", f"{_kind(block.get('text'))} is not text")
    if block["type"] == "tool_result" and block.get("content") is not None:
        _check_content(block["content"], f"{where}.content")


def _has_content(message: Mapping[str, Any]) -> bool:
    if message["role"] == "system":
        return False
    content = message["content"]
    if isinstance(content, str):
        return bool(content.strip())
    return any(block["type"] != "text" or bool(block["text"].strip()) for block in content)


def _system(raw: object) -> Any:
    if raw is None or isinstance(raw, str):
        return raw
    if not isinstance(raw, (list, tuple)):
        raise InvalidRequest("system", f"{_kind(raw)} is neither text nor a list of text blocks")
    for spot, block in enumerate(raw):
        _check_block(block, f"system[{spot}]")
    return list(raw)


def _tools(raw: object) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(raw, Iterable) or isinstance(raw, (str, bytes, Mapping)):
        raise InvalidRequest("tools", f"{_kind(raw)} is not a list of tools")
    tools = tuple(raw)
    for number, tool in enumerate(tools):
        if not isinstance(tool, Mapping):
            raise InvalidRequest(f"tools[{number}]", f"{_kind(tool)} is not a tool")
    return tools


def _metadata(raw: object) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise InvalidRequest("metadata", f"{_kind(raw)} is not a mapping")
    return raw


def limit(field: str, value: object) -> int:
    """A whole number above zero, or InvalidRequest naming the field."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidRequest(field, f"{value!r} must be a whole number above zero")
    return value


def _kind(value: object) -> str:
    if value is None:
        return "nothing"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


# -- answers -------------------------------------------------------------------------------


def read_usage(raw: Mapping[str, Any] | None) -> Usage:
    """The API's `usage` as ours; missing counts are 0."""
    raw = raw or {}
    server_tools = raw.get("server_tool_use") or {}
    iterations = tuple(
        Iteration(item.get("type", "message"), item.get("model"), read_usage(item))
        for item in raw.get("iterations") or ()
    )
    writes_5m, writes_1h = _cache_writes(raw)
    return Usage(
        input_tokens=raw.get("input_tokens") or 0,
        output_tokens=raw.get("output_tokens") or 0,
        cache_write_5m_tokens=writes_5m,
        cache_write_1h_tokens=writes_1h,
        cache_read_tokens=raw.get("cache_read_input_tokens") or 0,
        web_searches=server_tools.get("web_search_requests") or 0,
        batch=raw.get("service_tier") == "batch",
        fast=raw.get("speed") == "fast",
        us_only=raw.get("inference_geo") == "us",
        iterations=iterations,
        fallback_credit=_credit(raw.get("fallback_credit")),
    )


def _cache_writes(raw: Mapping[str, Any]) -> tuple[int, int]:
    """5-minute and 1-hour writes; a total without its split is 5-minute, the default TTL."""
    total = raw.get("cache_creation_input_tokens") or 0
    split = raw.get("cache_creation") or {}
    if not split:
        return total, 0
    return (
        split.get("ephemeral_5m_input_tokens") or 0,
        split.get("ephemeral_1h_input_tokens") or 0,
    )


def _credit(raw: Mapping[str, Any] | None) -> str | None:
    status = (raw or {}).get("status")
    if not status:
        return None
    reason = status.get("reason")
    return f"{status['type']}: {reason}" if reason else str(status["type"])


def text_of(message: Mapping[str, Any]) -> str:
    """All text blocks of an answer, joined; thinking and tool use left aside."""
    return "".join(
        block["text"] for block in message.get("content") or () if block.get("type") == "text"
    )


def add_usage(first: Usage, second: Usage) -> Usage:
    """Two usages as one; iterations are kept side by side."""
    return Usage(
        input_tokens=first.input_tokens + second.input_tokens,
        output_tokens=first.output_tokens + second.output_tokens,
        cache_write_5m_tokens=first.cache_write_5m_tokens + second.cache_write_5m_tokens,
        cache_write_1h_tokens=first.cache_write_1h_tokens + second.cache_write_1h_tokens,
        cache_read_tokens=first.cache_read_tokens + second.cache_read_tokens,
        web_searches=first.web_searches + second.web_searches,
        batch=first.batch or second.batch,
        fast=first.fast or second.fast,
        us_only=first.us_only or second.us_only,
        iterations=first.iterations + second.iterations,
        fallback_credit=second.fallback_credit or first.fallback_credit,
    )


def billed_usage(usage: Usage) -> Usage:
    """All tokens of an answer: the sum of its iterations, or the usage itself.

    With a fallback the top-level counts cover only the returned attempt.
    """
    if not usage.iterations:
        return usage
    total = Usage()
    for item in usage.iterations:
        total = add_usage(total, item.usage)
    return Usage(
        **{name: getattr(total, name) for name in _COUNTS},
        web_searches=usage.web_searches,
        batch=usage.batch,
        fast=usage.fast,
        us_only=usage.us_only,
        iterations=usage.iterations,
        fallback_credit=usage.fallback_credit,
    )


_COUNTS = (
    "input_tokens",
    "output_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "cache_read_tokens",
)


def served_by(message: Mapping[str, Any]) -> str | None:
    """Who answered: the fallback iteration if there is one, else the top-level model."""
    for item in reversed((message.get("usage") or {}).get("iterations") or ()):
        if item.get("type") == "fallback_message" and item.get("model"):
            return str(item["model"])
    model = message.get("model")
    return None if model is None else str(model)


class Assembly:
    """An answer put together from stream events: what a plain call would have returned."""

    def __init__(self) -> None:
        self.message: Json = {}
        self.complete = False
        # Deltas are joined once, when a block ends: adding to a growing text is quadratic.
        self._open: dict[int, dict[str, list[str]]] = {}

    def add(self, event: Mapping[str, Any]) -> str:
        """Take one event; returns the text it adds to the answer."""
        kind = event["type"]
        if kind == "message_start":
            self.message = {**event["message"], "content": list(event["message"]["content"] or ())}
        elif kind == "content_block_start":
            self.message["content"].append(dict(event["content_block"]))
        elif kind == "content_block_delta":
            return self._delta(event["index"], event["delta"])
        elif kind == "content_block_stop":
            self._close(event["index"])
        elif kind == "message_delta":
            self.message.update(event["delta"])
            usage = {k: v for k, v in (event.get("usage") or {}).items() if v is not None}
            self.message["usage"] = {**(self.message.get("usage") or {}), **usage}
        elif kind == "message_stop":
            self.complete = True
        return ""

    def close(self) -> Json:
        """The message so far, with blocks that a broken stream left open put together too."""
        for index in list(self._open):
            self._close(index)
        return self.message

    def _delta(self, index: int, delta: Mapping[str, Any]) -> str:
        name = _DELTAS.get(delta["type"])
        if name is not None:
            self._open.setdefault(index, {}).setdefault(name, []).append(delta[name])
        elif delta["type"] == "citations_delta":
            block = self.message["content"][index]
            block["citations"] = [*(block.get("citations") or ()), delta["citation"]]
        return str(delta["text"]) if name == "text" else ""

    def _close(self, index: int) -> None:
        block = self.message["content"][index]
        for name, parts in self._open.pop(index, {}).items():
            if name == "partial_json":
                block["input"] = _read_json("".join(parts))
            else:
                block[name] = block.get(name, "") + "".join(parts)


_DELTAS = {
    "text_delta": "text",
    "input_json_delta": "partial_json",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
}


def _read_json(text: str) -> Any:
    """Tool input; what a broken stream cut off is kept as text rather than lost."""
    try:
        return json.loads(text) if text else {}
    except ValueError:
        return {"partial_json": text}
