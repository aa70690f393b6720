"""What the rules conclude from the concepts of an ask: ordered, the first that fits decides.

A rule fits when its lead is one of `lead` (if any are given), every group of `has` is met by one
of its alternatives, and nothing of `lacks` is there. Besides the concepts of the lexicon there
are facts of shape: `matter` (something to work on is given), `short`, `long`, `listed` (three
or more listed requirements), `question`, `code_given`, `sum`, `formula`,
`verb_last` (languages that may name the matter before the verb).
"""

from __future__ import annotations

from typing import NamedTuple

CONTEXT_FLOORS = ((500_000, 2), (180_000, 1))
"""Above so many `base` tokens nothing below this level is adequate, whatever is asked."""

MANY_PARTS = 3
"""So many kinds of component named in one ask make it wide work."""

SHORT_ASK_CHARS = 140
LONG_ASK_CHARS = 700
LISTED_ITEMS = 3

LEADS = (
    "small_edit", "why_fails", "migrate", "synthesise", "research", "refactor", "debug", "prove",
    "security", "translate", "typo", "summarise", "classify", "extract", "count", "convert",
    "define", "fact", "rewrite", "write_code", "write_text", "design", "compare", "analyse",
    "optimise", "review", "plan", "solve", "ideas", "explain", "do",
)  # fmt: skip
"""Kinds of work; of two that begin at the same word, the one further left here leads."""

TRANSFORMS = frozenset(
    {"extract", "classify", "convert", "count", "translate", "typo", "summarise", "rewrite"}
)
"""Work on given matter: what stands after the colon or the quote is data."""

CURVES: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "sure": (
        (0.96, 0.99, 0.997, 1.0),
        (0.05, 0.95, 0.99, 1.0),
        (0.01, 0.05, 0.95, 1.0),
        (0.005, 0.02, 0.06, 1.0),
    ),
    "likely": (
        (0.85, 0.96, 0.99, 1.0),
        (0.12, 0.86, 0.97, 1.0),
        (0.03, 0.16, 0.87, 1.0),
        (0.01, 0.06, 0.22, 1.0),
    ),
    "lean": (
        (0.66, 0.88, 0.97, 1.0),
        (0.20, 0.72, 0.94, 1.0),
        (0.05, 0.30, 0.78, 1.0),
        (0.03, 0.12, 0.40, 1.0),
    ),
}
"""P(each level suffices), by how sure a rule is and which level it names."""


class Verdict(NamedTuple):
    """One row of the table."""

    level: int
    """Index in `LEVELS`."""

    sureness: str
    """`sure`, `likely` or `lean`: a row of `CURVES`."""

    evidence: str
    lead: str = ""
    has: str = ""
    """Groups separated by `;`, alternatives by `|`."""

    lacks: str = ""


_WORK = "do|write_code|refactor|migrate|design|optimise|security|debug|convert|review|plan|analyse"
_ASKING = "explain|define|fact|count|extract|summarise|small_edit"

_HARD = "symptom|why_fails|compare|analyse|prove|wide|design|refactor|debug|grad_maths"

