"""What in a message is the human's own ask, and what is matter it is about.

Only windows at the head and the tail are ever looked at, so a 5 MB paste costs no more than a
4 kB one.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from turnout.signals.languages import guess_language
from turnout.signals.tokens import census

WINDOW_CHARS = 2000
"""Length of the head and of the tail window, in characters."""

_MACHINE_TAGS = (
    "system-reminder",
    "local-command-stdout",
    "local-command-stderr",
    "local-command-caveat",
    "command-message",
    "bash-stdout",
    "bash-stderr",
    "ide_opened_file",
    "ide_selection",
    "ide_diagnostics",
    "user-prompt-submit-hook",
    "task-notification",
    "session-start-hook",
)
"""Tags in which client programs wrap text that no human wrote."""

_ENVELOPES = re.compile(r"</?(?:command-name|command-args|user_query|user-request|task|question)>")
"""Tags around the human's own words: the words stay."""

_ELEMENT = re.compile(r"<([A-Za-z][\w-]{0,40})(?:\s[^<>]{0,200})?>(.*?)</\1>", re.DOTALL)
_ELEMENT_CHARS = 160
"""An element with more text than this is attached matter."""

_DATA_LINE = r"""\s*(?:
      >\s?\S                                                     # quoted mail
    | (?:diff\ --git|index\ [0-9a-f]{6,}|@@\ |\+\+\+\ |---\ \S|[+-](?=[\w{}()"'/#<]))  # diff
    | \[?\d{4}-\d\d-\d\d[T\ ]\d\d:\d\d | \[?\d\d:\d\d:\d\d | \[\d+\.\d+\]       # log time
    | \[?(?:ERROR|WARN|WARNING|INFO|DEBUG|TRACE|FATAL)\b[\]:\s]                # log level
    | at\ [\w.$<>/]+\s?\( | File\ ".{1,200}",\ line\ \d | Traceback\ \(most       # stack traces
    | Caused\ by:\  | \w+(?:\.\w+)*(?:Error|Exception):\ | goroutine\ \d | \#\d+\ +0x | panic:\s
    | [{}\[\]]+[,;]?\s*$ | "[^"]{1,80}"\s*:\s | [{\[].*[}\]],?$              # JSON
    | [{\[]\s*["{\[\d]
    | -?\d[\d.,eE+-]*\s*$                                                     # bare numbers
    | <[/?!]?[A-Za-z][^<>]{0,200}>                                             # markup
    | (?:def|class|async\ def)\ \w+.*:\s*$ | (?:import|from)\ [\w.]+(?:\ import\b.*|;)?$
    | (?:public|private|protected|static|const|let|var|fn|func|function|package|using)\ .*[{;=(]
    | \#include\b | (?:if|for|while|switch)\s?\(.*[{)]\s*$ | .{0,300}[;{}]\s*$   # code
    | [\w.\[\]]+\s[-+*/|&]?=\s\S.{0,120}[\w)"'\]]$ | return\b.{0,80}$
    | (?:[^,\s]{1,40},){3,}[^,]{0,40}$ | (?:[^\t]{0,60}\t){2,} | \|.*\|\s*$        # tables
    )"""
_POINTS_BELOW = (
    r"\b(?:below|the following|this (?:text|letter|paragraph|article|mail|email|thread|passage)"
    r"|(?:dem|den) folgenden|unten|ci-dessous|suivant|siguiente|seguinte|seguente)\b"
    r"|следующ|ниже|以下|下面|次の|다음|التالي|निम्न"
)
_LIST_ITEM = re.compile(r"\s*(?:[-*•·]|\(?\d{1,2}[.):、]|[a-z]\)|#{1,4}\s)\s*\S")
_SPEAKS = (
    " should ", " must ", " need", "please", "make sure", "ensure", " want ", "don't ", "can you",
    "could you", "i'd like", " you ", "bitte", " soll", " muss", "s'il vous", "doit", "debe",
    "por favor", "deve", "нужно", "должн", "пожалуйста", "请", "必须", "需要", "ください", "해줘",
    "해 주세요", "해주세요", "يجب", "من فضلك", "कृपया", "चाहिए", "lütfen", "proszę",
)  # fmt: skip
"""Signs that a paragraph speaks to the reader rather than being matter to work on."""

