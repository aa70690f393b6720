"""`make bench`: every benchmark, one after another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SUITES = ("route", "startup", "rules", "ledger")

if __name__ == "__main__":
    folder = Path(__file__).parent
    codes = []
    for name in SUITES:
        print(f"\n== {name}", flush=True)
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=folder.parent)
        codes.append(done.returncode)
    sys.exit(max(codes))
