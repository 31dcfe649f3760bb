"""Examples, made of the examples that fields have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

Json = dict[str, Any]

_BY_FORMAT = {
    "date-time": "2026-11-23T09:30:00Z",
    "date": "2026-12-01",
    "uuid": "01993f6a-5b7c-7d8e-9f0a-1b2c3d4e5f60",
    "decimal": "0.2",
}
_DEPTH = 8


def example_of(schema: Mapping[str, Any], components: Mapping[str, Any], depth: int = 0) -> Any:
    """A value that fits the schema and looks like one that might be."""
    if "$ref" in schema:
        return example_of(components[str(schema["$ref"]).rpartition("/")[2]], components, depth)
    if schema.get("examples"):
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for way in ("anyOf", "oneOf"):
        if way in schema:
            options = [option for option in schema[way] if option.get("type") != "null"]
            return example_of(options[0], components, depth) if options and depth < _DEPTH else None
    return _plain(schema, components, depth)


def _plain(schema: Mapping[str, Any], components: Mapping[str, Any], depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, components, depth)
    if kind == "array":
        return _array(schema, components, depth)
    if kind == "string":
        return _BY_FORMAT.get(str(schema.get("format", "")), schema.get("default") or "text")
    if kind == "boolean":
        return bool(schema.get("default", True))
    return {"integer": max(1, int(schema.get("minimum", 1))), "number": 1.5}.get(str(kind))


def _array(schema: Mapping[str, Any], components: Mapping[str, Any], depth: int) -> list[Any]:
    if "prefixItems" in schema:
        return [example_of(one, components, depth + 1) for one in schema["prefixItems"]]
    items = schema.get("items")
    return [example_of(items, components, depth + 1)] if items and depth < _DEPTH else []


def _object(schema: Mapping[str, Any], components: Mapping[str, Any], depth: int) -> Json:
    properties = cast("Mapping[str, Json]", schema.get("properties", {}))
    if not properties:
        values = schema.get("additionalProperties")
        return {"en": example_of(cast("Json", values), components, depth + 1)} if isinstance(values, dict) and values else {}
    return {name: example_of(one, components, depth + 1) for name, one in properties.items()}
