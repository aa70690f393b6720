"""What a caller may give, and what is said of everything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anthropic.types
import pytest
from hypothesis import given
from hypothesis import strategies as st

import turnout
from turnout.errors import InvalidRequest
from turnout.types import Request
from turnout.wire.anthropic import read_request

HI = {"role": "user", "content": "Hi"}
TOOL = {"name": "save", "description": "Saves", "input_schema": {"type": "object"}}


def user(content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}]


# -- what is taken -------------------------------------------------------------------------


def test_a_prompt_is_one_message() -> None:
    assert read_request("Hi") == Request(messages=(HI,))


def test_a_list_of_messages_and_any_other_iterable() -> None:
    assert read_request([HI]).messages == (HI,)
    assert read_request((HI,)).messages == (HI,)
    assert read_request(message for message in [HI]).messages == (HI,)


def test_a_messages_body_is_taken_apart() -> None:
    body = {
        "model": "auto",
        "stream": True,
        "messages": [HI],
        "system": "Be brief.",
        "tools": [TOOL],
        "max_tokens": 100,
        "metadata": {"user_id": "u1"},
        "temperature": 0.5,
        "some_new_field": {"x": 1},
    }
    assert read_request(body) == Request(
        messages=(HI,),
        system="Be brief.",
        tools=(TOOL,),
        max_tokens=100,
        metadata={"user_id": "u1"},
        options={"temperature": 0.5, "some_new_field": {"x": 1}},
    )


def test_what_is_given_beside_replaces_what_the_input_says() -> None:
    body = {"messages": [HI], "system": "a", "max_tokens": 5, "top_k": 1}
    found = read_request(
        body,
        system="b",
        tools=[TOOL],
        max_tokens=6,
        metadata={"team": "x"},
        options={"top_k": 2, "top_p": 0.5},
    )
    assert (found.system, found.tools, found.max_tokens) == ("b", (TOOL,), 6)
    assert found.metadata == {"team": "x"}
    assert found.options == {"top_k": 2, "top_p": 0.5}


def test_a_request_is_taken_as_it_is() -> None:
    made = Request(messages=(HI,), system="a", max_tokens=5, options={"top_k": 1})
    assert read_request(made) == made


def test_messages_are_passed_on_untouched() -> None:
    block = {"type": "thinking", "thinking": "…", "signature": "sig", "unknown": {"é": [1]}}
    message = {"role": "assistant", "content": [block], "extra": 1}
    assert read_request([HI, message, HI]).messages[1] is message


def test_the_sdks_own_objects_may_be_sent_back() -> None:
    """`response.content` goes straight into the next request, as the SDK's examples do it."""
    content = [
        anthropic.types.ThinkingBlock(type="thinking", thinking="…", signature="sig"),
        anthropic.types.TextBlock(type="text", text="I save it."),
        anthropic.types.ToolUseBlock(type="tool_use", id="toolu_1", name="save", input={"a": 1}),
    ]
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "saved"}
    found = read_request([HI, {"role": "assistant", "content": content}, *user([result])])
    assert found.messages[1]["content"] == [
        {"type": "thinking", "thinking": "…", "signature": "sig"},
        {"type": "text", "text": "I save it."},
        {"type": "tool_use", "id": "toolu_1", "name": "save", "input": {"a": 1}},
    ]


def test_a_mix_of_the_sdks_objects_and_plain_blocks() -> None:
    text = anthropic.types.TextBlock(type="text", text="x")
    found = read_request(user([text, {"type": "text", "text": "y"}]))
    assert [block["text"] for block in found.messages[0]["content"]] == ["x", "y"]


@pytest.mark.parametrize(
    "content",
    [
        "x",
        [{"type": "text", "text": "x"}],
        [{"type": "image", "source": {"type": "url", "url": "https://example.org/x.png"}}],
        [{"type": "tool_result", "tool_use_id": "t", "content": "x"}],
        [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "x"}]}],
        [{"type": "tool_result", "tool_use_id": "t"}],
        [{"type": "a_block_of_next_year", "field": 1}],
        ({"type": "text", "text": "x"},),
        [{"type": "text", "text": ""}, {"type": "text", "text": "x"}],
    ],
    ids=str,
)
def test_every_kind_of_content_is_something_to_answer(content: Any) -> None:
    assert read_request(user(content)).messages[0]["content"] == content


# -- what is refused -----------------------------------------------------------------------

NOTHING = "nothing to answer"

