"""What is masked before a prompt is stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.ledger.redact import redact


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("my key is sk-ant-api03-abcdefghijklmnop", "my key is [key]"),
        ('{"password": "hunter22"}', '{"password": "[secret]"}'),
        ("DB_PASSWORD=hunter22 make", "DB_PASSWORD=[secret] make"),
        ("api_key: 'abc123def'", "api_key: '[secret]'"),
        ("postgres://admin:s3cret@db/app", "postgres://[password]@db/app"),
        ("Authorization: Bearer abcdefghijklmnop", "Authorization: Bearer [token]"),
        ("write to ann.lee@example.org today", "write to [email] today"),
        ("card 4111 1111 1111 1111 please", "card [number] please"),
        ("call +49 170 123 45 67 now", "call [number] now"),
        ("IBAN DE89 3704 0044 0532 0130 00.", "IBAN [iban]."),
        ("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY----- done", "[key] done"),
    ],
)
def test_secrets_are_masked(text: str, stored: str) -> None:
    assert redact(text) == stored


@pytest.mark.parametrize(
    "text",
    [
        "the 2026-11-21 meeting at 10:15",
        "f(x) = 3.14159",
        "see RFC 9110, section 15.5",
        "日本語の文",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert redact(text) == text


@given(st.text(max_size=300))
def test_any_text_is_taken(text: str) -> None:
    assert isinstance(redact(text), str)
