"""Prompts are stored only on request, and with what looks like a secret masked.

A best effort, by shape: it cannot know a secret that looks like ordinary words.
"""

from __future__ import annotations

import re

_NAME = r"(?:pass(?:word|wd|phrase)?|secret|api[_-]?key|access[_-]?key|token|credentials?)"
_SECRETS = (
    ("key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*-----|\Z)")),
    (
        "key",
        re.compile(r"\b(?:sk|pk|rk|ghp|gho|ghs|github_pat|xox[abp]|AKIA|AIza)[-_A-Za-z0-9]{12,}"),
    ),
    ("token", re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*")),
    ("token", re.compile(r"(?i)(?<=bearer )[\w.~+/=-]{12,}|(?<=basic )[\w.~+/=-]{12,}")),
    ("password", re.compile(r"(?<=://)[^\s/@:]{1,100}:[^\s/@]{1,200}(?=@)")),
    ("email", re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")),
    ("iban", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,4})?\b")),
    ("number", re.compile(r"(?<![\w.])\+?\d(?:[ -]?\d){9,18}(?!\w)")),
)
_NAMED = re.compile(
    rf"(?i)(\b[\w-]{{0,40}}{_NAME}[\w-]{{0,20}}[\"']?\s*[=:]\s*)([\"']?)[^\s\"',;]{{3,}}"
)


def redact(text: str) -> str:
    """The text with keys, tokens, passwords, addresses, account and phone numbers masked."""
    for name, pattern in _SECRETS:
        text = pattern.sub(f"[{name}]", text)
    return _NAMED.sub(r"\1\2[secret]", text)
