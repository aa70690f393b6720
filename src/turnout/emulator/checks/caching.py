"""Rules about `cache_control`: its shape, how many there are, and their order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from turnout.emulator.checks import values
from turnout.emulator.failure import ApiError, invalid

MOST_BREAKPOINTS = 4


def check_marker(marker: object, path: str) -> None:
    """One `cache_control` value."""
    values.tagged(marker, path, ("ephemeral",))
    item = values.mapping(marker, path)
    values.only(item, ("type", "ttl"), path)
    if item.get("ttl") is not None:
        values.one_of(item["ttl"], f"{path}.ttl", ("5m", "1h"))


def check_breakpoints(body: dict[str, Any]) -> None:
    """At most four, and no 1-hour one after a 5-minute one."""
    found = list(markers(body))
    if body.get("cache_control") is not None:
        check_marker(body["cache_control"], "cache_control")
        found.append(("cache_control", body["cache_control"]))
    if len(found) > MOST_BREAKPOINTS:
        raise ApiError(
            400,
            f"cache_control: A maximum of {MOST_BREAKPOINTS} blocks with cache_control may be "
            f"provided. Found {len(found)}.",
        )
    short = False
    for path, marker in found:
        if marker.get("ttl") == "1h" and short:
            raise invalid(
                f"{path}.ttl" if path != "cache_control" else "cache_control.ttl",
                "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control "
                "block. Note that blocks are processed in the following order: `tools`, "
                "`system`, `messages`.",
            )
        short = short or marker.get("ttl") != "1h"


def markers(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every marker on a block with its path, in the order the prompt is built."""
    for part in ("tools", "system"):
        listed = body.get(part)
        yield from _marked(listed if isinstance(listed, list) else [], part)
    for index, message in enumerate(body.get("messages") or ()):
        if isinstance(message["content"], list):
            yield from _marked(message["content"], f"messages.{index}.content")


def _marked(blocks: list[Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for index, block in enumerate(blocks):
        inner = block.get("content")
        if block.get("type") == "tool_result" and isinstance(inner, list):
            yield from _marked(inner, f"{path}.{index}.content")
        if block.get("cache_control") is not None:
            yield f"{path}.{index}.cache_control", block["cache_control"]
