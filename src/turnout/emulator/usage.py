"""Usage objects, as the API reports them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from turnout.emulator.answers import Answer
from turnout.emulator.cache import PromptUsage
from turnout.emulator.facts import Model
from turnout.emulator.script import Refusal


@dataclass(frozen=True, slots=True)
class Pass:
    """One model's turn at a request."""

    model: Model
    body: dict[str, Any]
    prompt: PromptUsage
    answer: Answer
    refusal: Refusal | None = None

    def counts(self) -> dict[str, Any]:
        """Token counts of this pass."""
        return {
            "input_tokens": self.prompt.input_tokens,
            "cache_creation_input_tokens": self.prompt.written_5m + self.prompt.written_1h,
            "cache_read_input_tokens": self.prompt.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.prompt.written_5m,
                "ephemeral_1h_input_tokens": self.prompt.written_1h,
            },
            "output_tokens": self.answer.output_tokens,
        }


def usage_of(last: Pass, override: Mapping[str, Any]) -> dict[str, Any]:
    """Usage of the returned attempt, with what the script says in place of the truth."""
    usage = last.counts()
    usage["output_tokens_details"] = {"thinking_tokens": last.answer.thinking_tokens}
    usage["service_tier"] = "standard"
    usage["inference_geo"] = _place(last)
    usage["server_tool_use"] = None
    if last.model.fast or last.body.get("speed"):
        ignored = last.model.fast is not None and last.model.fast.ignored
        fast = last.body.get("speed") == "fast" and not ignored
        usage["speed"] = "fast" if fast else "standard"
    return _overridden(usage, override)


def _place(last: Pass) -> str:
    if not last.model.us_inference:
        return "not_available"
    return str(last.body.get("inference_geo") or "global")


def _overridden(usage: dict[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    plain = {k: v for k, v in override.items() if k not in ("thinking_tokens", SEARCHES)}
    usage.update(plain)
    if "cache_creation_input_tokens" in override and "cache_creation" not in override:
        usage["cache_creation"] = {
            "ephemeral_5m_input_tokens": override["cache_creation_input_tokens"],
            "ephemeral_1h_input_tokens": 0,
        }
    if "thinking_tokens" in override:
        usage["output_tokens_details"] = {"thinking_tokens": override["thinking_tokens"]}
    if SEARCHES in override:
        usage["server_tool_use"] = {SEARCHES: override[SEARCHES], "web_fetch_requests": 0}
    return usage


SEARCHES = "web_search_requests"


def iterations(passes: tuple[Pass, ...], *, sticky: bool) -> list[dict[str, Any]]:
    """One entry per pass; the last is a `fallback_message` when a fallback model served."""
    entries = []
    for index, one in enumerate(passes):
        fell_back = sticky or index > 0
        served = index == len(passes) - 1 and one.refusal is None
        kind = "fallback_message" if served and fell_back else "message"
        entries.append({"type": kind, "model": one.model.id, **one.counts()})
    return entries
