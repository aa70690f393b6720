"""How well and how fast the rules judge: `python -m benchmarks.rules [--fit] [--misses SPLIT]`.

Prints accuracy and errors per split and group, fits the cut for `quality` on the calibration
split, and prints the cost of `extract` and `predict`. The test split tunes nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from turnout.classifiers import Rules
from turnout.classifiers.rules import judge
from turnout.signals import extract
from turnout.types import LEVELS, Request

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "corpus" / "prompts.jsonl"
CUT_TABLE = ROOT / "src" / "turnout" / "classifiers" / "cut_table.py"
QUALITY = 0.92
SPLITS = ("dev", "calibration", "test")

QUALITIES = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.88, 0.9, 0.92, 0.94, 0.96, 0.98)
"""Where the cut is fitted; straight lines between."""


@dataclass(frozen=True, slots=True)
class Case:
    """A labelled prompt with what the rules say of it."""

    row: dict[str, Any]
    level: int
    adequate: tuple[float, ...]
    evidence: str

    def chosen(self, cut: float) -> int:
        """The lowest level at or above the cut."""
        return next(i for i, p in enumerate(self.adequate) if p >= cut or p == 1.0)


def load(split: str | None = None) -> list[dict[str, Any]]:
    """The rows of the corpus, or of one split."""
    rows = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if split is None or row["split"] == split]


def request_of(row: dict[str, Any]) -> Request:
    """The request of a row: its messages, or its prompt as one user turn."""
    messages = row.get("messages") or [{"role": "user", "content": row["prompt"]}]
    return Request(messages=tuple(messages))


def judged(rows: Iterable[dict[str, Any]]) -> list[Case]:
    """Each row with the built-in rules' curve."""
    cases = []
    for row in rows:
        curve, evidence = judge(extract(request_of(row)))
        cases.append(Case(row, LEVELS.index(row["tier"]), curve, evidence))
    return cases


@dataclass(frozen=True, slots=True)
class Score:
    """Shares of a set of cases, 0..1."""

    n: int
    accuracy: float
    over: float
    under: float
    under_by_two: float

    def __str__(self) -> str:
        return (
            f"n={self.n:3d}  accuracy {self.accuracy:6.1%}  over {self.over:6.1%}  "
            f"under {self.under:6.1%}  by two {self.under_by_two:6.1%}"
        )


def score(levels: Sequence[int], chosen: Sequence[int]) -> Score:
    """Compare the chosen levels with the labels."""
    gaps = [pick - true for true, pick in zip(levels, chosen, strict=True)]
    n = max(1, len(gaps))
    return Score(
        len(gaps),
        sum(gap == 0 for gap in gaps) / n,
        sum(gap > 0 for gap in gaps) / n,
        sum(gap < 0 for gap in gaps) / n,
        sum(gap <= -2 for gap in gaps) / n,
    )


def fit_cut(cases: Sequence[Case]) -> list[tuple[float, float]]:
    """For each quality the lowest cut that routes at most 1 - quality of `cases` too low.

    The cut is the middle between the last value that fails and the first that holds, since any
    value between them acts alike on these cases.
    """
    values = sorted({0.0, 1.0, *(p for case in cases for p in case.adequate)})
    levels = [case.level for case in cases]
    under = [score(levels, [case.chosen(value) for case in cases]).under for value in values]
    points = [(0.0, 0.0)]
    for quality in QUALITIES:
        at = next(i for i, share in enumerate(under) if share <= 1 - quality + 1e-9)
        cut = values[at] if at == 0 else (values[at - 1] + values[at]) / 2
        points.append((quality, round(max(cut, points[-1][1]), 4)))
    return [*points, (1.0, 1.0)]


def write_cut(points: Sequence[tuple[float, float]], rows: Sequence[dict[str, Any]]) -> None:
    """Store the fitted cut with its provenance."""
    digest = hashlib.sha256(
        "\n".join(json.dumps(row, ensure_ascii=False, sort_keys=True) for row in rows).encode()
    ).hexdigest()
    lines = "".join(f"    ({quality}, {cut}),\n" for quality, cut in points)
    CUT_TABLE.write_text(
        '"""Written by `python -m benchmarks.rules --fit`: quality against its cut."""\n\n'
        "PROVENANCE = {\n"
        '    "split": "calibration",\n'
        f'    "prompts": {len(rows)},\n'
        f'    "sha256": "{digest}",\n'
        f'    "date": "{datetime.now(UTC):%Y-%m-%d}",\n'
        "}\n"
        '"""What the points were fitted on; the hash is of the split\'s rows."""\n\n'
        f"POINTS: tuple[tuple[float, float], ...] = (\n{lines})\n",
        encoding="utf-8",
    )


def print_split(name: str, cases: Sequence[Case], cut: float) -> None:
    """Scores of a split at `cut`, and of prompt length alone for comparison."""
    chosen = [case.chosen(cut) for case in cases]
    levels = [case.level for case in cases]
    likely = [most_likely(case.adequate) for case in cases]
    print(f"{name:12s} at quality {QUALITY}   {score(levels, chosen)}")
    print(f"{name:12s} most likely tier  {score(levels, likely)}")
    print(f"{name:12s} length alone      {score(levels, [by_length(case) for case in cases])}")


