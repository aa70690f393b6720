"""Which concepts an ask mentions, and where: word-bounded, in many languages.

English is matched by set look-ups: single words first, phrases only when their longest word was
seen. Other languages are matched by stems, for the language of the ask only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from turnout.classifiers.rules_table import MANY_PARTS

BEGINNING_CHARS = 3
"""Stems are looked up by so many first letters."""

GAP_CHARS = 60
"""What `*` inside a phrase may stand for, in characters."""

_SPACED = str.maketrans(dict.fromkeys('\n\t\r.,;!?()[]{}"<>|/\\-–—:=*#`~…“”„«»¿¡‘’', " "))
_SPACED_ASCII = {key: value for key, value in _SPACED.items() if key < 128}
_MARKS = tuple(chr(key) for key in _SPACED if key >= 128 and chr(key) not in "‘’")

_RELATED = {
    "de": ("de", "nl"),
    "nl": ("nl", "de"),
    "fr": ("fr",),
    "es": ("es", "pt"),
    "pt": ("pt", "es"),
    "it": ("it", "es"),
    "pl": ("pl",),
    "tr": ("tr",),
    "vi": ("vi",),
    "id": ("id",),
    "en": (),
}
_LATIN = ("de", "fr", "es", "pt", "it", "nl", "pl", "tr", "vi", "id")
_BY_SCRIPT = {
    "cyrillic": ("ru", "uk"),
    "greek": ("el",),
    "hebrew": ("he",),
    "arabic": ("ar", "fa"),
    "han": ("zh",),
    "kana": ("ja",),
    "hangul": ("ko",),
    "devanagari": ("hi",),
    "bengali": ("bn",),
    "thai": ("th",),
}

Phrase = tuple[tuple[str, ...], str]
"""The parts of a phrase between its gaps, and the concept it stands for."""


class Stems(NamedTuple):
    """The stems of one language, indexed by how they begin."""

    bounded: bool
    """True when a stem must begin a word."""

    by_beginning: dict[str, list[Phrase]]
    short: list[Phrase]
    by_first: dict[str, list[tuple[frozenset[str], Phrase]]]


class EnglishPhrase(NamedTuple):
    """A phrase with the words it cannot do without."""

    words: frozenset[str]
    parts: tuple[str, ...]
    concept: str


class English(NamedTuple):
    """The English table, indexed for set look-ups."""

    words: Mapping[str, tuple[str, ...]]
    anchors: Mapping[str, tuple[EnglishPhrase, ...]]
    known: frozenset[str]
    """Words of a concept by themselves, and those by which phrases are looked up."""

    vocabulary: frozenset[str]
    """Every word of the table."""

    parts: frozenset[str]
    """Kinds of component; several in one ask mean wide work."""


def normalise(text: str) -> str:
    """Lower case, marks turned to spaces one for one, a space at either end."""
    lowered = text.lower()
    if lowered.isascii():
        return f" {lowered.translate(_SPACED_ASCII)} "
    if "’" in lowered:
        lowered = lowered.replace("’", "'")
    for mark in _MARKS:
        if mark in lowered:
            lowered = lowered.replace(mark, " ")
    return f" {lowered.translate(_SPACED_ASCII)} "


def mentioned(text: str, script: str, language: str) -> dict[str, int]:
    """First position of each concept in a normalised text."""
    found: dict[str, int] = {}
    if script == "latin" or text.isascii():
        _find_english(text, found)
        if language != "en":
            _find_latin(text, language, found)
        return found
    for code in _BY_SCRIPT.get(script, ()):
        _find_stems(text, code, found)
    # code words and loan words are often English whatever the script
    _find_english(text, found)
    return found


def _find_english(text: str, found: dict[str, int]) -> None:
    table = english()
    seen = table.vocabulary.intersection(text.split())
    if len(table.parts & seen) >= MANY_PARTS:
        found["many_parts"] = len(text)
    for word in table.known & seen:
        concepts = table.words.get(word)
        if concepts is not None:
            _note(found, concepts, text.find(f" {word} "))
        for words, parts, concept in table.anchors.get(word, ()):
            # most phrases fall out here, before any search in the text
            if words <= seen and (at := _locate(text, parts)) >= 0:
                _note(found, (concept,), at)


def _find_latin(text: str, language: str, found: dict[str, int]) -> None:
    before = len(found)
    tried = _RELATED.get(language, ())
    for code in tried:
        _find_stems(text, code, found)
    if len(found) == before and len(text) < 600:
        for code in _LATIN:
            if code not in tried:
                _find_stems(text, code, found)


def _find_stems(text: str, language: str, found: dict[str, int]) -> None:
    for parts, concept in _possible(text, stems(language)):
        at = _locate(text, parts)
        if at >= 0:
            _note(found, (concept,), at)


def _possible(text: str, table: Stems) -> Iterator[Phrase]:
    """The phrases whose beginning, or whose characters, the text holds at all."""
    if table.bounded:
        for beginning in {word[:BEGINNING_CHARS] for word in text.split()}:
            yield from table.by_beginning.get(beginning, ())
        yield from table.short
        return
    characters = set(text)
    for first in characters:
        for needed, phrase in table.by_first.get(first, ()):
            if needed <= characters:
                yield phrase


def _note(found: dict[str, int], concepts: tuple[str, ...], at: int) -> None:
    for concept in concepts:
        if at < found.get(concept, 1 << 30):
            found[concept] = at


def _locate(text: str, parts: tuple[str, ...]) -> int:
    """Position of a phrase, its parts in order and no further apart than the gap; or -1."""
    first = at = text.find(parts[0])
    end = at + len(parts[0])
    for part in parts[1:]:
        if at < 0:
            return -1
        # the space that ends one part may begin the next
        at = text.find(part, end - 1, end + GAP_CHARS + len(part))
        end = at + len(part)
    return -1 if at < 0 else first


@cache
def english() -> English:
    """The English table, built on first use."""
    from turnout.classifiers.lexicon.english import PARTS, WORDS

    words: dict[str, tuple[str, ...]] = {}
    anchors: dict[str, list[EnglishPhrase]] = {}
    for concept, entries in WORDS.items():
        for entry in _entries(entries):
            for form in _forms(entry):
                if " " in form:
                    phrase = _english_phrase(form, concept)
                    anchor = max(sorted(phrase.words), key=len)
                    anchors.setdefault(anchor, []).append(phrase)
                else:
                    words[form] = (*words.get(form, ()), concept)
    frozen = {anchor: tuple(phrases) for anchor, phrases in anchors.items()}
    known, parts = frozenset(words) | frozenset(frozen), frozenset(PARTS.split())
    in_phrases = (phrase.words for phrases in frozen.values() for phrase in phrases)
    return English(words, frozen, known, known.union(parts, *in_phrases), parts)


def _english_phrase(form: str, concept: str) -> EnglishPhrase:
    parts = tuple(f" {part.strip()} " for part in form.split("*"))
    return EnglishPhrase(frozenset(form.split()) - {"*"}, parts, concept)


@cache
def stems(language: str) -> Stems:
    """The stems of a language other than English, indexed on first use."""
    from turnout.classifiers.lexicon import tables

    made = Stems(language not in UNBOUNDED, {}, [], {})
    for concept, entries in tables().get(language, {}).items():
        for entry in _entries(entries):
            _index_stem(made, entry, concept)
    return made


def _index_stem(table: Stems, entry: str, concept: str) -> None:
    phrase = (_stem_parts(entry, " " if table.bounded else ""), concept)
    first = phrase[0][0].strip()
    if not table.bounded:
        needed = frozenset("".join(phrase[0]))
        table.by_first.setdefault(first[0], []).append((needed, phrase))
    elif len(first.split()[0]) >= BEGINNING_CHARS:
        table.by_beginning.setdefault(first[:BEGINNING_CHARS], []).append(phrase)
    else:
        table.short.append(phrase)


UNBOUNDED = frozenset({"zh", "ja", "ko", "th", "ar", "fa", "he", "hi", "bn"})
"""Languages without spaces, or whose articles and prepositions cling to the next word."""


def _stem_parts(entry: str, lead: str) -> tuple[str, ...]:
    """`=word` is that whole word, anything else a stem that begins a word."""
    if entry.startswith("="):
        return (f" {entry[1:]} ",)
    return tuple(f"{lead}{part.strip()}" for part in entry.split("*"))


def _entries(entries: str) -> Iterator[str]:
    return (" ".join(entry.split()) for entry in entries.split(",") if entry.strip())


def _forms(entry: str) -> Iterator[str]:
    """The inflections of an entry: `refactor~` is refactor, refactors, refactored, …"""
    if "~" not in entry:
        yield entry
        return
    stem, rest = entry.split("~", 1)
    yield f"{stem}{rest}"
    endings: tuple[str, ...]
    if stem.endswith("y"):
        endings = (f"{stem[:-1]}ies", f"{stem[:-1]}ied", f"{stem}ing")
    elif stem.endswith("e"):
        endings = (f"{stem}s", f"{stem}d", f"{stem[:-1]}ing")
    else:
        endings = (
            f"{stem}s",
            f"{stem}ed",
            f"{stem}ing",
            f"{stem}{stem[-1]}ed",
            f"{stem}{stem[-1]}ing",
        )
    for ending in endings:
        yield f"{ending}{rest}"
