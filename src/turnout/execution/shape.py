"""One request fitted to one model, from the catalog's abilities.

A caller's own field is kept if the target accepts it and adapted with a reason if not; nothing
is dropped in silence. `messages` are passed on as they are, thinking and tool history included.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from turnout.catalog.model import EFFORTS, Model
from turnout.errors import InvalidRequest
from turnout.execution import caching
from turnout.types import Effort, Reason, Request

MAX_TOKENS = 64_000
"""Answer limit when the caller sets none: room for thinking, which spends from it too."""

STREAM_ABOVE = 21_333
"""The vendor's client refuses plain calls with a larger `max_tokens`: they may take over ten
minutes (60 minutes per 128,000 tokens)."""

SAMPLING = ("temperature", "top_p", "top_k")
SAMPLING_VERSION = "2023-06-01"
"""The API version on which some models still take sampling fields."""

FALLBACK_BETA = "server-side-fallback-2026-07-01"
CREDIT_BETA = "fallback-credit-2026-07-01"


class Body(dict[str, Any]):
    """A Messages body ready to send, with what goes beside it.

    `headers` are extra HTTP headers, `betas` the beta names, `changes` what was adapted and why.
    """

    def __init__(self, fields: Mapping[str, Any] = ()) -> None:  # type: ignore[assignment]
        super().__init__(fields)
        self.headers: dict[str, str] = {}
        self.betas: list[str] = []
        self.changes: list[Reason] = []

    def adapt(self, field: str, text: str, before: object = None, after: object = None) -> None:
        """Note that a field of the caller's was adapted."""
        self.changes.append(Reason(f"shape.{field}", text, _show(before), _show(after)))

    def all_headers(self) -> dict[str, str]:
        """The extra headers, betas included."""
        if not self.betas:
            return dict(self.headers)
        return {**self.headers, "anthropic-beta": ",".join(dict.fromkeys(self.betas))}


@dataclass(frozen=True, slots=True)
class Fitting:
    """What shaping needs to know besides the request."""

    model: Model
    effort: Effort
    at: datetime
    input_tokens: int
    """Estimated prompt size, to keep max_tokens inside the window."""

    turns: int = 1
    in_tool_loop: bool = False
    rescuers: tuple[str, ...] = ()
    """Models that the API may fall back to on a refusal: those allowed for this request."""

    server_fallbacks: bool = True
    """False leaves falling back to the client."""

    cache_ttl: str | None = None
    """`5m` or `1h` to mark the stable prefix; None leaves caching to the caller."""

    credit_token: str | None = None
    """Redeems the cache loss of a refusal; needs an otherwise identical body."""


def shape(request: Request, fit: Fitting) -> Body:
    """The body to send to `fit.model`. Raises InvalidRequest for fields of the wrong kind."""
    _check_kinds(request.options)
    body = Body({"model": fit.model.id})
    body["max_tokens"] = 0
    body["messages"] = list(request.messages)
    if request.system is not None:
        body["system"] = request.system
    if request.tools:
        body["tools"] = list(request.tools)
    body.update(request.options)
    body.betas = list(body.pop("betas", ()))
    body.headers = dict(body.pop("extra_headers", {}))
    _metadata(body, request)
    for step in (_max_tokens, _effort, _thinking, _sampling, _tool_choice, _messages, _speed):
        step(body, request, fit)
    _fallbacks(body, fit)
    if fit.cache_ttl and not caching.marked(request):
        caching.mark(body, fit.turns > 1 or fit.in_tool_loop, fit.cache_ttl)
    return body


def _check_kinds(options: Mapping[str, Any]) -> None:
    """What shaping looks into must be what the API says it is."""
    for name in ("thinking", "tool_choice", "output_config", "extra_headers"):
        if name in options and not isinstance(options[name], Mapping):
            raise InvalidRequest(name, f"{options[name]!r} is not a mapping")
    betas = options.get("betas", ())
    if isinstance(betas, str) or not isinstance(betas, Iterable) or not _all_text(betas):
        raise InvalidRequest("betas", f"{betas!r} is not a list of names")


def _all_text(names: Iterable[Any]) -> bool:
    return all(isinstance(name, str) for name in names)


def _metadata(body: Body, request: Request) -> None:
    """Only `user_id` goes upstream: any other key is a 400, and the rest is for routing."""
    if user := request.metadata.get("user_id"):
        body["metadata"] = {"user_id": user}
    if kept := sorted(str(name) for name in request.metadata if name != "user_id"):
        body.adapt("metadata", "the API takes only user_id; kept for routing", ", ".join(kept))


def _max_tokens(body: Body, request: Request, fit: Fitting) -> None:
    limit = fit.model.max_output_tokens or MAX_TOKENS
    wanted = request.max_tokens or min(MAX_TOKENS, limit)
    room = limit
    if fit.model.context_window is not None:
        room = max(1, min(limit, fit.model.context_window - fit.input_tokens))
    body["max_tokens"] = min(wanted, room)
    if request.max_tokens and request.max_tokens > room:
        why = "over the model's output limit" if wanted > limit else "window would overflow"
        body.adapt("max_tokens", why, wanted, room)