_CODE_MARKS = {
    "(": ("();", ") {", "){", "print("),
    "=": ("=> ", "==", "!="),
    "<": ("</",),
    "#": ("#include",),
    "::": ("::",),
    "&&": ("&&",),
    ".": (".py", ".js", ".ts", "self."),
}
"""Marks of source code by a character they hold: one look for it spares looking for them all."""

_CODE_WORDS = ("def ", "import ", "return ", "SELECT ")
_CODE_PUNCTUATION = b"{}[];=<>_#&"
_LEAST_CODE_SIGNS = 2
_LEAST_CODE_SHARE = 0.006
"""Text with fewer of these marks than this is prose with a bracket or two."""

_CODE_CHARS = 700
"""How much of either end is searched for marks of code: code that is there shows soon."""

_SYMBOLS = re.compile(r"[∑∫√∞≤≥≠∈∀∃∂∇π≡⊂→ℝℤℚℂ²³ⁿ]")
_FORMULAS = {
    "\\": r"\\(?:frac|int|sum|sqrt|lim|mathbb|begin|alpha|cdot)",
    "$": r"\$[^$\n]{1,80}[\^_=\\+][^$\n]{0,80}\$",
    "^": r"\b[a-z]\^\d|\b[xyznkfg](?:\([xyznt]\))?\s?\^\s?[\w(-]",
    "=": r"\b[xyznkfg](?:\([xyznt]\))?\s?=\s?[\w(-]",
    "<": r"\b[xyznkfg](?:\([xyznt]\))?\s?<\s?[\w(-]",
    ">": r"\b[xyznkfg](?:\([xyznt]\))?\s?>\s?[\w(-]",
}
"""Formulas by the character without which there is none."""

_SUM = re.compile(r"\d(?:\s?[+*×÷^]\s?|\s[-/]\s)\d")  # not 2026-03-01, nor 24/7
_SUM_MARKS = ("+", "*", "×", "÷", "^", " - ", " / ")

_MAX_LEAD_CHARS = 600
"""A single endless paragraph is an ask only for about this many characters at either end."""


@cache
def _data_line() -> re.Pattern[str]:
    # compiled on first use: most asks never need it, and it takes milliseconds
    return re.compile(_DATA_LINE, re.VERBOSE)


@cache
def _points_below() -> re.Pattern[str]:
    return re.compile(_POINTS_BELOW, re.IGNORECASE)


class OwnWords(NamedTuple):
    """The human's ask and the sizes of both parts, in characters."""

    ask: str
    ask_chars: int
    pasted_chars: int


def own_words(text: str) -> OwnWords:
    """Tell the ask from quoted, fenced and pasted matter."""
    length = len(text)
    if length > 2 * WINDOW_CHARS:
        return _long(text)
    if "\n" not in text and "<" not in text and "`" not in text:
        ask = text.strip()
        return OwnWords(ask, len(ask), 0)
    ask = _ask_of(_without_attachments(text))
    return OwnWords(ask, len(ask), max(0, length - len(ask)))


def _long(text: str) -> OwnWords:
    """The ask of a text longer than both windows: what its two ends say."""
    head = _without_attachments(_whole_lines(text[:WINDOW_CHARS], -1))
    tail = _without_attachments(_whole_lines(text[-WINDOW_CHARS:], 0), tail=True)
    first = _clip_lead(_paragraphs_of_ask(head, open_end=True))
    last = _clip_tail(_closing_words(tail))
    ask = f"{first}\n\n{last}".strip() if last else first
    return OwnWords(ask, len(ask), len(text) - len(ask))


def _whole_lines(window: str, cut_end: int) -> str:
    """A window without the line that was cut in two: the first (0) or the last (-1)."""
    if cut_end:
        kept, line, cut = window.rpartition("\n")
    else:
        cut, line, kept = window.partition("\n")
    return kept if line and len(cut) < len(kept) else window


