"""`python -m benchmarks.route`: what a decision costs, in time and memory.

Figures: 2 KB prompt ≤ 100 µs p50 and ≤ 400 µs p99, 400 KB ≤ 2 ms, flat after a million decisions
with ≤ 20 MB growth. `--million N` sets how many decisions come in between.
"""

from __future__ import annotations

import argparse
import gc
import resource
import time
from collections.abc import Callable

import turnout

SHORT = (
    "Here is what we saw this morning. The nightly import ran twice, the second run overlapped "
    "the first, and both wrote to the same table. Please explain which of the three guards we "
    "have (the lock file, the advisory lock, the unique index) should have stopped it, why it "
    "did not, and what you would change first. "
)
WORK = (SHORT * 8)[:2048]
LONG = ("The worker finished job 4711 without errors and waits for more work. " * 6000)[:400_000]


def microseconds(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """p50 and p99 of single calls, in µs."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter_ns()
        work()
        times.append(time.perf_counter_ns() - began)
    times.sort()
    return times[rounds // 2] / 1000, times[rounds * 99 // 100] / 1000


def memory_mb() -> float:
    """Resident memory now, in MB (Linux), else the peak."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize() / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def show(what: str, value: str, target: str) -> None:
    """One line of the result."""
    print(f"{what:<44} {value:>16}   target {target}", flush=True)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--million", type=int, default=1_000_000)
    decisions = parser.parse_args().million
    router = turnout.Router({}, ledger=False)
    for _ in range(500):
        router.route(WORK)
    p50, p99 = microseconds(lambda: router.route(WORK), 20_000)
    show("route(), rules, 2 KB: p50", f"{p50:.1f} µs", "≤ 100 µs")
    show("route(), rules, 2 KB: p99", f"{p99:.1f} µs", "≤ 400 µs")
    long50, _ = microseconds(lambda: router.route(LONG), 300)
    show("route(), rules, 400 KB: p50", f"{long50:.1f} µs", "≤ 2,000 µs")

    gc.collect()
    before = memory_mb()
    began = time.perf_counter()
    for number in range(decisions):
        router.route(f"What is {number} plus {number + 1}?")
    seconds = time.perf_counter() - began
    gc.collect()
    show(f"{decisions:,} decisions in between", f"{seconds:.0f} s", "–")
    show("growth of memory", f"{memory_mb() - before:.1f} MB", "≤ 20 MB")
    after50, after99 = microseconds(lambda: router.route(WORK), 20_000)
    show("… then 2 KB: p50", f"{after50:.1f} µs", f"flat (was {p50:.1f})")
    show("… then 2 KB: p99", f"{after99:.1f} µs", f"flat (was {p99:.1f})")


if __name__ == "__main__":
    main()
