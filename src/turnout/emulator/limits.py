"""Rate-limit headers: per-minute allowances that are counted down, never enforced."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

ALLOWANCES = {
    "requests": 4000,
    "tokens": 2_800_000,
    "input-tokens": 2_000_000,
    "output-tokens": 800_000,
}
"""How much of each an organisation may use in a minute."""

MINUTE = timedelta(minutes=1)


class Limits:
    """What was used in the current minute."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Start over."""
        self._start: datetime | None = None
        self._used = dict.fromkeys(ALLOWANCES, 0)

    def spend(self, now: datetime, usage: Mapping[str, Any]) -> None:
        """Count a request; cache reads do not count as input."""
        self._roll(now)
        sent = usage["input_tokens"] + usage["cache_creation_input_tokens"]
        made = usage["output_tokens"]
        for name, amount in zip(ALLOWANCES, (1, sent + made, sent, made), strict=True):
            self._used[name] += amount

    def headers(self, now: datetime) -> dict[str, str]:
        """The `anthropic-ratelimit-…` headers as of `now`."""
        self._roll(now)
        reset = ((self._start or now) + MINUTE).strftime("%Y-%m-%dT%H:%M:%SZ")
        found = {}
        for name, limit in ALLOWANCES.items():
            prefix = f"anthropic-ratelimit-{name}"
            found[f"{prefix}-limit"] = str(limit)
            found[f"{prefix}-remaining"] = str(max(0, limit - self._used[name]))
            found[f"{prefix}-reset"] = reset
        return found

    def _roll(self, now: datetime) -> None:
        if self._start is None or now >= self._start + MINUTE:
            self.clear()
            self._start = now