def _clip_lead(ask: str) -> str:
    return ask if "\n" in ask or len(ask) <= _MAX_LEAD_CHARS else ask[:_MAX_LEAD_CHARS]


def _clip_tail(ask: str) -> str:
    return ask if "\n" in ask or len(ask) <= _MAX_LEAD_CHARS else ask[-_MAX_LEAD_CHARS:]


def strip_machine_text(text: str) -> str:
    """`text` without the blocks that a client program wrapped in its own tags."""
    if "<" not in text:
        return text.strip()
    for tag in _MACHINE_TAGS:
        if f"<{tag}" in text:
            text = _cut_element(text, f"<{tag}", f"</{tag}>")
    if "</" in text[:WINDOW_CHARS]:
        text = _ENVELOPES.sub(" ", text[:WINDOW_CHARS]) + text[WINDOW_CHARS:]
    return text.strip()


def _cut_element(text: str, start: str, end: str) -> str:
    kept, at = [], 0
    while (begin := text.find(start, at)) >= 0:
        close = text.find(end, begin)
        if close < 0:  # somebody writes about the tag
            break
        kept.append(text[at:begin])
        at = close + len(end)
    kept.append(text[at:])
    return "".join(kept)


def _without_attachments(text: str, *, tail: bool = False) -> str:
    """Drop fenced code and long elements; a half of either at the cut edge goes too."""
    if "```" in text:
        parts = text.split("```")
        # an odd number of fences: the window starts (tail) or ends inside a block
        inside = len(parts) % 2 == 0 and tail
        text = "\n".join(part for i, part in enumerate(parts) if i % 2 == inside)
    if "</" in text:
        text = _ELEMENT.sub(_keep_short, text)
    return text.strip()


def _keep_short(match: re.Match[str]) -> str:
    return match.group(2) if len(match.group(2)) <= _ELEMENT_CHARS else "\n"


def _ask_of(text: str) -> str:
    """The ask of a text that fits the windows."""
    if "\n" not in text:
        return text
    ask = _paragraphs_of_ask(text, open_end=False)
    return ask or text[:WINDOW_CHARS]


def _paragraphs_of_ask(text: str, *, open_end: bool) -> str:
    """The paragraphs that speak: the first, the last, and those between that are no matter."""
    paragraphs = [part for part in text.split("\n\n") if part and not part.isspace()]
    kept: list[str] = []
    handed_over = False
    for index, paragraph in enumerate(paragraphs):
        own, matter_follows = _own_lines(paragraph)
        if not own:
            continue
        ends = index == len(paragraphs) - 1 and not open_end
        if index == 0 or (ends and _closes(own, kept)) or _speaks(own, handed_over):
            kept.append(own)
        handed_over = handed_over or matter_follows
    return "\n\n".join(kept)


def _own_lines(paragraph: str) -> tuple[str, bool]:
    """The lines of a paragraph that are not data, and whether it hands over to pasted matter."""
    lines = paragraph.split("\n")
    if len(lines) == 1:
        return ("" if is_data_line(paragraph) else paragraph.strip()), _hands_over(paragraph)
    kept: list[str] = []
    handed_over = False
    for line in lines:
        if is_data_line(line) or (handed_over and not _LIST_ITEM.match(line)):
            continue
        kept.append(line)
        handed_over = handed_over or _hands_over(line)
    return "\n".join(kept).strip(), handed_over


def _hands_over(line: str) -> bool:
    if line.rstrip()[-1:] in (":", "："):
        return True
    return len(line) <= 200 and _points_below().search(line) is not None


def _closes(paragraph: str, kept: list[str]) -> bool:
    """True when a last paragraph reads as the question after the matter."""
    if paragraph.rstrip()[-1:] in "?？؟":
        return True
    return len(paragraph) <= 300 and (not kept or _speaks(paragraph, False))


def _speaks(paragraph: str, handed_over: bool) -> bool:
    """True when a paragraph talks to the reader; after "…:" it must do so plainly."""
    lowered = f" {paragraph.lower()} "
    signs = sum(mark in lowered for mark in _SPEAKS)
    if handed_over:
        return signs >= 2 and len(paragraph) < 300
    return signs >= 1 or len(paragraph) < 240 or bool(_LIST_ITEM.match(paragraph))