def _effort(body: Body, request: Request, fit: Fitting) -> None:
    """The caller's own effort wins; one the model does not know becomes the next below."""
    config = dict(body.get("output_config") or {})
    wanted = config.pop("effort", None)
    effort = wanted or fit.effort
    if wanted is None and effort is not None:
        effort = _affordable(body, effort, request)
    if effort is not None and not fit.model.accepts_effort(effort):
        lower = _known_effort(effort, fit.model)
        if wanted:
            text = "takes no effort" if lower is None else "does not know this effort"
            body.adapt("effort", f"{fit.model.id} {text}", wanted, lower)
        effort = lower
    if effort is not None:
        config["effort"] = effort
    if config:
        body["output_config"] = config
    else:
        body.pop("output_config", None)


THINKING_ROOM = {"low": 0, "medium": 2_000, "high": 6_000, "xhigh": 16_000, "max": 32_000}
"""Answer tokens an effort should have: thinking spends from max_tokens, and what it leaves is
the answer. The documented trap is a small limit at a high effort, which ends in no text at all."""


def _affordable(body: Body, effort: str, request: Request) -> str:
    """The chosen effort, or the highest below it that the caller's max_tokens leaves room for."""
    if request.max_tokens is None or THINKING_ROOM[effort] <= body["max_tokens"]:
        return effort
    fits = [e for e in EFFORTS if THINKING_ROOM[e] <= body["max_tokens"]]
    lower = min(fits[-1], effort, key=EFFORTS.index)
    text = f"max_tokens {body['max_tokens']:,} leaves no room to think at {effort}"
    body.adapt("effort", text, effort, lower)
    return lower


def _known_effort(effort: str, model: Model) -> str | None:
    if effort not in EFFORTS:
        return model.effort_default
    below = [e for e in model.efforts if EFFORTS.index(e) <= EFFORTS.index(effort)]
    return below[-1] if below else None


def _thinking(body: Body, request: Request, fit: Fitting) -> None:
    asked, model = body.get("thinking"), fit.model
    if asked is None:
        if _should_think(body, fit):
            body["thinking"] = {"type": "adaptive"}
        return
    kind, kept = asked.get("type"), asked
    if why := _no_room(kind, body, model):
        body.adapt("thinking", why, kind)
        kept = None
    elif kind not in model.thinking:
        kept = _other_thinking(kind, asked, body, model)
        why = f"{model.id} does not take thinking {kind}"
        body.adapt("thinking", why, kind, kept and kept["type"])
    elif kind == "enabled":
        kept = _budget(asked, body)
    if kept is None:
        del body["thinking"]
        return
    body["thinking"] = kept
    _cap_effort(body, kept["type"], model)


def _cap_effort(body: Body, kind: str, model: Model) -> None:
    """Some thinking goes only with some efforts."""
    effort = (body.get("output_config") or {}).get("effort")
    if model.thinking_allowed(kind, effort):
        return
    limit = model.thinking_up_to[kind]
    body["output_config"] = {**(body.get("output_config") or {}), "effort": limit}
    body.adapt("effort", f"thinking {kind} goes with at most {limit}", effort, limit)


def _no_room(kind: str, body: Body, model: Model) -> str | None:
    """Why an answer cannot begin with thinking; None when it can."""
    if kind not in ("enabled", "adaptive"):
        return None
    if kind == "enabled" and kind in model.thinking and body["max_tokens"] <= LEAST_BUDGET:
        return f"max_tokens {body['max_tokens']:,} leaves no room for it"
    last = body["messages"][-1]
    begun = last["content"] if _prefilled(last) and "prefill" in model.abilities else ()
    if begun and (isinstance(begun, str) or begun[0]["type"] == "text"):
        return "an answer that is begun with text cannot think first"
    return None


def _should_think(body: Body, fit: Fitting) -> bool:
    """Some models do not think unless told to; an effort without thinking is wasted on them.

    Inside a tool loop an older turn without thinking must stay so, and a forced tool leaves no
    room for it.
    """
    model = fit.model
    if model.thinking_default != "off" or "adaptive" not in model.thinking or not model.efforts:
        return False
    if model.sampling and any(name in body for name in SAMPLING):
        return False  # thinking would cost the caller those
    return fit.effort is not None and not fit.in_tool_loop and not _forced(body)


