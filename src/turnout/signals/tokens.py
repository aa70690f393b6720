"""Token estimates by script and content, in the older (`base`) Claude tokenizer.

Text is encoded once and every byte mapped to a class (letter, digit, lead byte of Cyrillic, …),
so counting costs a few C-speed passes. Long text is judged by evenly spaced windows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

WINDOW_CHARS = 256
"""Length of one sampled window, in characters."""

SAMPLE_CHARS = 6144
"""Texts up to this length are counted whole; longer ones by windows of about this total."""

IMAGE_TOKENS = 1600
"""Flat price of an image whose size cannot be read off."""

PAGE_TOKENS = 2000
"""A PDF page costs its text and its picture."""

PAGE_BASE64_CHARS = 60_000
"""Base64 characters of a typical PDF page (about 45 kB)."""

TURN_TOKENS = 4
"""Framing of one message."""

TOOL_TOKENS = 24
"""Framing of one tool definition."""

TOOLS_PREAMBLE_TOKENS = 300
"""The instructions that the API adds as soon as there is any tool."""

_SAMPLED_TOOLS = 8

# class letter → (lead bytes, base tokens per character of that class)
_CLASSES: dict[str, tuple[range | bytes, float]] = {
    "a": (b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", 0.25),
    "0": (b"0123456789", 0.5),
    " ": (b" \t\n\r\x0b\x0c", 0.12),
    ".": (bytes(b for b in range(128) if not chr(b).isalnum() and not chr(b).isspace()), 0.65),
    "l": (range(0xC2, 0xCD), 0.8),  # accented Latin
    "g": (range(0xCD, 0xD0), 0.45),  # Greek
    "c": (range(0xD0, 0xD4), 0.42),  # Cyrillic
    "m": (range(0xD4, 0xD7), 0.6),  # Armenian
    "w": (range(0xD7, 0xD8), 0.45),  # Hebrew
    "r": (range(0xD8, 0xE0), 0.45),  # Arabic and its neighbours
    "i": (range(0xE0, 0xE1), 0.62),  # Indic scripts and Thai
    "v": (range(0xE1, 0xE2), 0.7),  # Vietnamese accents, Georgian, Khmer, …
    "s": (range(0xE2, 0xE3), 0.9),  # punctuation and symbols
    "k": (range(0xE3, 0xE4), 0.75),  # kana and CJK punctuation
    "h": (range(0xE4, 0xEA), 0.75),  # Han
    "u": (range(0xEA, 0xEE), 0.9),  # Hangul
    "o": (range(0xEE, 0xF0), 0.75),  # full-width and presentation forms
    "e": (range(0xF0, 0xF8), 2.0),  # emoji and other astral characters
}
_WEIGHTS = tuple((letter.encode(), weight) for letter, (_, weight) in _CLASSES.items())
_ASCII_WEIGHTS = _WEIGHTS[1:4]
_LETTER_WEIGHT = _WEIGHTS[0][1]
_ACCENTED_LETTER_WEIGHT = 0.29  # inflected Latin languages split words more often than English
_UNSPACED_FACTOR = 1.9  # base64, hashes, minified data
_CONTINUATION = bytes(range(0x80, 0xC0))


def _class_table() -> bytes:
    table = bytearray(b"o" * 256)
    for letter, (leads, _) in _CLASSES.items():
        for byte in leads:
            table[byte] = ord(letter)
    return bytes(table)


_TABLE = _class_table()


def census(text: str) -> bytes:
    """One class letter per character of `text`, in order."""
    if text.isascii():
        return text.encode().translate(_TABLE)
    return text.encode("utf-8", "surrogatepass").translate(_TABLE, _CONTINUATION)


def sample(text: str) -> str:
    """Evenly spaced windows of a long text; the text itself when it is short."""
    length = len(text)
    if length <= SAMPLE_CHARS:
        return text
    count = SAMPLE_CHARS // WINDOW_CHARS
    # integer spacing from the first to the last character, so that both ends are seen
    last = length - WINDOW_CHARS
    starts = (last * i // (count - 1) for i in range(count))
    return "".join([text[start : start + WINDOW_CHARS] for start in starts])


def estimate(text: str) -> int:
    """Estimated `base` tokens of `text`; 0 only for the empty string."""
    if not text:
        return 0
    window = sample(text)
    tokens = _ascii_tokens(window) if window.isascii() else _mixed_tokens(window)
    return max(1, round(tokens * len(text) / len(window)))


def _ascii_tokens(window: str) -> float:
    classes = window.encode().translate(_TABLE)
    digits, spaces, marks = (classes.count(letter) for letter, _ in _ASCII_WEIGHTS)
    letters = len(classes) - digits - spaces - marks
    tokens = letters * _LETTER_WEIGHT + sum(
        count * weight
        for count, (_, weight) in zip((digits, spaces, marks), _ASCII_WEIGHTS, strict=True)
    )
    if len(classes) > 200 and spaces * 40 < len(classes):
        tokens *= _UNSPACED_FACTOR
    return tokens


def _mixed_tokens(window: str) -> float:
    classes = census(window)
    counts = {letter: classes.count(letter) for letter, _ in _WEIGHTS}
    tokens = sum(counts[letter] * weight for letter, weight in _WEIGHTS)
    if counts[b"l"] + counts[b"v"] > counts[b"a"] // 100:
        tokens += counts[b"a"] * (_ACCENTED_LETTER_WEIGHT - _LETTER_WEIGHT)
    return tokens


# -- content blocks ------------------------------------------------------------------------


class Tally:
    """Collects the text and the fixed costs of a part of a request, then estimates once."""

    __slots__ = ("fixed", "scaled_chars", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.fixed = 0
        self.scaled_chars = 0
        """Characters known to exist but not collected."""

    def total(self) -> int:
        """Estimated `base` tokens of everything collected."""
        text = self.texts[0] if len(self.texts) == 1 else "".join(self.texts)
        tokens = estimate(text)
        if self.scaled_chars:
            rate = tokens / len(text) if text else _LETTER_WEIGHT
            tokens += round(self.scaled_chars * rate)
        return tokens + self.fixed

    def content(self, content: object) -> None:
        """Add a message's content: a string or a list of blocks."""
        if isinstance(content, str):
            self.texts.append(content)
        elif isinstance(content, Sequence) and not isinstance(content, bytes | bytearray):
            for block in content:
                self.block(block)

    def block(self, block: object) -> None:
        """Add one content block of any type."""
        if not isinstance(block, Mapping):
            if isinstance(block, str):
                self.texts.append(block)
            return
        kind = block.get("type")
        if kind == "text":
            self._text(block.get("text"))
        elif kind == "tool_result":
            self.fixed += TURN_TOKENS
            self.content(block.get("content"))
        elif kind == "image":
            self.fixed += image_tokens(block)
        elif kind == "document":
            self._document(block)
        elif kind == "thinking":
            self._text(block.get("thinking"))
        else:
            self.texts.extend(_strings(block))

    def _text(self, text: object) -> None:
        if isinstance(text, str):
            self.texts.append(text)

    def _document(self, block: Mapping[str, Any]) -> None:
        source = block.get("source")
        if not isinstance(source, Mapping):
            self.fixed += PAGE_TOKENS
        elif source.get("type") == "content":
            self.content(source.get("content"))
        elif source.get("type") == "text":
            self._text(source.get("data"))
        else:
            self.fixed += document_tokens(source)
        self._text(block.get("title"))
        self._text(block.get("context"))

    def tools(self, tools: Sequence[Mapping[str, Any]]) -> None:
        """Add tool definitions: descriptions whole, schemas from an even sample of the tools."""
        if not tools:
            return
        self.fixed += TOOLS_PREAMBLE_TOKENS + TOOL_TOKENS * len(tools)
        step = max(1, len(tools) // _SAMPLED_TOOLS)
        schema_chars = 0
        sampled = 0
        for index, tool in enumerate(tools):
            self._text(tool.get("name"))
            self._text(tool.get("description"))
            if index % step == 0:
                strings = list(_strings(tool.get("input_schema")))
                schema_chars += sum(map(len, strings))
                sampled += 1
                self.texts.extend(strings)
        self.scaled_chars += schema_chars * (len(tools) - sampled) // sampled


def image_tokens(block: Mapping[str, Any]) -> int:
    """Tokens of an image: by the size of its base64 data, within the API's own bounds."""
    source = block.get("source")
    data = source.get("data") if isinstance(source, Mapping) else None
    if not isinstance(data, str):
        return IMAGE_TOKENS
    # a thumbnail costs less than a photograph; the API scales large ones down to about 1,600
    return min(IMAGE_TOKENS, max(100, len(data) // 100))


def document_tokens(source: Mapping[str, Any]) -> int:
    """Tokens of an attached document, from the length of its base64 data when it is inline."""
    data = source.get("data")
    if not isinstance(data, str):
        return 10 * PAGE_TOKENS  # a link or a file id: a typical document
    return (1 + len(data) // PAGE_BASE64_CHARS) * PAGE_TOKENS


def _strings(value: object) -> Iterator[str]:
    """Every string inside a JSON value, with its punctuation as `":"` between parts."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, Mapping):
            for key, inner in item.items():
                yield f'"{key}":'
                stack.append(inner)
        elif isinstance(item, list | tuple):
            stack.extend(item)
        elif item is not None:
            yield str(item)
