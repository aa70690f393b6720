"""Numbers that callers give, checked; an error names the argument, the value, what is valid."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from turnout.errors import InvalidRequest


def share(field: str, value: object) -> float:
    """A number from 0 to 1, or InvalidRequest."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise InvalidRequest(field, f"{value!r} is not a number from 0 to 1")
    try:
        inside = 0 <= value <= 1
    except InvalidOperation:
        inside = False
    if not inside:
        raise InvalidRequest(field, f"{short(value)} must be from 0 to 1")
    return float(value)


MOST_USD = 10**9
MOST_COUNT = 10**12


def amount(field: str, value: object) -> Decimal:
    """US dollars above zero and up to a thousand million, or InvalidRequest."""
    try:
        dollars = Decimal("NaN") if isinstance(value, bool) else Decimal(str(value))
    except (InvalidOperation, ValueError):
        raise InvalidRequest(field, f"{short(value)!r} is not an amount in US dollars") from None
    if not dollars.is_finite() or not 0 < dollars <= MOST_USD:
        raise InvalidRequest(field, f"{short(value)} must be above zero and up to {MOST_USD:,}")
    return dollars


def count(field: str, value: object) -> int:
    """A whole number, 0 or more, or InvalidRequest."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not 0 <= value <= MOST_COUNT:  # type: ignore[operator]
        raise InvalidRequest(field, f"{short(value)} must be a whole number, 0 or more")
    return value  # type: ignore[return-value]


def short(value: object) -> str:
    """A value for a message: Python itself refuses to print very long numbers."""
    try:
        plain = isinstance(value, (int, float, Decimal, str)) and value != ""
        text = str(value) if plain else repr(value)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}…"
