"""extract(request) -> Signals: pure, cheap, never raises on odd text."""

from __future__ import annotations

from turnout.signals.conversation import (
    Turns,
    count_tokens,
    human_text,
    needed,
    previous_asks,
    read_turns,
    says_something,
)
from turnout.signals.text import looks_like_code, looks_like_maths, own_words, read_language
from turnout.types import Request, Signals


def extract(request: Request, context_tokens: int | None = None) -> Signals:
    """Read the facts of a request.

    `context_tokens` are `base` tokens that will be sent too but are not in the request.
    """
    messages = request.messages
    turns = read_turns(messages)
    text = human_text(messages[turns.human[-1]]) if turns.human else ""
    own = own_words(text)
    tokens, prefix_tokens = count_tokens(request, turns)
    script, language = read_language(own.ask)
    return Signals(
        ask=own.ask,
        ask_chars=own.ask_chars,
        pasted_chars=own.pasted_chars + turns.tool_result_chars,
        base_tokens=tokens + (context_tokens or 0),
        prefix_base_tokens=prefix_tokens,
        script=script,
        language=language,
        code=looks_like_code(text),
        maths=looks_like_maths(own.ask),
        images=turns.images,
        documents=turns.documents,
        tools=len(request.tools),
        turns=len(turns.human),
        in_tool_loop=turns.in_tool_loop,
        previous_ask=_previous_ask(request, turns) if len(turns.human) > 1 else "",
        needs=needed(request, turns),
    )


def _previous_ask(request: Request, turns: Turns) -> str:
    """The last ask before this one that says something by itself."""
    nearest = ""
    for text in previous_asks(request.messages, turns):
        ask = own_words(text).ask
        if says_something(ask):
            return ask
        nearest = nearest or ask
    return nearest
