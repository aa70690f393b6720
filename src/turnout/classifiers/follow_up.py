"""Asks that only go on with the ask before, and asks that want nothing."""

from __future__ import annotations

from functools import cache

from turnout.classifiers.concepts import normalise

FOLLOW_UP_CHARS = 48
SMALL_TALK_CHARS = 80


@cache
def _follow_ups() -> frozenset[str]:
    from turnout.classifiers.lexicon.english import FOLLOW_UPS
    from turnout.classifiers.lexicon.phrases import FOLLOW_UPS as OTHERS

    entries = f"{FOLLOW_UPS},{OTHERS}".split(",")
    return frozenset(" ".join(entry.split()) for entry in entries if entry.strip())


@cache
def _small_talk() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    from turnout.classifiers.lexicon.english import GREETINGS, SMALL_TALK
    from turnout.classifiers.lexicon.phrases import GREETINGS as OTHERS

    whole = frozenset(" ".join(entry.split()) for entry in OTHERS.split(",") if entry.strip())
    return frozenset(SMALL_TALK.split()), frozenset(GREETINGS.split()), whole


def is_follow_up(ask: str) -> bool:
    """True for "yes, do it", "commit it", "weiter", "继续" and their like."""
    if not 0 < len(ask) <= FOLLOW_UP_CHARS:
        return False
    return " ".join(normalise(ask).split()) in _follow_ups()


def is_small_talk(ask: str) -> bool:
    """True when every word is a greeting, thanks or filler."""
    if not 0 < len(ask) <= SMALL_TALK_CHARS:
        return False
    words = normalise(ask).split()
    filler, greetings, whole = _small_talk()
    if " ".join(words) in whole or not words:
        return True
    return bool(greetings.intersection(words)) and filler.issuperset(words)
