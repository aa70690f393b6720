"""A turn that a server tool paused is sent back as it is; it is no prefill."""

from __future__ import annotations

from turnout.signals import extract
from turnout.types import Request

ASK = {"role": "user", "content": "Find the newest release notes."}
PAUSED = {
    "role": "assistant",
    "content": [
        {"type": "text", "text": "Looking."},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
    ],
}


def test_a_paused_turn_needs_no_model_that_takes_a_prefill() -> None:
    assert "prefill" not in extract(Request((ASK, PAUSED))).needs


def test_words_to_go_on_from_do() -> None:
    begun = {"role": "assistant", "content": "The notes say"}
    assert "prefill" in extract(Request((ASK, begun))).needs