def _other_thinking(
    kind: str | None, asked: Mapping[str, Any], body: Body, model: Model
) -> dict[str, Any] | None:
    """The nearest thinking that the model accepts; None to leave the field out."""
    if kind in ("disabled", "between_tools"):
        return {"type": "disabled"} if "disabled" in model.thinking else None
    if "adaptive" in model.thinking:
        kept = {"display": asked["display"]} if "display" in asked else {}
        return {"type": "adaptive", **kept}
    if "enabled" in model.thinking and body["max_tokens"] > LEAST_BUDGET:
        return _budget({"type": "enabled", "budget_tokens": body["max_tokens"] // 2}, body)
    return None


LEAST_BUDGET = 1024
"""The smallest thinking budget that the API takes."""


def _budget(asked: Mapping[str, Any], body: Body) -> dict[str, Any]:
    """A thinking budget from 1,024 tokens to below max_tokens, as the API demands.

    One that would take all is halved: the answer needs room too.
    """
    wanted, limit = asked.get("budget_tokens") or LEAST_BUDGET, body["max_tokens"]
    kept = max(LEAST_BUDGET, wanted if wanted < limit else limit // 2)
    if "budget_tokens" in asked and kept != wanted:
        body.adapt("thinking", "budget_tokens must be from 1,024 to max_tokens", wanted, kept)
    return {**asked, "budget_tokens": kept}


def _sampling(body: Body, request: Request, fit: Fitting) -> None:
    used = [name for name in SAMPLING if name in body]
    if not used:
        return
    thinks = (body.get("thinking") or {}).get("type") in ("enabled", "adaptive")
    if SAMPLING_VERSION in fit.model.sampling and not thinks:
        body.headers["anthropic-version"] = SAMPLING_VERSION
        return
    why = "thinking leaves it fixed" if thinks else f"{fit.model.id} takes no sampling fields"
    for name in used:
        body.adapt(name, why, body.pop(name))


def _tool_choice(body: Body, request: Request, fit: Fitting) -> None:
    if not _forced(body):
        return
    choice = body["tool_choice"]
    if "forced_tool" not in fit.model.abilities:
        body["tool_choice"] = {k: v for k, v in choice.items() if k != "name"} | {"type": "auto"}
        body.adapt("tool_choice", f"{fit.model.id} cannot be forced", choice["type"], "auto")
    elif (body.get("thinking") or {}).get("type") in ("enabled", "adaptive"):
        body.adapt("thinking", "a forced tool leaves no room for it", body["thinking"]["type"])
        del body["thinking"]


def _forced(body: Body) -> bool:
    return (body.get("tool_choice") or {}).get("type") in ("any", "tool")


def _messages(body: Body, request: Request, fit: Fitting) -> None:
    """A prefill or a system message where the model takes none; earlier bytes stay."""
    messages: list[Any] = body["messages"]
    if _prefilled(messages[-1]) and "prefill" not in fit.model.abilities:
        text = "Continue your last message from where it stops, without repeating it."
        messages.append({"role": "user", "content": text})
        body.adapt("messages", f"{fit.model.id} takes no prefill; asked to continue instead")
    if "system_messages" in fit.model.abilities:
        return
    for number, message in enumerate(messages):
        if message["role"] == "system":
            messages[number] = {**message, "role": "user"}
            body.adapt(f"messages[{number}].role", "no system messages here", "system", "user")


def _prefilled(last: Mapping[str, Any]) -> bool:
    """True for an answer begun by the caller; a paused turn of server tools is none."""
    if last["role"] != "assistant":
        return False
    if isinstance(last["content"], str) or not last["content"]:
        return True
    return last["content"][-1]["type"] in ("text", "thinking", "redacted_thinking")


def _speed(body: Body, request: Request, fit: Fitting) -> None:
    if body.get("speed") != "fast":
        return
    price = fit.model.price(fit.at)
    fast = price.fast if price else None
    if fast is None or (fast.until and fit.at.date() >= fast.until):
        body.adapt("speed", f"{fit.model.id} has no fast mode", body.pop("speed"))
    elif fast.beta:
        body.betas.append(fast.beta)


def _fallbacks(body: Body, fit: Fitting) -> None:
    """Server-side fallbacks, or a credit for the refusal that a client-side one follows."""
    own = body.get("fallbacks")
    if fit.credit_token:
        if own is not None:
            body.adapt("fallbacks", "a fallback credit is redeemed instead", body.pop("fallbacks"))
        body["fallback_credit_token"] = {"token": fit.credit_token, "mode": "best_effort"}
        body.betas.append(CREDIT_BETA)
    elif own is not None:
        _own_fallbacks(body, own, fit)
    elif fit.server_fallbacks and fit.rescuers:
        body["fallbacks"] = [{"model": name} for name in fit.rescuers]
        body.betas.append(FALLBACK_BETA)
    else:
        body.betas.append(CREDIT_BETA)


def _own_fallbacks(body: Body, own: Any, fit: Fitting) -> None:
    """The caller's own list, without targets that may not answer this request."""
    every = [{"model": name} for name in fit.model.fallback_targets]
    given = every if own == "default" else list(own)
    kept = [entry for entry in given if entry.get("model") in fit.rescuers]
    if kept != given:
        allowed = ", ".join(fit.rescuers) or "nothing"
        body.adapt(
            "fallbacks", f"{fit.model.id} may fall back to {allowed} here", own, kept or None
        )
    if kept != given or own != "default":
        if not kept:
            del body["fallbacks"]
            return
        body["fallbacks"] = kept
    body.betas.append(FALLBACK_BETA)


def _show(value: object) -> str | None:
    return None if value is None else str(value)
