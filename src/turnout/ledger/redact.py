"""Prompts are stored only on request, and never with secrets in them."""

from __future__ import annotations

import re

_SECRETS = (
    ("key", re.compile(r"\b(?:sk|pk|rk|ghp|gho|xox[abp]|AKIA|AIza)[-_A-Za-z0-9]{12,}")),
    ("token", re.compile(r"\b(?:[Bb]earer|[Bb]asic)\s+[A-Za-z0-9._~+/=-]{12,}")),
    ("token", re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*")),
    ("key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*-----|\Z)")),
    ("password", re.compile(r"(?i)(?<=password[=:])\s*\S+|(?<=passwd[=:])\s*\S+")),
    ("email", re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")),
    ("number", re.compile(r"(?<!\d)(?:\d[ -]?){13,19}(?!\d)")),
)


def redact(text: str) -> str:
    """The text with keys, tokens, passwords, e-mail addresses and card-like numbers masked."""
    for name, pattern in _SECRETS:
        text = pattern.sub(f"[{name}]", text)
    return text
