"""A small JSON value that satisfies a JSON Schema."""

from __future__ import annotations

from typing import Any

DEEPEST = 32
"""Nesting at which a recursive schema is cut off."""

PLAIN: dict[str, Any] = {
    "string": "text",
    "boolean": True,
    "null": None,
}


def instance(schema: Any, root: Any = None, depth: int = 0) -> Any:
    """The least value of a schema: required keys only, first choice everywhere."""
    root = schema if root is None else root
    if not isinstance(schema, dict) or depth > DEEPEST:
        return None
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if schema.get("enum"):
        return schema["enum"][0]
    if "$ref" in schema:
        return instance(_resolve(str(schema["$ref"]), root), root, depth + 1)
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            return instance(schema[key][0], root, depth + 1)
    if schema.get("allOf"):
        merged = {key: value for part in schema["allOf"] for key, value in part.items()}
        return instance(merged, root, depth + 1)
    return _of_type(schema, root, depth)


def _of_type(schema: dict[str, Any], root: Any, depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        properties = schema.get("properties") or {}
        keys = schema.get("required", list(properties))
        return {key: instance(properties.get(key, {}), root, depth + 1) for key in keys}
    if kind == "array":
        count = int(schema.get("minItems", 0))
        return [instance(schema.get("items", {}), root, depth + 1)] * count
    if kind in ("integer", "number"):
        return schema.get("minimum", 0)
    if kind == "string":
        return PLAIN["string"].ljust(int(schema.get("minLength", 0)), "x")
    return PLAIN.get(kind)


def _resolve(reference: str, root: Any) -> Any:
    node = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        node = node.get(step, {}) if isinstance(node, dict) else {}
    return node