def most_likely(adequate: Sequence[float]) -> int:
    """The level with the largest probability of being the lowest adequate one."""
    steps = [adequate[0], *(b - a for a, b in pairwise(adequate))]
    return steps.index(max(steps))


def by_length(case: Case) -> int:
    """The common heuristic: tiers by characters of the prompt."""
    request = request_of(case.row)
    length = len(str(request.messages[-1]["content"]))
    return sum(length > limit for limit in (50, 200, 1000))


def print_groups(cases: Sequence[Case], cut: float, key: str) -> None:
    """Scores by a key of the rows."""
    groups: defaultdict[str, list[Case]] = defaultdict(list)
    for case in cases:
        values = case.row[key] if isinstance(case.row[key], list) else [case.row[key]]
        for value in values:
            groups[value].append(case)
    for value, members in sorted(groups.items(), key=lambda item: -len(item[1])):
        if len(members) >= 4:
            levels = [case.level for case in members]
            print(f"  {key} {value:12s} {score(levels, [c.chosen(cut) for c in members])}")


def print_misses(cases: Sequence[Case], cut: float) -> None:
    """Every wrong choice, with what was said about it."""
    for case in cases:
        chosen = case.chosen(cut)
        if chosen != case.level:
            text = str(request_of(case.row).messages[-1]["content"])[:90].replace("\n", " ")
            verdict = f"{LEVELS[case.level]} -> {LEVELS[chosen]}"
            print(f"  {case.row['id']:22s} {verdict}  {case.evidence}")
            print(f"      {text}")


def print_evidence(cases: Sequence[Case]) -> None:
    """How often each rule was right, for tuning how sure it may be."""
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for case in cases:
        total[case.evidence] += 1
        right[case.evidence] += most_likely(case.adequate) == case.level
    for evidence, n in total.most_common():
        print(f"  {right[evidence]:3d} of {n:3d}  {evidence}")


ENGLISH = (
    "I have been working on our internal reporting service for a while, and I would like some "
    "help. The page that lists invoices takes about nine seconds to load when the customer has "
    "more than a thousand of them, although the table has an index on the customer id. Could you "
    "please look at the query below and tell me what is going on, and what I could change? "
)


def time_it(name: str, call: Callable[[], object], rounds: int) -> None:
    """Print p50 and p99 of `call` in microseconds."""
    call()
    times = []
    for _ in range(rounds):
        start = time.perf_counter_ns()
        call()
        times.append((time.perf_counter_ns() - start) / 1000)
    times.sort()
    p50, p99 = statistics.median(times), times[int(len(times) * 0.99)]
    print(f"  {name:34s} p50 {p50:8.1f} µs   p99 {p99:8.1f} µs")


def print_speed() -> None:
    """The cost of reading signals and judging, by size and script."""
    rules = Rules()
    prompts = {
        "2 KB English": ((ENGLISH * 8)[:2048], 5000),
        "100 characters of English": (ENGLISH[:100], 5000),
        "2 KB Russian": (("Разберись, почему сервис падает под нагрузкой. " * 60)[:2048], 1000),
        "2 KB Chinese": (("请解释这个函数为什么偶尔返回旧数据。" * 120)[:2048], 1000),
        "400 KB English": ((ENGLISH + "\n\n") * 1000, 500),
        "1 M Chinese characters": ("分析这份报告。" * 142_858, 200),
    }
    for name, (prompt, rounds) in prompts.items():
        request = Request(messages=({"role": "user", "content": prompt},))
        signals = extract(request)

        def both(request: Request = request) -> object:
            return rules.predict(request, extract(request))

        if name == "2 KB English":
            time_it(f"{name}: extract", lambda r=request: extract(r), rounds)  # type: ignore[misc]
            time_it(
                f"{name}: predict",
                lambda r=request, s=signals: rules.predict(r, s),  # type: ignore[misc]
                rounds,
            )
        time_it(f"{name}: both", both, rounds)


def main() -> None:
    """Print the whole report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fit", action="store_true", help="write the cut fitted on calibration")
    parser.add_argument("--splits", default=",".join(SPLITS), help="which splits to score")
    parser.add_argument("--misses", help="list the wrong choices of one split")
    parser.add_argument("--evidence", help="list how often each rule was right in one split")
    parser.add_argument("--no-speed", action="store_true")
    args = parser.parse_args()
    points = fit_cut(judged(load("calibration")))
    if args.fit:
        write_cut(points, load("calibration"))
    cut = float(dict(points)[QUALITY])
    print("cut: " + ", ".join(f"{quality:g} → {value:g}" for quality, value in points))
    for split in args.splits.split(","):
        cases = judged(load(split))
        print_split(split, cases, cut)
        for key in ("tier", "domain", "language", "traits"):
            print_groups(cases, cut, key)
    if args.misses:
        print_misses(judged(load(args.misses)), cut)
    if args.evidence:
        print_evidence(judged(load(args.evidence)))
    if not args.no_speed:
        print("speed (microseconds, one thread):")
        print_speed()


if __name__ == "__main__":
    main()
