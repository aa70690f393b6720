"""Languages, flags, needs and token estimates."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.signals import extract
from turnout.signals.tokens import estimate, sample
from turnout.types import Request, Signals


def read(text: str, **fields: Any) -> Signals:
    return extract(Request(messages=({"role": "user", "content": text},), **fields))


def of(*contents: Any, **fields: Any) -> Signals:
    messages = tuple({"role": "user", "content": content} for content in contents)
    return extract(Request(messages=messages, **fields))


# -- language and script -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "script", "language"),
    [
        ("What is the difference between a list and a tuple?", "latin", "en"),
        ("Was ist der Unterschied zwischen einer Liste und einem Tupel?", "latin", "de"),
        ("Quelle est la différence entre une liste et un tuple ?", "latin", "fr"),
        ("¿Cuál es la diferencia entre una lista y una tupla?", "latin", "es"),
        ("Qual é a diferença entre uma lista e uma tupla em Python?", "latin", "pt"),
        ("Qual è la differenza tra una lista e una tupla?", "latin", "it"),
        ("Wat is het verschil tussen een lijst en een tupel?", "latin", "nl"),
        ("Jaka jest różnica między listą a krotką i co jest szybsze?", "latin", "pl"),
        ("Liste ile demet arasındaki fark nedir?", "latin", "tr"),
        ("Sự khác biệt giữa danh sách và bộ là gì?", "latin", "vi"),
        ("Apa perbedaan antara daftar dan tupel di Python?", "latin", "id"),
        ("В чём разница между списком и кортежем?", "cyrillic", "ru"),
        ("Яка різниця між списком і кортежем?", "cyrillic", "uk"),
        ("列表和元组有什么区别?", "han", "zh"),
        ("リストとタプルの違いは何ですか?", "kana", "ja"),
        ("리스트와 튜플의 차이는 무엇인가요?", "hangul", "ko"),
        ("ما الفرق بين القائمة والصف؟", "arabic", "ar"),
        ("تفاوت بین لیست و تاپل چیست؟ چگونه", "arabic", "fa"),
        ("מה ההבדל בין רשימה לטאפל?", "hebrew", "he"),
        ("सूची और टपल में क्या अंतर है?", "devanagari", "hi"),
        ("তালিকা ও টাপলের পার্থক্য কী?", "bengali", "bn"),
        ("รายการกับทูเพิลต่างกันอย่างไร", "thai", "th"),
        ("Ποια είναι η διαφορά λίστας και πλειάδας;", "greek", "el"),
        ("用 Python 写一个 FastAPI 接口", "han", "zh"),
        ("zxcv qwrt", "latin", "und"),
    ],
)
def test_script_and_language_are_guessed(text: str, script: str, language: str) -> None:
    signals = read(text)
    assert (signals.script, signals.language) == (script, language)


# -- flags ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["```py\nx = 1\n```", "why?\nfor (i = 0; i < n; i++) { f(i); }\nif (a == b) { g(); }"],
)
def test_code_is_seen(text: str) -> None:
    assert read(text).code


@pytest.mark.parametrize(
    "text",
    ["I import wine from Portugal.", "Please return the book (the red one) to class B."],
)
def test_prose_is_not_code(text: str) -> None:
    assert not read(text).code


@pytest.mark.parametrize(
    "text", ["What is 2+2?", r"Evaluate \int_0^1 x dx", "solve x^2 = 4", "∀ε>0"]
)
def test_formulas_are_seen(text: str) -> None:
    assert read(text).maths


@pytest.mark.parametrize("text", ["due 2026-03-01", "open 24/7", "hello there"])
def test_dates_and_words_are_not_formulas(text: str) -> None:
    assert not read(text).maths


PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 9000}}
PDF = {
    "type": "document",
    "source": {"type": "base64", "media_type": "application/pdf", "data": "A" * 130_000},
}
TEXT_DOCUMENT = {"type": "document", "source": {"type": "text", "data": "word " * 400}}
TOOL = {"name": "read", "description": "Reads a file.", "input_schema": {"type": "object"}}


def test_attachments_are_counted() -> None:
    signals = of([PNG, PDF, TEXT_DOCUMENT, {"type": "text", "text": "What is this?"}])
    assert (signals.images, signals.documents) == (1, 2)
    assert signals.needs == {"vision", "pdf"}


def test_images_inside_tool_results_need_vision() -> None:
    result = {"type": "tool_result", "tool_use_id": "t", "content": [PNG]}
    assert of("look", [result]).needs == {"vision"}


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({"tools": (TOOL,)}, {"tools"}),
        ({"tools": (TOOL,), "options": {"tool_choice": {"type": "auto"}}}, {"tools"}),
        ({"tools": (TOOL,), "options": {"tool_choice": {"type": "any"}}}, {"tools", "forced_tool"}),
        (
            {"tools": (TOOL,), "options": {"tool_choice": {"type": "tool", "name": "read"}}},
            {"tools", "forced_tool"},
        ),
        (
            {"tools": ({"type": "web_search_20260101", "name": "web_search"},)},
            {"tools", "server_tools"},
        ),
        ({"options": {"output_config": {"format": {"type": "json"}}}}, {"structured_outputs"}),
        ({"options": {"output_config": {"effort": "high"}}}, set()),
        ({}, set()),
    ],
)  # fmt: skip
def test_needs_follow_from_the_request(fields: dict[str, Any], needs: set[str]) -> None:
    assert read("hello", **fields).needs == needs


def test_a_prefilled_answer_and_system_messages_are_needs() -> None:
    messages = (
        {"role": "user", "content": "List three colours."},
        {"role": "system", "content": "Be brief."},
        {"role": "assistant", "content": "1."},
    )
    assert extract(Request(messages=messages)).needs == {"prefill", "system_messages"}


# -- tokens --------------------------------------------------------------------------------

PROSE = "The council met on Tuesday and decided to extend the tram line to the hospital. "
CODE = "    for (let i = 0; i < rows.length; i++) { total += rows[i].price * 1.2; }\n"


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        (PROSE * 50, 0.20, 0.27),
        (CODE * 50, 0.26, 0.42),
        ("Совет решил продлить трамвайную линию. " * 50, 0.33, 0.48),
        ("قرر المجلس تمديد خط الترام إلى المستشفى. " * 50, 0.33, 0.50),
        ("परिषद ने ट्राम लाइन बढ़ाने का निर्णय लिया। " * 50, 0.45, 0.80),
        ("สภาตัดสินใจขยายเส้นทางรถราง" * 50, 0.50, 0.80),
        ("议会决定延长电车线路。" * 50, 0.60, 0.85),
        ("議会は路面電車を延ばすことを決めた。" * 50, 0.60, 0.85),
        ("의회는 전차 노선을 연장하기로 했다. " * 50, 0.55, 0.95),
        ("🦊🚃" * 50, 1.8, 2.2),
    ],
)
def test_tokens_per_character_depend_on_script_and_content(
    text: str, low: float, high: float
) -> None:
    assert low <= estimate(text) / len(text) <= high


def test_a_million_chinese_characters_still_fit_a_million_token_window() -> None:
    tokens = read("分析这份报告的内容。" * 100_000).base_tokens
    assert tokens >= 500_000
    assert tokens * 1.3 < 985_000


def test_sampling_a_long_text_agrees_with_counting_it() -> None:
    text = PROSE * 3000
    assert len(sample(text)) < len(text) / 10
    whole = sum(estimate(text[i : i + 4000]) for i in range(0, len(text), 4000))
    assert abs(estimate(text) - whole) < 0.03 * whole


def test_everything_that_is_sent_is_counted() -> None:
    bare = read("hello").base_tokens
    long = "word " * 400
    assert read("hello", system=long).base_tokens > bare + 400
    assert read("hello", system=[{"type": "text", "text": long}]).base_tokens > bare + 400
    assert read("hello", tools=({**TOOL, "description": long},)).base_tokens > bare + 400
    assert of([PNG, {"type": "text", "text": "hello"}]).base_tokens >= bare + 80
    assert of([PDF, {"type": "text", "text": "hello"}]).base_tokens >= bare + 4000
    assert of([TEXT_DOCUMENT, {"type": "text", "text": "hello"}]).base_tokens > bare + 400
    thinking = {"type": "thinking", "thinking": long, "signature": "x"}
    result = {"type": "tool_result", "content": [{"type": "text", "text": long}]}
    turns = (
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": [thinking]},
        {"role": "user", "content": [result]},
    )
    assert extract(Request(messages=turns)).base_tokens > bare + 800


def test_the_callers_context_is_added() -> None:
    request = Request(messages=({"role": "user", "content": "hello"},))
    assert extract(request, 5000).base_tokens == extract(request).base_tokens + 5000


def test_the_prefix_is_all_but_the_last_human_turn() -> None:
    alone = read("hello")
    assert alone.prefix_base_tokens == 0
    signals = extract(
        Request(
            system="You are careful. " * 100,
            messages=(
                {"role": "user", "content": PROSE * 20},
                {"role": "assistant", "content": PROSE * 20},
                {"role": "user", "content": "hello"},
            ),
        )
    )
    assert signals.base_tokens - signals.prefix_base_tokens == alone.base_tokens
    assert signals.prefix_base_tokens > 1000


def test_many_tools_are_estimated_from_a_sample() -> None:
    schema = {"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(30)}}
    tools = tuple({"name": f"t{i}", "description": "x", "input_schema": schema} for i in range(64))
    eight = read("hi", tools=tools[:8]).base_tokens
    assert 6 < (read("hi", tools=tools).base_tokens - 300) / (eight - 300) < 9


# -- odd text ------------------------------------------------------------------------------


@given(st.text(st.characters(), max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    signals = read(text)
    assert signals.base_tokens >= 0
    assert signals.ask_chars >= len(signals.ask) - 2


ODD = {
    "surrogate": "\ud800 alone",
    "nul": "\x00\x01",
    "emoji": "🦊" * 5000,
    "5 MB": "x" * 5_000_000,
    "newlines": "\n" * 50_000,
    "fences": "```" * 3001,
    "tags": "<a>" * 9000,
}


@pytest.mark.parametrize("name", ODD)
def test_odd_text_can_be_read(name: str) -> None:
    assert read(ODD[name]).base_tokens >= 1


def some(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20), some, max_leaves=12
)
roles = st.sampled_from(["user", "assistant", "system"])
kinds = st.sampled_from(["text", "image", "document", "tool_result", "tool_use", "thinking", None])
messages_of = st.lists(st.fixed_dictionaries({"role": roles, "content": values}), max_size=4)
blocks_of = st.lists(
    st.fixed_dictionaries({"type": kinds, "source": values, "content": values, "text": values}),
    max_size=4,
)


@given(messages_of)
def test_malformed_content_can_be_read(messages: list[dict[str, Any]]) -> None:
    assert extract(Request(messages=tuple(messages))).base_tokens >= 0


@given(blocks_of)
def test_malformed_blocks_can_be_read(content: list[dict[str, Any]]) -> None:
    assert of(content).base_tokens >= 0
