"""The rules classifier: what is asked, recognised by its words and judged by an ordered table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from turnout.classifiers.concepts import mentioned, normalise
from turnout.classifiers.cut import cut as fitted_cut
from turnout.classifiers.follow_up import is_follow_up, is_small_talk
from turnout.classifiers.rules_table import (
    CONTEXT_FLOORS,
    CURVES,
    LEADS,
    LISTED_ITEMS,
    LONG_ASK_CHARS,
    SHORT_ASK_CHARS,
    TABLE,
    TRANSFORMS,
    Verdict,
)
from turnout.classifiers.shape import Curve, at_least, hardness_of, leaning, shape_curve
from turnout.classifiers.user_rules import Rule
from turnout.types import LEVELS, Prediction, Request, Signals

__all__ = ["Rule", "Rules", "judge"]

_LISTED = re.compile(r"^\s*(?:[-*•]|\(?\d{1,2}[.):、]|[a-z]\))\s*\S", re.MULTILINE)
_INLINE_LISTED = re.compile(r"(?:^|\s)\(?\d[.)]\s")
_SUM = re.compile(
    r"\d\s?(?:[-+*/×÷x^%−·]|plus|minus|times|mal|por|más|fois|mais|per|divided by)\s?\d"
)
_NUMBER_WORK = re.compile(r"\d+\s?%|√\s?\d|\d\s?[-+*/×÷]\s?\d")
_DATA_STARTS = re.compile(r":\s|：|(?<=[^\x00-\x7f]):|[\"“„«「『]")
_QUOTES = frozenset('"“„«「『`')
_QUOTED = re.compile(
    r"\"[^\"]{3,2000}\"|[“„][^“”]{3,2000}[“”]|«[^»]{3,2000}»|「[^」]{3,2000}」|『[^』]{3,2000}』"
    r"|`[^`\n]{3,300}`"
)
_LEAST_ASK_CHARS = 4
_SCANNED_CHARS = (900, 600)
"""Characters that are looked at, in most scripts and in dense ones."""

_LEAST_MATTER_CHARS = 40
_LONG_SUM_CHARS = 90
_GENERAL = frozenset({"do", "explain"})
_GIVE_WAY_CHARS = 40
_INLINE_ASK_CHARS = 100


class Rules:
    """Judges the human's ask by ordered, word-bounded rules; the user's own rules come first."""

    name = "rules"

    def __init__(self, user_rules: Sequence[Rule] = ()) -> None:
        self.user_rules = tuple(user_rules)

    def predict(self, request: Request, signals: Signals) -> Prediction:
        """The probability that each level suffices, with the rule that said so."""
        floor, notes = 0, []
        for rule in self.user_rules:
            if not rule.matches(request, signals):
                continue
            if not rule.at_least:
                level = max(floor, rule.level)
                return Prediction(_certain(level), self.name, (f"your rule {rule.name!r}",))
            if rule.level > floor:
                floor = rule.level
                notes.append(f"at least {LEVELS[floor]} by your rule {rule.name!r}")
        curve, evidence = judge(signals)
        size_floor = _size_floor(signals.base_tokens)
        if size_floor > floor:
            floor = size_floor
            notes.append(f"at least {LEVELS[floor]} for its long context")
        if floor:
            curve = at_least(curve, floor)
        return Prediction(curve, self.name, (evidence, *notes))

    def cut(self, quality: float) -> float:
        """The cut on P(adequate) for a `quality` of 0..1; never falls as quality rises."""
        return fitted_cut(quality)


def _size_floor(base_tokens: int) -> int:
    return next((level for tokens, level in CONTEXT_FLOORS if base_tokens > tokens), 0)


def judge(signals: Signals) -> tuple[Curve, str]:
    """The built-in rules: a curve over `LEVELS`, and the reason in words."""
    ask = signals.ask
    if is_follow_up(ask):
        if signals.previous_ask:
            curve, evidence = _judge_ask(signals.previous_ask, signals)
            return curve, f"goes on with the ask before: {evidence}"
        return CURVES["lean"][1], "a follow-up without the ask that it follows"
    if is_small_talk(ask):
        return CURVES["sure"][0], "a greeting or thanks"
    return _judge_ask(ask, signals)


def _judge_ask(ask: str, signals: Signals) -> tuple[Curve, str]:
    text = normalise(_without_quotes(_ends(ask, signals.script)))
    found = mentioned(text, signals.script, signals.language)
    leads = found.keys() & _LEAD_RANK.keys()
    lead = min(leads, key=lambda concept: _lead_order(concept, found), default="")
    _add_shape(found, ask, signals)
    if lead in TRANSFORMS:
        found = _before_the_data(found, ask, lead)
    hardness = hardness_of(signals, found.keys())
    verdict = _first_fit(found, lead)
    if verdict is None:
        return shape_curve(hardness), "no rule fits; judged by the shape of the ask"
    curve = CURVES[verdict.sureness][verdict.level]
    return curve if verdict.sureness == "sure" else leaning(curve, hardness), verdict.evidence


def _ends(ask: str, script: str) -> str:
    """The head and the tail of a long ask, less of both where a character says more."""
    most = _SCANNED_CHARS[script in _DENSE]
    return ask if len(ask) <= most else f"{ask[: most * 2 // 3]}\n{ask[-most // 3 :]}"


def _without_quotes(ask: str) -> str:
    """The ask with what it quotes blanked out: words to work on, not work."""
    if not any(quote in ask for quote in _QUOTES):
        return ask
    blanked = _QUOTED.sub(lambda match: " " * len(match.group()), ask)
    return blanked if len(blanked) - blanked.count(" ") >= _LEAST_ASK_CHARS else ask


def _add_shape(found: dict[str, int], ask: str, signals: Signals) -> None:
    """Add the facts of shape, at position -1."""
    length = len(ask)
    if length <= SHORT_ASK_CHARS * (0.5 if signals.script in _DENSE else 1):
        found["short"] = -1
    elif length >= LONG_ASK_CHARS * (0.4 if signals.script in _DENSE else 1):
        found["long"] = -1
    if length > 40 and _listed_items(ask) >= LISTED_ITEMS:
        found["listed"] = -1
    if _hands_over_matter(ask, signals):
        found["matter"] = -1
    if signals.script in _VERB_LAST or signals.language == "tr":
        found["verb_last"] = -1
    if signals.code:
        found["code_given"] = -1
    if signals.maths:
        found["formula"] = -1
    if length <= _LONG_SUM_CHARS and (_SUM.search(ask.lower()) or _NUMBER_WORK.search(ask)):
        found["sum"] = -1


def _hands_over_matter(ask: str, signals: Signals) -> bool:
    """True when the request brings something to work on."""
    if signals.pasted_chars > _LEAST_MATTER_CHARS or signals.images or signals.documents:
        return True
    if ask.isascii() and ":" not in ask and '"' not in ask:
        return " '" in ask
    return _DATA_STARTS.search(ask) is not None


def _lead_order(concept: str, found: dict[str, int]) -> tuple[int, int]:
    # "fix the typo", "write a haiku": a general verb gives way to what it governs
    give_way = _GIVE_WAY_CHARS if concept in _GENERAL else 0
    return found[concept] + give_way, _LEAD_RANK[concept]


_DENSE = frozenset({"han", "kana", "hangul"})
_VERB_LAST = _DENSE | {"devanagari", "bengali"}
"""Scripts of languages that may name the matter before the verb."""


def _listed_items(ask: str) -> int:
    if "\n" in ask:
        return len(_LISTED.findall(ask))
    if "2" not in ask or ("2)" not in ask and "2." not in ask):
        return 0
    return len(_INLINE_LISTED.findall(ask))


def _before_the_data(found: dict[str, int], ask: str, lead: str) -> dict[str, int]:
    """Only what is said before the colon or the long matter that follows the lead."""
    match = _DATA_STARTS.search(ask, max(0, found[lead]))
    end = match.start() if match else (_INLINE_ASK_CHARS if len(ask) > 300 else len(ask) + 1)
    return {concept: at for concept, at in found.items() if at <= end}


class _Row(NamedTuple):
    verdict: Verdict
    lead: frozenset[str]
    has: tuple[frozenset[str], ...]
    lacks: frozenset[str]


_LEAD_RANK = {concept: rank for rank, concept in enumerate(LEADS)}


@cache
def _rows(lead: str) -> tuple[_Row, ...]:
    """The rows that may fit an ask with this lead, in order."""
    rows = (
        _Row(
            verdict,
            frozenset(verdict.lead.split("|")) if verdict.lead else frozenset(),
            tuple(frozenset(group.split("|")) for group in verdict.has.split(";") if group),
            frozenset(verdict.lacks.split("|")),
        )
        for verdict in TABLE
    )
    return tuple(row for row in rows if not row.lead or lead in row.lead)


def _first_fit(found: dict[str, int], lead: str) -> Verdict | None:
    for verdict, _, has, lacks in _rows(lead):
        if not lacks.isdisjoint(found):
            continue
        for group in has:
            if group.isdisjoint(found):
                break
        else:
            return verdict
    return None


def _certain(level: int) -> Curve:
    low, mid, high = (1.0 if level <= k else 0.0 for k in range(3))
    return (low, mid, high, 1.0)
