"""`python -m benchmarks.startup`: import and cold start, each the best and median of several runs.

Figures: `import turnout` ≤ 150 ms, `turnout route` cold ≤ 0.5 s, a bare interpreter beside them.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

ROUNDS = 9


def milliseconds(command: list[str]) -> tuple[float, float]:
    """Best and median wall time of a command, in ms."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append((time.perf_counter() - began) * 1000)
    return min(times), median(times)


def main() -> None:
    """Print the figures."""
    python = sys.executable
    turnout = str(Path(python).parent / "turnout")
    bare, _ = milliseconds([python, "-c", "pass"])
    rows = [
        ("bare interpreter", [python, "-c", "pass"], "–"),
        ("import turnout", [python, "-c", "import turnout"], "≤ 150 ms with the interpreter"),
        ("import turnout; turnout.Router", [python, "-c", "import turnout; turnout.Router"], "–"),
        ("turnout route, whole process", [turnout, "route", "What is 2+2?"], "≤ 500 ms"),
        ("turnout route --json", [turnout, "route", "--json", "What is 2+2?"], "≤ 500 ms"),
    ]
    for what, command, target in rows:
        best, middle = milliseconds(command)
        print(
            f"{what:<34} best {best:6.0f} ms, median {middle:6.0f} ms, "
            f"{best / bare:4.1f}× bare   target {target}",
            flush=True,
        )


if __name__ == "__main__":
    main()
