"""The human's ask is told from pasted, quoted and machine-written matter."""

from __future__ import annotations

from typing import Any

import pytest

from turnout.signals import extract
from turnout.types import Request, Signals

LOG = "2026-03-01 10:00:00 ERROR the migration of the architecture failed\n"
TRACE = 'Traceback (most recent call last):\n  File "a.py", line 3, in <module>\nValueError: bad\n'


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def read(*messages: dict[str, Any]) -> Signals:
    return extract(Request(messages=messages))


def ask(text: str) -> str:
    return read(user(text)).ask


def test_a_plain_question_is_the_ask() -> None:
    signals = read(user("  What is a mutex?  "))
    assert signals.ask == "What is a mutex?"
    assert (signals.ask_chars, signals.pasted_chars) == (16, 0)


@pytest.mark.parametrize(
    "pasted",
    [
        LOG * 5,
        TRACE,
        '{"name": "x",\n "items": [\n  1,\n  2\n ]\n}',
        "a,b,c,d\n1,2,3,4\n5,6,7,8",
        "<root>\n<item>refactor</item>\n</root>",
        "diff --git a/x b/x\n@@ -1,2 +1,2 @@\n-old_call()\n+new_call()",
        "> refactor everything\n> across services",
        "```\nrefactor everything across services\n```",
        "def f(x):\n    return x;\n}",
    ],
)
def test_pasted_matter_is_not_the_ask(pasted: str) -> None:
    signals = read(user(f"What is wrong here?\n\n{pasted}"))
    assert signals.ask == "What is wrong here?"
    assert signals.pasted_chars >= len(pasted) * 0.8


def test_the_ask_may_stand_after_the_matter() -> None:
    assert ask(f"{LOG * 80}\nWhich host failed first?").endswith("Which host failed first?")
    assert "migration" not in ask(f"{LOG * 80}\nWhich host failed first?")


def test_the_ask_may_stand_at_both_ends() -> None:
    found = ask(f"Here is a log.\n\n{LOG * 80}\n\nPlease tell me which host failed.")
    assert "Here is a log." in found
    assert "Please tell me which host failed." in found
    assert "architecture" not in found


def test_what_follows_a_colon_is_matter() -> None:
    found = ask("Summarise the text:\n\n" + "The council will migrate its whole archive. " * 12)
    assert found == "Summarise the text:"


def test_requirements_in_a_list_are_part_of_the_ask() -> None:
    found = ask("Write a tool that:\n- reads a file\n- sorts it\n- prints the result")
    assert "prints the result" in found


def test_a_long_spec_of_the_humans_own_words_stays_an_ask() -> None:
    text = (
        "I need a scheduler.\n\nIt should be fair. It must not starve anyone.\n\nPlease add tests."
    )
    assert ask(text) == text


def test_only_the_ends_of_a_long_text_are_kept() -> None:
    signals = read(user("fix the typo in " + "lorem ipsum dolor " * 20_000))
    assert signals.ask.startswith("fix the typo in")
    assert len(signals.ask) <= 4_100
    assert signals.pasted_chars > 300_000


# -- what client programs put in -----------------------------------------------------------


def test_reminders_of_the_client_are_not_the_ask() -> None:
    text = "<system-reminder>\nRefactor nothing.\n</system-reminder>\nwrite a haiku"
    assert ask(text) == "write a haiku"


def test_a_reminder_block_beside_the_text_is_skipped() -> None:
    signals = read(
        user(
            [
                {"type": "text", "text": "<system-reminder>context</system-reminder>"},
                {"type": "text", "text": "write a haiku"},
            ]
        )
    )
    assert signals.ask == "write a haiku"
    assert signals.turns == 1


def test_tool_results_are_matter_and_the_ask_is_the_one_before() -> None:
    signals = read(
        user("Why does the test fail?"),
        assistant([{"type": "tool_use", "id": "t", "name": "run", "input": {"cmd": "pytest"}}]),
        user([{"type": "tool_result", "tool_use_id": "t", "content": "E" * 500}]),
    )
    assert signals.ask == "Why does the test fail?"
    assert signals.in_tool_loop
    assert signals.turns == 1
    assert signals.pasted_chars == 500


def test_a_turn_of_reminders_only_is_not_a_human_turn() -> None:
    signals = read(
        user("write a haiku"),
        assistant("…"),
        user("<system-reminder>tick</system-reminder>"),
    )
    assert signals.ask == "write a haiku"
    assert signals.turns == 1


def test_arguments_of_a_slash_command_are_the_ask() -> None:
    text = (
        "<command-message>review is running</command-message>\n"
        "<command-name>/review</command-name>\n<command-args>the login page</command-args>"
    )
    assert "the login page" in ask(text)
    assert "is running" not in ask(text)


def test_the_previous_ask_is_the_last_one_that_says_something() -> None:
    signals = read(
        user("Plan the migration of the shop to three regions."),
        assistant("plan"),
        user("ok"),
        assistant("step 1 done"),
        user("go on"),
    )
    assert signals.ask == "go on"
    assert signals.previous_ask == "Plan the migration of the shop to three regions."
    assert signals.turns == 3


def test_without_human_text_the_ask_is_empty() -> None:
    assert read().ask == ""
    assert read(assistant("hello")).ask == ""
    assert read(user([])).ask == ""
    assert read(user([{"type": "image", "source": {}}])).ask == ""
