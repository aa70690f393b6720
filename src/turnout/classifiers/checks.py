"""Behaviours that every classifier must show: `check_classifier(mine)` raises for the first lack.

AssertionError
 └─ CheckFailed
     ├─ Raised            predict raised on text that users send
     ├─ Malformed         a prediction is not a rising curve that ends in 1, or quotes the ask
     ├─ Undetermined      the same request got two answers
     ├─ NotMonotone       the cut falls while quality rises
     ├─ NotThreadSafe     threads together answer unlike one alone
     └─ TooSlow           one prediction takes longer than allowed
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from math import isfinite

from turnout.signals import extract
from turnout.types import LEVELS, Classifier, Prediction, Request

THREADS = 8

MAX_SECONDS = 1.0
"""One prediction may take this long, pathological prompts included; far above any good one."""

MARKER = "xyzzyplugh4711"
"""A word planted in every odd text; it must not turn up in evidence."""


class CheckFailed(AssertionError):  # noqa: N818 - reads as what happened
    """A classifier lacks a behaviour that routing relies on."""


class Raised(CheckFailed):
    """predict raised on text that users send."""


class Malformed(CheckFailed):
    """A prediction is not usable as it is."""


class Undetermined(CheckFailed):
    """The same request got two answers."""


class NotMonotone(CheckFailed):
    """The cut falls while quality rises."""


class NotThreadSafe(CheckFailed):
    """Threads together answer unlike one alone."""


class TooSlow(CheckFailed):
    """One prediction takes longer than allowed."""


ORDINARY = (
    "What is the capital of Peru?",
    "Write a haiku about rain.",
    "Why does this query deadlock under load?",
    "Prove that there are infinitely many primes.",
    "Refactor the auth module across services.",
    "Переведи на английский: добрый день",
    "证明根号2是无理数。",
    "このコードをレビューしてください。",
    "اشرح الفرق بين القائمة والصف",
    "इस वाक्य का अनुवाद करें",
)

ODD = (
    "",
    " \n\t\r ",
    "\x00\x01\x02\x7f",
    "\ud800 lone \udfff surrogates \ud83d",
    "🦊" * 300,
    "a\u0301" * 500 + "\u202e\u200b\u200d\ufeff",
    "\u0000".join("binary"),
    "(" * 3000,
    "a" * 50_000,
    "a, " * 20_000,
    ("x" * 39 + ",") * 800,
    "\n" * 20_000,
    "```" * 700,
    "<a>" * 1500 + "</a>" * 1500,
    '"' * 4001,
    "1. " * 1500,
    "ß" * 3000 + "İ" * 500,
    "漢" * 100_000,
    "%s %d {0} {} $(rm) \\x00 \\u12",
    "-1 + -1 * " * 400,
)


def check_classifier(classifier: Classifier, max_seconds: float = MAX_SECONDS) -> None:
    """Run every check; raise CheckFailed, with the text that failed, for the first that does."""
    check_survives_odd_text(classifier, max_seconds)
    check_is_deterministic(classifier)
    check_cut_rises_with_quality(classifier)
    check_is_thread_safe(classifier)


def check_survives_odd_text(classifier: Classifier, max_seconds: float = MAX_SECONDS) -> None:
    """Never raises, always a well-formed curve, in bounded time."""
    for request in _requests():
        start = time.perf_counter()
        prediction = _predict(classifier, request)
        seconds = time.perf_counter() - start
        _check_prediction(classifier, request, prediction)
        if seconds > max_seconds:
            raise TooSlow(
                f"{classifier.name} took {seconds:.2f} s for {_shown(request)}; "
                f"{max_seconds:g} s are allowed"
            )


def check_is_deterministic(classifier: Classifier) -> None:
    """The same request gets the same curve and evidence, whatever was asked in between."""
    requests = _requests()
    first = [_predict(classifier, request) for request in requests]
    again = [_predict(classifier, request) for request in reversed(requests)][::-1]
    for request, one, other in zip(requests, first, again, strict=True):
        if (one.adequate, one.evidence) != (other.adequate, other.evidence):
            raise Undetermined(
                f"{classifier.name} said {one.adequate}, then {other.adequate} "
                f"for {_shown(request)}"
            )


def check_cut_rises_with_quality(classifier: Classifier) -> None:
    """A classifier with a `cut` of its own keeps it within 0..1, rising, and 1 at quality 1."""
    cut = getattr(classifier, "cut", None)
    if cut is None:
        return
    before = 0.0
    for step in range(1001):
        value = cut(step / 1000)
        if not isfinite(value) or not 0.0 <= value <= 1.0:
            raise NotMonotone(f"{classifier.name}.cut({step / 1000}) is {value}, not within 0..1")
        if value < before:
            raise NotMonotone(
                f"{classifier.name}.cut falls from {before} to {value} at quality {step / 1000}"
            )
        before = value
    if before != 1.0:
        raise NotMonotone(f"{classifier.name}.cut(1.0) is {before}; quality 1 must mean certainty")


def check_is_thread_safe(classifier: Classifier) -> None:
    """Many threads at once get what one thread gets."""
    requests = _requests()
    expected = [_predict(classifier, request).adequate for request in requests]
    barrier = threading.Barrier(THREADS)

    def work(offset: int) -> list[tuple[float, ...]]:
        barrier.wait()
        order = [*range(offset, len(requests)), *range(offset)]
        found = {index: _predict(classifier, requests[index]).adequate for index in order}
        return [found[index] for index in range(len(requests))]

    with ThreadPoolExecutor(THREADS) as pool:
        for answers in pool.map(work, range(THREADS)):
            if answers != expected:
                raise NotThreadSafe(f"{classifier.name} answers differently from several threads")


def _requests() -> list[Request]:
    texts = (*ORDINARY, *(f"{text}{MARKER}{text[:500]}" for text in ODD), *ODD)
    requests = [Request(messages=({"role": "user", "content": text},)) for text in texts]
    requests.append(Request(messages=()))
    requests.append(Request(messages=({"role": "user", "content": [{"type": "mystery"}]},)))
    requests.append(Request(messages=tuple(_follow_up())))
    return requests


def _follow_up() -> Sequence[dict[str, str]]:
    return (
        {"role": "user", "content": f"Plan the migration of {MARKER} to another region."},
        {"role": "assistant", "content": "Here is the plan. Shall I start?"},
        {"role": "user", "content": "yes, do it"},
    )


def _predict(classifier: Classifier, request: Request) -> Prediction:
    try:
        return classifier.predict(request, extract(request))
    except Exception as error:  # whatever it is, it is the finding
        raise Raised(f"{classifier.name} raised {error!r} for {_shown(request)}") from error


def _check_prediction(classifier: Classifier, request: Request, prediction: Prediction) -> None:
    name, curve = classifier.name, prediction.adequate
    if len(curve) != len(LEVELS) or not all(isfinite(p) and 0.0 <= p <= 1.0 for p in curve):
        raise Malformed(f"{name}: {curve} is not {len(LEVELS)} probabilities, {_shown(request)}")
    if list(curve) != sorted(curve):
        raise Malformed(f"{name}: {curve} falls on the way to harder levels, {_shown(request)}")
    if curve[-1] != 1.0:
        raise Malformed(f"{name}: {curve} does not end in 1, {_shown(request)}")
    if any(MARKER in note.lower() for note in prediction.evidence):
        raise Malformed(f"{name}: evidence quotes the prompt: {prediction.evidence}")
    if prediction.cost_usd < 0:
        raise Malformed(f"{name}: a prediction cannot cost {prediction.cost_usd}")


def _shown(request: Request) -> str:
    """The start of a request, printable."""
    content = request.messages[-1]["content"] if request.messages else ""
    text = ascii(content)
    return f"the text {text[:60]}{'…' if len(text) > 60 else ''}"