def _closing_words(tail: str) -> str:
    """What the end of a long text asks, if its last paragraph is an ask at all."""
    last = tail.rpartition("\n\n")[2]
    own, _ = _own_lines(last)
    if "\n\n" not in tail and "\n" in own:
        own = own.rpartition("\n")[2]
    if not own or len(own) > 1200:
        return ""
    return own if own[-1] in "?？؟" or _speaks(own, len(own) > 300) else ""


def is_data_line(line: str) -> bool:
    """True for a line of a log, trace, diff, table, markup, JSON or code."""
    if not line or (line[0].isalpha() and line[-1] in ".?!,"):
        return False
    return _data_line().match(line[:400]) is not None


def looks_like_code(text: str) -> bool:
    """True when the ends of a text hold source code."""
    if "```" in text[:WINDOW_CHARS] or "```" in text[-WINDOW_CHARS:]:
        return True
    if len(text) > 2 * _CODE_CHARS:
        text = text[:_CODE_CHARS] + text[-_CODE_CHARS:]
    signs = len(text) - len(_ascii(text).translate(None, _CODE_PUNCTUATION))
    if signs < max(_LEAST_CODE_SIGNS, len(text) * _LEAST_CODE_SHARE):
        return False
    seen = 0
    for sign, marks in _CODE_MARKS.items():
        if sign in text:
            seen += sum([mark in text for mark in marks])
    return seen + sum([word in text for word in _CODE_WORDS]) >= 2


def _ascii(text: str) -> bytes:
    """One byte a character, whatever the script."""
    return text.encode("ascii", "replace")


def looks_like_maths(ask: str) -> bool:
    """True when an ask holds formulas or sums."""
    if not ask.isascii() and _SYMBOLS.search(ask):
        return True
    for sign, formula in _FORMULAS.items():
        if sign in ask and re.search(formula, ask):  # compiled on first use, kept by re
            return True
    if not any(mark in ask for mark in _SUM_MARKS):
        return False
    return _SUM.search(ask) is not None


# -- script and language -------------------------------------------------------------------

_SCRIPTS = {
    b"g": "greek",
    b"c": "cyrillic",
    b"w": "hebrew",
    b"r": "arabic",
    b"k": "kana",
    b"h": "han",
    b"u": "hangul",
    b"m": "armenian",
}
_INDIC = (
    (0x0900, 0x0980, "devanagari"),
    (0x0980, 0x0A00, "bengali"),
    (0x0A00, 0x0A80, "gurmukhi"),
    (0x0A80, 0x0B00, "gujarati"),
    (0x0B80, 0x0C00, "tamil"),
    (0x0C00, 0x0C80, "telugu"),
    (0x0E00, 0x0E80, "thai"),
    (0x10A0, 0x1100, "georgian"),
    (0x1780, 0x1800, "khmer"),
)


_LANGUAGE_CHARS = 240
"""The language is guessed from this many characters."""


def read_language(ask: str) -> tuple[str, str]:
    """Dominant script and ISO 639-1 guess of an ask, from its first characters."""
    head = ask[:_LANGUAGE_CHARS]
    if head.isascii():
        return "latin", guess_language("latin", head)
    script = _script_of(head)
    return script, guess_language(script, head)


def _script_of(head: str) -> str:
    classes = census(head)
    latin = classes.count(b"a") + classes.count(b"l") + classes.count(b"v")
    # one Latin word ("PDF", "Python") weighs less than a few Han characters
    best, most = "latin", latin / 4
    for letter, name in _SCRIPTS.items():
        count = classes.count(letter)
        if count > most:
            best, most = name, count
    if best == "han" and classes.count(b"k") * 8 > most:
        best = "kana"
    indic = classes.count(b"i")
    if indic > most or (best == "latin" and classes.count(b"v") > latin / 2):
        return _indic_script(head) or best
    return best


def _indic_script(head: str) -> str:
    for character in head:
        code = ord(character)
        for low, high, name in _INDIC:
            if low <= code < high:
                return name
    return ""
