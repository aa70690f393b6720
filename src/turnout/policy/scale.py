"""Token estimates corrected by the ratio seen in real usage."""

from __future__ import annotations

from threading import Lock

PRIOR = 20.0
"""How many requests' worth of belief the estimate starts with: one odd request moves little."""

LEAST, MOST = 0.5, 2.0


class TokenScale:
    """Seen over estimated prompt tokens, per script, shrunk towards 1. Safe from many threads."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, float]] = {}
        self._lock = Lock()

    def get(self, script: str) -> float:
        """Factor for estimates of this script, 0.5..2."""
        ratio, weight = self._seen.get(script, (0.0, 0.0))
        return min(MOST, max(LEAST, (PRIOR + ratio) / (PRIOR + weight)))

    def learn(self, script: str, estimated: int, seen: int) -> None:
        """Take one request; estimates of nothing teach nothing.

        `estimated` is the estimate before correction.
        """
        if estimated <= 0 or seen <= 0:
            return
        ratio = min(4.0, max(0.25, seen / estimated))
        with self._lock:
            total, weight = self._seen.get(script, (0.0, 0.0))
            # The weight is capped so that a change of tokenizer is noticed within some hundreds.
            fade = min(1.0, 400.0 / (weight + 1.0))
            self._seen[script] = (total * fade + ratio, weight * fade + 1.0)