WRONG: list[tuple[Any, str, str]] = [
    # what is given, the field that is named, and what is said of it
    (None, "request", "nothing cannot be routed; give text, a list of messages"),
    (5, "request", "an int cannot be routed"),
    (5.5, "request", "a float cannot be routed"),
    (True, "request", "a bool cannot be routed"),
    (b"Hi", "request", "a bytes cannot be routed"),
    (bytearray(b"Hi"), "request", "a bytearray cannot be routed"),
    (object(), "request", "an object cannot be routed"),
    ("", "messages", NOTHING),
    (" \n\t", "messages", NOTHING),
    ([], "messages", NOTHING),
    (user(""), "messages", NOTHING),
    (user([]), "messages", NOTHING),
    (user([{"type": "text", "text": " "}]), "messages", NOTHING),
    ([{"role": "system", "content": "Be brief."}], "messages", NOTHING),
    ({"messages": []}, "messages", NOTHING),
    (HI, "request", "this is one message; give a list"),
    ({}, "messages", "missing"),
    ({"prompt": "Hi"}, "messages", "missing"),
    ({"messages": None}, "messages", "nothing is not a list of messages"),
    ({"messages": "Hi"}, "messages", "a str is not a list of messages"),
    ({"messages": {"role": "user"}}, "messages", "a dict is not a list of messages"),
    ({"messages": 5}, "messages", "an int is not a list of messages"),
    (["Hi"], "messages[0]", "a str is not a message with role and content"),
    ([HI, None], "messages[1]", "nothing is not a message"),
    ([HI, 5], "messages[1]", "an int is not a message"),
    ([{}], "messages[0].role", "None is not one of user, assistant, system"),
    ([HI, {"role": "boss", "content": "x"}], "messages[1].role", "'boss' is not one of"),
    ([{"role": ["user"], "content": "x"}], "messages[0].role", "is not one of"),
    ([{"role": "user"}], "messages[0].content", "nothing is neither text nor blocks"),
    (user(None), "messages[0].content", "nothing is neither text nor blocks"),
    (user(5), "messages[0].content", "an int is neither text nor blocks"),
    (user(b"x"), "messages[0].content", "a bytes is neither text nor blocks"),
    (user({"type": "text"}), "messages[0].content", "a dict is neither text nor blocks"),
    (user(iter([])), "messages[0].content", "must be a list, so they can be sent twice"),
    (user(["x"]), "messages[0].content[0]", "a str is not a content block with a type"),
    (user([None]), "messages[0].content[0]", "nothing is not a content block"),
    (user([{"text": "x"}]), "messages[0].content[0]", "not a content block with a type"),
    (user([{"type": 5}]), "messages[0].content[0]", "not a content block with a type"),
    (user([{"type": "text"}]), "messages[0].content[0].text", "nothing is not text"),
    (user([{"type": "text", "text": 5}]), "messages[0].content[0].text", "an int is not text"),
    (
        user([{"type": "tool_result", "content": 5}]),
        "messages[0].content[0].content",
        "an int is neither text nor blocks",
    ),
    (
        user([{"type": "tool_result", "content": [{"type": "text", "text": None}]}]),
        "messages[0].content[0].content[0].text",
        "nothing is not text",
    ),
    ({"messages": [HI], "system": 5}, "system", "neither text nor a list of text blocks"),
    ({"messages": [HI], "system": b"x"}, "system", "neither text nor a list of text blocks"),
    ({"messages": [HI], "system": {}}, "system", "neither text nor a list of text blocks"),
    ({"messages": [HI], "system": ["x"]}, "system[0]", "not a content block with a type"),
    ({"messages": [HI], "system": [{"type": "text"}]}, "system[0].text", "nothing is not text"),
    ({"messages": [HI], "tools": 5}, "tools", "an int is not a list of tools"),
    ({"messages": [HI], "tools": "save"}, "tools", "a str is not a list of tools"),
    ({"messages": [HI], "tools": TOOL}, "tools", "a dict is not a list of tools"),
    ({"messages": [HI], "tools": [TOOL, "x"]}, "tools[1]", "a str is not a tool"),
    ({"messages": [HI], "max_tokens": 0}, "max_tokens", "a whole number above zero"),
    ({"messages": [HI], "max_tokens": -1}, "max_tokens", "a whole number above zero"),
    ({"messages": [HI], "max_tokens": 1.5}, "max_tokens", "a whole number above zero"),
    ({"messages": [HI], "max_tokens": "5"}, "max_tokens", "a whole number above zero"),
    ({"messages": [HI], "max_tokens": True}, "max_tokens", "a whole number above zero"),
    ({"messages": [HI], "metadata": 5}, "metadata", "an int is not a mapping"),
]


@pytest.mark.parametrize(("raw", "field", "said"), WRONG)
def test_what_cannot_be_used_is_named_and_said_to_be_wrong(raw: Any, field: str, said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_request(raw)
    assert caught.value.field == field
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"messages": None}, "messages"),
        ({"messages": "Hi"}, "messages"),
        ({"messages": ({},)}, "messages[0].role"),
        ({"messages": ({"role": "user"},)}, "messages[0].content"),
        ({"messages": ()}, "messages"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"tools": 5}, "tools"),
        ({"system": 5}, "system"),
        ({"metadata": 5}, "metadata"),
        ({"options": 5}, "options"),
        ({"options": {"messages": []}}, "options.messages"),
        ({"options": {"max_tokens": 5}}, "options.max_tokens"),
    ],
    ids=str,
)
def test_a_request_of_the_callers_own_is_held_to_the_same_rules(fields: Any, field: str) -> None:
    """These ended as KeyError, TypeError or AttributeError somewhere inside."""
    made = Request(**{"messages": (HI,), **fields})
    with pytest.raises(InvalidRequest) as caught:
        turnout.Router({}, ledger=False).route(made)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("beside", "field"),
    [
        ({"system": 5}, "system"),
        ({"tools": "save"}, "tools"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"metadata": "x"}, "metadata"),
        ({"options": 5}, "options"),
        ({"options": {"tools": []}}, "options.tools"),
        ({"options": {"model": "x"}}, "options.model"),
    ],
    ids=str,
)
def test_what_is_given_beside_is_held_to_the_same_rules(beside: Any, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_request("Hi", **beside)
    assert caught.value.field == field


KEYS = st.sampled_from(["role", "content", "type", "text", "messages", "system", "tools"])
WORDS = st.sampled_from(["user", "assistant", "text", "image", "tool_result"])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
ROUTER = turnout.Router({}, ledger=False)


@given(anything | st.lists(anything).map(user) | anything.map(user))
def test_whatever_is_given_there_is_a_request_or_an_invalid_request(raw: Any) -> None:
    try:
        found = read_request(raw)
    except InvalidRequest:
        return
    assert all(isinstance(message, Mapping) for message in found.messages)
    assert ROUTER.route(found, tier="high").tier == "high"
