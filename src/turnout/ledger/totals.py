"""Running totals: what reports add up instead of reading every request.

A request contributes to one cell an hour and one a day; a cell is one combination of the
things a report can group or price by. Ingest takes the old contribution of a request away and
adds the new one, so the totals always equal the sum over the `requests` table.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from math import exp, log
from operator import add, itemgetter, sub
from typing import Any

import msgspec

from turnout.ledger.records import ANSWER_TOKENS, TOKENS

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

DIMENSIONS = (
    "tier",
    "model",
    "provider",
    "effort",
    "classifier",
    "source",
    "key",
    "experiment",
    "arm",
    "status",
    "served_by",
    "served_tier",
    "answer_model",
    "speed",
)
"""What a cell is told apart by, besides the size of the answer's prompt and being priced."""

SIZE, PRICED = len(DIMENSIONS), len(DIMENSIONS) + 1

MEASURES = (
    "requests",
    "decided",
    "finished",
    "answered",
    "escalated",
    "validator_escalated",
    "fallback",
    "attempts",
    "cost_pico",
    "classifier_pico",
    "latency_n",
    "latency_us",
    "ttft_n",
    "ttft_us",
    *TOKENS,
    *ANSWER_TOKENS,
    "rated",
    "scored",
    "score_ppm",
    "judged",
    "succeeded",
)
"""The sums of a cell. Only append: stored cells are lists in this order."""

INDEX = {name: number for number, name in enumerate(MEASURES)}

_RATIO = 1.3
SIZES = tuple(
    sorted(
        round(limit * factor)
        for limit in (100_000, 128_000, 200_000, 256_000, 272_000, 1_000_000)
        for factor in (1 / _RATIO, 1, _RATIO)
    )
)
"""Prompt sizes in tokens where some model's long card may begin or its window end, seen from
either tokenizer."""

_STEP = log(1.02)

Cell = tuple[Any, ...]


class Sums(msgspec.Struct, array_like=True):
    """The sums of one cell, and how its latencies and scores are spread."""

    counts: list[int] = msgspec.field(default_factory=lambda: [0] * len(MEASURES))
    latency: dict[int, int] = msgspec.field(default_factory=dict)
    """Answers by `bucket(latency_us)`."""

    ttft: dict[int, int] = msgspec.field(default_factory=dict)
    scores: dict[int, int] = msgspec.field(default_factory=dict)
    """Rated requests by score in hundredths, rounded down."""

    def __getitem__(self, name: str) -> int:
        return self.counts[INDEX[name]]

    def add(self, other: Sums) -> None:
        """Add other sums."""
        self.counts = list(map(add, self.counts, other.counts))
        _merge(self.latency, other.latency)
        _merge(self.ttft, other.ttft)
        _merge(self.scores, other.scores)

    def take(self, row: Mapping[str, Any], sign: int = 1) -> None:
        """Add one request, or take it away with a `sign` of -1."""
        self.counts = list(map(add if sign > 0 else sub, self.counts, counts_of(row)))
        latency, ttft, score = row["latency_us"], row["ttft_us"], row["score"]
        if latency is not None:
            _step(self.latency, bucket(latency), sign)
        if ttft is not None:
            _step(self.ttft, bucket(ttft), sign)
        if score is not None:
            _step(self.scores, int(score * 100 + 1e-9), sign)

    @property
    def empty(self) -> bool:
        """True when nothing is left in the cell."""
        return not any(self.counts)


def _merge(mine: dict[int, int], theirs: dict[int, int]) -> None:
    for key, number in theirs.items():
        _step(mine, key, number)


def _step(spread: dict[int, int], key: int, number: int) -> None:
    left = spread.get(key, 0) + number
    if left:
        spread[key] = left
    else:
        spread.pop(key, None)


def bucket(micros: int) -> int:
    """The two-percent-wide bucket of a duration."""
    return int(log(micros) / _STEP) if micros > 0 else -1


def bucket_ms(number: int) -> float:
    """The middle of a bucket, in milliseconds."""
    return exp((number + 0.5) * _STEP) / 1000 if number >= 0 else 0.0


def cell_of(row: Mapping[str, Any]) -> Cell:
    """Which cell a request belongs to."""
    fresh, write_5m, write_1h, read = _PROMPT(row)
    size = 0
    if fresh is not None:
        size = bisect_left(SIZES, fresh + write_5m + write_1h + read)  # a limit is still short
    return (*_NAMES(row), size, int(row["cost_pico"] is not None))


_NAMES = itemgetter(*DIMENSIONS)
_PROMPT = itemgetter(ANSWER_TOKENS[0], *ANSWER_TOKENS[2:5])


def counts_of(row: Mapping[str, Any]) -> list[int]:
    """What one request adds to each of `MEASURES`."""
    latency, ttft, score = row["latency_us"], row["ttft_us"], row["score"]
    finished, success, cost = row["finished"], row["success"], row["cost_pico"]
    classifier = row["classifier_pico"]
    if classifier is None:
        classifier = row["decision_pico"] or 0
    counts = [
        1,
        row["decided"],
        finished,
        0,
        row["escalated"] or 0,
        row["validator_escalated"] or 0,
        row["fallback"] or 0,
        row["attempts"] or 0,
        classifier if cost is None else cost,
        classifier,
        int(latency is not None),
        latency or 0,
        int(ttft is not None),
        ttft or 0,
    ]
    if not finished:
        counts += _NO_TOKENS
    else:
        answered = bool(row["answer_model"])
        counts[3] = int(answered)
        counts += [row[name] for name in TOKENS]
        counts += [row[name] for name in ANSWER_TOKENS] if answered else _NO_TOKENS[len(TOKENS) :]
    counts.append(int(row["rated_ms"] is not None))
    counts.append(int(score is not None))
    counts.append(round(score * 1_000_000) if score is not None else 0)
    counts.append(int(success is not None))
    counts.append(success or 0)
    return counts


_NO_TOKENS = [0] * (len(TOKENS) + len(ANSWER_TOKENS))


def counts_as_request(row: Mapping[str, Any]) -> bool:
    """False while only feedback is known of a request."""
    return bool(row["decided"] or row["finished"])


_encode = msgspec.json.Encoder().encode
_decode_sums = msgspec.json.Decoder(Sums).decode
_decode_cell = msgspec.json.Decoder(tuple[Any, ...]).decode


def encode_cell(cell: Cell) -> str:
    """A cell as the text that is its key."""
    return _encode(cell).decode()


def decode_cell(text: str) -> Cell:
    """The cell behind a key."""
    return _decode_cell(text)


def encode_sums(sums: Sums) -> str:
    """Sums as JSON."""
    return _encode(sums).decode()


def decode_sums(text: str) -> Sums:
    """Sums from JSON; sums stored before a measure existed hold 0 of it."""
    sums = _decode_sums(text)
    if missing := len(MEASURES) - len(sums.counts):
        sums.counts.extend([0] * missing)
    return sums


def percentile(spread: Mapping[int, int], share: float) -> float | None:
    """The duration in milliseconds that `share` of the answers stay under, within 1 %."""
    total = sum(spread.values())
    if not total:
        return None
    seen = 0
    for number in sorted(spread):
        seen += spread[number]
        if seen >= share * total:
            return bucket_ms(number)
    return bucket_ms(max(spread))
