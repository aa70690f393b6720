"""The ledger's figures: `python -m benchmarks.ledger`, about two minutes.

Prints records a second into the journal and into the database, what eight processes (killed or
not) leave behind, reports over a million requests, and memory growth.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
from sqlalchemy import text

from turnout.catalog.ladders import ladder
from turnout.catalog.store import bundled
from turnout.documents import usage_dict
from turnout.ledger import Ledger
from turnout.ledger.database import Database
from turnout.types import Alternative, Decision, Fallback, Json, Reason, Usage

DECISIONS = 50_000
PROCESSES, EACH = 8, 2_000
MILLION = 1_000_000
COPIES = 20

TIERS = {
    "trivial": "claude-haiku-5-5",
    "low": "claude-sonnet-5-5",
    "mid": "claude-opus-5-5",
    "high": "claude-fable-5-2",
}


def main() -> None:
    """Run every benchmark and print a line for each figure."""
    started = time.perf_counter()
    for benchmark in (memory, throughput, processes, killed, million):
        benchmark()
    print(f"total {time.perf_counter() - started:.0f} s")


def throughput() -> None:
    """One process: records into the journal, then into the database."""
    decided = [decision(number) for number in range(DECISIONS)]
    # As bytes: half a million live objects would have the garbage collector measured instead.
    later = [msgspec.json.encode(outcome(document)) for document in decided]
    with ledger_folder() as folder:
        ledger = Ledger(folder=folder, ingest_every_s=None)
        ledger.decision_exists("none")  # opens and migrates, so that the rates are the steady ones
        _both(ledger, "decision", decided)
        _both(ledger, "outcome", [msgspec.json.decode(body) for body in later])
        for number in range(DECISIONS // 2):
            document = decision(number)
            ledger.record("decision", document)
            ledger.record("outcome", outcome(document))
        took = timed(ledger.ingest)
        line(
            "ingest() decisions together with their outcomes",
            f"{DECISIONS / 2 / took:,.0f} pairs/s",
        )
        ledger.close()


def _both(ledger: Ledger, kind: str, documents: list[Json]) -> None:
    number = len(documents)
    took = timed(lambda: record_all(ledger, kind, documents))
    line(f"record() {kind}s", f"{number / took:,.0f}/s, {took / number * 1e6:.1f} µs each")
    documents.clear()
    line(f"ingest() {kind}s", f"{number / timed(ledger.ingest):,.0f}/s")


def processes() -> None:
    """Eight processes, one ledger, all of them ingesting now and then."""
    _eight("alive at the end", die=False)


def killed() -> None:
    """The same, but each process is killed after its last acknowledged record."""
    _eight("killed with SIGKILL", die=True)


def _eight(name: str, *, die: bool) -> None:
    with ledger_folder() as folder:
        context = multiprocessing.get_context("spawn")
        gate = context.Barrier(PROCESSES)
        workers = [
            context.Process(target=worker, args=(folder, number, die, gate))
            for number in range(PROCESSES)
        ]
        for process in workers:
            process.start()
        for process in workers:
            process.join()
        codes = sorted({str(process.exitcode) for process in workers})
        ledger = Ledger(folder=folder, ingest_every_s=None)
        took = timed(ledger.ingest)
        rows, status = count(folder, "requests"), ledger.status()
        ledger.close()
    expected = PROCESSES * EACH
    line(
        f"{PROCESSES} processes × {EACH:,} decisions, {name}",
        f"{rows:,} of {expected:,} rows, {status.rejects} torn lines, "
        f"exit codes {', '.join(codes)}, last ingest {took:.2f} s",
    )


def worker(folder: Path, number: int, die: bool, gate: object) -> None:
    """Record decisions as one of many processes."""
    gate.wait()  # type: ignore[attr-defined]
    ledger = Ledger(folder=folder, ingest_every_s=0.2)
    for serial in range(EACH):
        ledger.record("decision", decision(number * EACH + serial))
    if die:
        os.kill(os.getpid(), signal.SIGKILL)
    ledger.close()


def million() -> None:
    """Reports over a million requests of 100 days."""
    catalog = bundled()
    rungs = ladder("claude", catalog)
    with ledger_folder() as folder:
        took = timed(lambda: fill(folder))
        size = (folder / "ledger.sqlite3").stat().st_size / 1e6
        line(f"made {count(folder, 'requests'):,} requests", f"{took:.0f} s, {size:,.0f} MB")
        since = START + timedelta(days=1, hours=7, minutes=13)
        for name, by, first in (
            ("by tier", "tier", None),
            ("by day", "day", None),
            ("by hour", "hour", None),
            ("by tier, from the middle of an hour", "tier", since),
            ("by conversation (reads every row)", "conversation", None),
        ):
            ledger = Ledger(folder=folder, ingest_every_s=None)
            began = time.perf_counter()
            found = ledger.report(
                first, by=by, against="claude-opus-5-5", catalog=catalog, ladder=rungs
            )
            took = time.perf_counter() - began
            ledger.close()
            line(f"report {name}", f"{took:.2f} s over {found['requests']:,} requests")


def fill(folder: Path) -> None:
    """A million requests: 50,000 by the real way, then copies of them days apart."""
    part = MILLION // COPIES
    ledger = Ledger(folder=folder, ingest_every_s=None)
    for number in range(part):
        document = decision(number, spread=True)
        ledger.record("decision", document)
        ledger.record("outcome", outcome(document))
        if number % 10 == 0:
            ledger.record("feedback", feedback(document))
    ledger.ingest()
    ledger.close()
    database = Database(str(folder / "ledger.sqlite3"))
    with database.writing() as connection:
        for table, moved in (("requests", "at_ms"), ("totals", "start_ms")):
            found = connection.execute(text(f"PRAGMA table_info({table})"))
            columns = [row.name for row in found]
            for copy in range(1, COPIES):
                values = {
                    moved: f"{moved} + {copy * SPREAD_DAYS * 86_400_000}",
                    "id": f"id||'-{copy}'",
                }
                chosen = ", ".join(values.get(name, f'"{name}"') for name in columns)
                first = f"{moved} < {int((START.timestamp() + SPREAD_DAYS * 86_400) * 1000)}"
                connection.execute(
                    text(f"INSERT INTO {table} SELECT {chosen} FROM {table} WHERE {first}")
                )
    database.close()


def memory() -> None:
    """Growth of the process over many decisions with the background thread at work."""
    with ledger_folder() as folder:
        ledger = Ledger(folder=folder, ingest_every_s=0.2)
        sizes = []
        for rounds in range(4):
            for number in range(DECISIONS // 2):
                ledger.record("decision", decision(rounds * DECISIONS + number))
            ledger.ingest()
            sizes.append(resident_mb())
        ledger.close()
    line(
        f"memory after {DECISIONS // 2:,} decisions, and {DECISIONS * 3 // 2:,} later",
        f"{sizes[0]:.1f} MB, {sizes[-1]:.1f} MB (growth {sizes[-1] - sizes[0]:+.1f} MB)",
    )


# -- documents -----------------------------------------------------------------------------

START = datetime(2026, 6, 1, tzinfo=UTC)
SPREAD_DAYS = 5
CHANCE = random.Random(7)


def decision(number: int, *, spread: bool = False) -> Json:
    """A decision as the router makes it, about 1.5 KB of JSON."""
    tier = CHANCE.choices(list(TIERS), [30, 40, 20, 10])[0]
    at = START + timedelta(seconds=CHANCE.random() * SPREAD_DAYS * 86_400) if spread else START
    model = TIERS[tier]
    found = Decision(
        id=f"{CHANCE.getrandbits(64):016x}{number:08x}",
        at=at,
        model=model,
        provider="anthropic",
        tier=tier,
        effort="medium",
        confidence=0.93,
        tier_probabilities={"trivial": 0.1, "low": 0.62, "mid": 0.2, "high": 0.08},
        classifier=CHANCE.choice(["rules", "learned", "cascade"]),
        original_tier=tier,
        evidence=("a short question of 12 words", "no code", "one user turn"),
        reasons=(Reason("choice", "0.93 is at least 0.92", "trivial", tier),),
        fallbacks=(Fallback("claude-opus-5-5", "high", "mid"),),
        alternatives=tuple(
            Alternative(other, name, Decimal("0.00123"), 1.5) for other, name in TIERS.items()
        ),
        estimated_input_tokens=812,
        estimated_output_tokens=240,
        estimated_cost_usd=Decimal("0.001234"),
        elapsed_us=87.5,
    )
    extra = {"source": CHANCE.choice(["run", "gateway"]), "key": CHANCE.choice(["web", "batch"])}
    return found.to_dict() | extra | {"conversation": f"c{number % 5_000}"}


def outcome(document: Json) -> Json:
    """What became of a decision."""
    tokens = int(CHANCE.lognormvariate(7, 1.5))
    usage = usage_dict(Usage(tokens, tokens // 4, cache_read_tokens=tokens * 3))
    return {
        "id": document["id"],
        "at": document["at"],
        "served_by": document["model"],
        "served_tier": document["tier"],
        "stop_reason": "end_turn",
        "status": "ok" if CHANCE.random() < 0.98 else "failed",
        "usage": usage,
        "cost_usd": f"{tokens * 3e-6:.9f}",
        "classifier_cost_usd": "0",
        "latency_ms": CHANCE.lognormvariate(7, 0.7),
        "ttft_ms": CHANCE.lognormvariate(6, 0.5),
        "escalated": False,
        "fallback": CHANCE.random() < 0.01,
        "answer_usage": usage,
        "answer_model": document["model"],
        "attempts": 1,
    }


def feedback(document: Json) -> Json:
    """A score for a decision."""
    return {
        "id": f"f{document['id']}",
        "decision": document["id"],
        "at": document["at"],
        "score": round(CHANCE.random(), 2),
        "success": True,
        "note": "",
    }


# -- measuring -----------------------------------------------------------------------------


@contextmanager
def ledger_folder() -> Iterator[Path]:
    """A folder that goes away afterwards."""
    with tempfile.TemporaryDirectory(prefix="turnout-bench-") as name:
        yield Path(name)


def record_all(ledger: Ledger, kind: str, documents: list[Json]) -> None:
    """Record every document."""
    for document in documents:
        ledger.record(kind, document)


def timed(action: Callable[[], object]) -> float:
    """Seconds that an action takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def count(folder: Path, table: str) -> int:
    """Rows of a table, counted in the file itself."""
    database = Database(str(folder / "ledger.sqlite3"))
    with database.reading() as connection:
        rows = connection.scalar(text(f"SELECT count(*) FROM {table}"))
    database.close()
    return int(rows or 0)


def resident_mb() -> float:
    """Memory of this process in MB; the peak where the present size is not to be had."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1e6 if sys.platform == "darwin" else 1e3)
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def line(name: str, figure: str) -> None:
    """Print one figure."""
    print(f"{name:<62} {figure}", flush=True)


if __name__ == "__main__":
    main()