TABLE = (
    # -- work on given matter --------------------------------------------------------------
    Verdict(0, "sure", "asks to translate given text", "translate", "matter", "wide|law|long"),
    Verdict(0, "likely", "asks to translate", "translate", "short", "wide|long"),
    Verdict(1, "likely", "asks to translate", "translate", "", "wide"),
    Verdict(0, "sure", "asks for a small correction", "typo", "", "wide|write_code|debug"),
    Verdict(0, "sure", "asks to extract from given text", "extract", "matter", "wide|synthesise"),
    Verdict(0, "sure", "asks to classify given text", "classify", "matter", "wide|write_code"),
    Verdict(0, "sure", "asks to convert or reformat", "convert", "matter", "wide|write_code"),
    Verdict(0, "likely", "asks to convert", "convert", "short", "wide|write_code|do|one_place"),
    Verdict(0, "sure", "asks to count", "count", "matter|short", "wide|write_code|maths|solve"),
    Verdict(0, "sure", "asks for a one-line change", "small_edit", "", "wide|symptom|refactor"),
    Verdict(
        0,
        "sure",
        "asks what a word means",
        "",
        "define;short;verb_last",
        "why_fails|compare|do|write_code|prove|refactor|migrate|debug|plan",
    ),
    # -- wide work -------------------------------------------------------------------------
    Verdict(
        3, "sure", "asks for a change across a whole code base", _WORK, "refactor|migrate;wide"
    ),
    Verdict(
        3, "sure", "asks to migrate", "migrate|plan|design|do", "migrate;wide|distributed|guarantee"
    ),
    Verdict(3, "likely", "asks to migrate", "migrate", "", "small"),
    Verdict(3, "likely", "asks for work across many parts", _WORK, "wide"),
    Verdict(3, "likely", "asks for work across many parts", _WORK, "many_parts", "small"),
    Verdict(
        3,
        "sure",
        "asks to design a distributed system with guarantees",
        "design|plan|research|do|write_code|compare|analyse|security",
        "design|do|write_code;distributed;guarantee",
    ),
    Verdict(
        3,
        "likely",
        "asks to design a distributed system",
        "design",
        "distributed|guarantee",
        "small",
    ),
    Verdict(
        3,
        "likely",
        "asks to build a distributed system",
        "do|write_code|plan",
        "distributed;guarantee|listed|long",
        "small",
    ),
    Verdict(
        3,
        "lean",
        "is about the whole of a system",
        "",
        "wide",
        "explain|define|fact|count|extract|summarise|write_text|small_edit|compare|typo|translate",
    ),
    # -- research and synthesis ------------------------------------------------------------
    Verdict(3, "likely", "asks to synthesise many sources", "", "synthesise", "small|define|fact"),
    Verdict(3, "likely", "asks for research", "research", "", "small|write_text|fact"),
    # -- mathematics -----------------------------------------------------------------------
    Verdict(
        3,
        "likely",
        "graduate or olympiad mathematics",
        "prove|solve|do|research|compare|analyse|fact|why_fails",
        "grad_maths",
    ),
    Verdict(3, "likely", "graduate or olympiad mathematics", "", "grad_maths;prove|solve"),
    Verdict(1, "likely", "asks to explain a term", "define|explain", "grad_maths;short", "prove"),
    Verdict(2, "lean", "asks to explain advanced mathematics", "explain", "grad_maths"),
    Verdict(3, "lean", "advanced mathematics", "", "grad_maths", "define|fact|write_text|small"),
    Verdict(2, "sure", "asks for a proof", "prove", "maths|formula"),
    Verdict(2, "likely", "asks for a proof", "", "prove"),
    # -- facts and terms -------------------------------------------------------------------
    Verdict(
        0, "sure", "asks what a word means", "define", "short", "why_fails|compare|do|write_code"
    ),
    Verdict(0, "sure", "a sum", "solve|explain|fact|count|do|", "sum", "maths|write_code|listed"),
    Verdict(0, "sure", "asks for one fact", "fact", "short", _HARD),
    Verdict(0, "likely", "asks for one fact", "explain|fact", "fact;short", _HARD),
    # -- bounded reasoning -----------------------------------------------------------------
    Verdict(2, "sure", "asks why something fails", "why_fails|debug", "symptom|code_given|matter"),
    Verdict(2, "likely", "asks to find a fault", "why_fails|debug", "", "typo|small"),
    Verdict(
        2,
        "likely",
        "asks for a legal or medical judgement",
        "",
        "law|medicine;analyse|compare|review|plan|design|do|why_fails",
        "write_text|translate|fact|small",
    ),
    Verdict(
        1, "likely", "asks to explain", "explain|define", "short", "why_fails|compare|debug|listed"
    ),
    Verdict(2, "likely", "asks for a security review", "", "security", "explain|define|fact|small"),
    Verdict(2, "likely", "asks for a refactor of one module", "refactor"),
    Verdict(
        2,
        "likely",
        "asks to remove a fault",
        "",
        "symptom;do|debug|review|optimise|write_code",
        "explain|write_text",
    ),
    Verdict(
        2,
        "likely",
        "asks for a fiddly algorithm",
        "do|write_code|design|optimise",
        "fiddly",
        "write_text",
    ),
    Verdict(
        2,
        "likely",
        "asks to weigh options",
        "compare|analyse|review|plan|design|do|optimise",
        "compare|analyse;law|medicine|matter|listed|hard_word|long|fiddly|distributed|do|design",
    ),
    Verdict(
        2, "likely", "describes a fault", "", "symptom", "explain|define|write_text|small|fact"
    ),
    Verdict(2, "likely", "asks to design", "design", "", "small|write_text"),
    Verdict(2, "likely", "asks to review", "review", "", "small"),
    Verdict(2, "likely", "asks to weigh options", "compare|analyse", "", "small"),
    Verdict(2, "likely", "asks to plan", "plan", "", "small|write_text"),
    Verdict(2, "likely", "asks to make code faster", "optimise", "", "small"),
    Verdict(2, "lean", "asks for a longer text", "do|write_text", "formal_text", "small|short"),
    Verdict(
        2,
        "lean",
        "asks for code with several requirements",
        "write_code|do",
        "code_given|write_code;listed|hard_word|long",
        "small",
    ),
    # -- small standard work ---------------------------------------------------------------
    Verdict(1, "sure", "asks for a summary", "summarise", "", "wide|compare|analyse|long"),
    Verdict(1, "likely", "asks to summarise", "summarise"),
    Verdict(
        1, "likely", "asks to extract or reformat", "extract|classify|convert|count", "", "long"
    ),
    Verdict(1, "sure", "asks to reword a text", "rewrite", "", "long"),
    Verdict(1, "sure", "asks for a short text", "write_text", "", "long|listed|compare|analyse"),
    Verdict(
        1, "likely", "asks for a short text", "", "do;write_text", "long|listed|compare|analyse"
    ),
    Verdict(
        1,
        "sure",
        "asks for a small piece of code",
        "write_code",
        "",
        "long|listed|hard_word|distributed",
    ),
    Verdict(
        1, "likely", "asks for a small piece of code", "", "do;write_code|one_place", "long|listed"
    ),
    Verdict(
        1, "likely", "asks to explain", "explain|define|fact", "", "long|listed|compare|analyse"
    ),
    Verdict(1, "likely", "asks for ideas", "ideas|plan", "", "long|listed"),
    Verdict(1, "likely", "asks to work out a number", "solve", "", "long|listed|maths"),
    Verdict(1, "lean", "asks to solve an exercise", "solve", "", "long|listed"),
    Verdict(1, "likely", "small talk", "chatty", "short"),
    Verdict(1, "lean", "asks for something small", "", "small;short"),
)
