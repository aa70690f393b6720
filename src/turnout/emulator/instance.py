"""A small JSON value that satisfies a JSON Schema."""

from __future__ import annotations

from typing import Any

DEEPEST = 32
"""Nesting at which a recursive schema is cut off."""

LONGEST = 1000
"""Most items or characters that a minimum is followed to."""

PLAIN: dict[str, Any] = {"string": "text", "boolean": True, "null": None}


def instance(schema: Any, root: Any = None, depth: int = 0) -> Any:
    """The least value of a schema: required keys only, first choice everywhere."""
    root = schema if root is None else root
    if not isinstance(schema, dict) or depth > DEEPEST:
        return None
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if _list(schema.get("enum")):
        return schema["enum"][0]
    if "$ref" in schema:
        return instance(_resolve(str(schema["$ref"]), root), root, depth + 1)
    for key in ("anyOf", "oneOf"):
        if _list(schema.get(key)):
            return instance(schema[key][0], root, depth + 1)
    parts = _list(schema.get("allOf"))
    if parts:
        merged = {key: value for part in parts for key, value in _table(part).items()}
        return instance(merged, root, depth + 1)
    return _of_type(schema, root, depth)


def _of_type(schema: dict[str, Any], root: Any, depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = str(kind[0] if _list(kind) else kind)
    if kind == "object":
        properties = _table(schema.get("properties"))
        keys = _list(schema.get("required", list(properties)))
        named = [key for key in keys if isinstance(key, str)]
        return {key: instance(properties.get(key, {}), root, depth + 1) for key in named}
    if kind == "array":
        least = _count(schema.get("minItems"))
        return [instance(schema.get("items", {}), root, depth + 1)] * least
    if kind in ("integer", "number"):
        return schema.get("minimum", 0)
    if kind == "string":
        return PLAIN["string"].ljust(_count(schema.get("minLength")), "x")
    return PLAIN.get(kind)


def _resolve(reference: str, root: Any) -> Any:
    node = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        node = _table(node).get(step, {})
    return node


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _count(value: Any) -> int:
    return min(value, LONGEST) if isinstance(value, int) and value > 0 else 0
