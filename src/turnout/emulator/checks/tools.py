"""Rules about `tools` and `tool_choice`."""

from __future__ import annotations

import re
from typing import Any

from turnout.emulator.checks import values
from turnout.emulator.checks.caching import check_marker
from turnout.emulator.facts import Model
from turnout.emulator.failure import invalid

NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
CUSTOM_KEYS = [
    "type",
    "name",
    "description",
    "input_schema",
    "cache_control",
    "strict",
    "defer_loading",
    "allowed_callers",
    "eager_input_streaming",
    "input_examples",
]
CHOICES = ("auto", "any", "tool", "none")


def check_tools(tools: object) -> None:
    """Custom tools fully, server and client tools with a `type` by name only."""
    names: set[str] = set()
    for index, tool in enumerate(values.array(tools, "tools")):
        path = f"tools.{index}"
        item = values.mapping(tool, path)
        if item.get("type") in (None, "custom"):
            _check_custom(item, path)
        if item.get("cache_control") is not None:
            check_marker(item["cache_control"], f"{path}.cache_control")
        if item.get("name") is None:
            continue  # a toolset, which has no name of its own
        name = values.string(item["name"], f"{path}.name")
        if name in names:
            raise invalid("tools", "Tool names must be unique.")
        names.add(name)


def _check_custom(tool: dict[str, Any], path: str) -> None:
    name = values.string(values.required(tool, "name", path), f"{path}.custom.name")
    if not NAME.fullmatch(name):
        problem = f"String should match pattern '^{NAME.pattern}$'"
        raise invalid(f"{path}.custom.name", problem)
    schema = values.required(tool, "input_schema", f"{path}.custom")
    kind = values.mapping(schema, f"{path}.custom.input_schema").get("type")
    if kind != "object":
        raise invalid(f"{path}.custom.input_schema.type", "Input should be 'object'")
    if tool.get("description") is not None:
        values.string(tool["description"], f"{path}.custom.description")
    values.only(tool, CUSTOM_KEYS, f"{path}.custom")


def check_tool_choice(body: dict[str, Any], model: Model) -> None:
    """The form of `tool_choice`, and whether the model can be forced."""
    choice = body.get("tool_choice")
    if choice is None:
        return
    kind = values.tagged(choice, "tool_choice", CHOICES)
    _check_choice_keys(choice, kind)
    if not body.get("tools") and kind != "none":
        raise invalid("tool_choice", "may only be specified while providing `tools`")
    if not forces_tool(body):
        return
    if not model.forced_tool_choice:
        raise invalid(
            "tool_choice.type",
            f'"{kind}" is not supported for this model. Use "auto" or "none".',
        )
    _check_forced(body, model)


def _check_choice_keys(choice: dict[str, Any], kind: str) -> None:
    extra = {"tool": ("name", "disable_parallel_tool_use"), "none": ()}
    values.only(
        choice, ("type", *extra.get(kind, ("disable_parallel_tool_use",))), f"tool_choice.{kind}"
    )
    if kind == "tool":
        values.string(values.required(choice, "name", "tool_choice.tool"), "tool_choice.tool.name")
    if "disable_parallel_tool_use" in choice:
        path = f"tool_choice.{kind}.disable_parallel_tool_use"
        values.boolean(choice["disable_parallel_tool_use"], path)


def _check_forced(body: dict[str, Any], model: Model) -> None:
    choice = body["tool_choice"]
    if choice["type"] == "tool":
        names = [tool.get("name") for tool in body["tools"]]
        if choice["name"] not in names:
            raise invalid("tool_choice", f"Tool '{choice['name']}' not found in provided tools")
    asked = (body.get("thinking") or {}).get("type")
    # A model that cannot but think, and can be forced, thinks nothing on a forced turn.
    if asked == "enabled" or (asked == "adaptive" and not model.always_thinks):
        raise invalid("thinking", "Thinking may not be enabled when tool_choice forces tool use.")


def forces_tool(body: dict[str, Any]) -> bool:
    """True when `tool_choice` leaves the model no choice but a tool."""
    return (body.get("tool_choice") or {}).get("type") in ("any", "tool")
