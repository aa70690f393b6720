"""Stems."""

STEMS: dict[str, dict[str, str]] = {}
