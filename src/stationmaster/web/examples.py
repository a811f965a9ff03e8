"""Assembles the example of a body from the examples of its fields.

Nothing is invented: a text field says itself what it looks like (`Field(examples=[...])`), and only types whose look is
fixed (UUIDs, instants, numbers, enums) fill in for themselves. A body with a required field that shows nothing has no
example, and a test names it.
"""

from collections.abc import Mapping
from typing import Any, Final

MAX_DEPTH = 8
REF_PREFIX = "#/components/schemas/"

ABSENT: Final = object()

_BY_FORMAT: dict[str, Any] = {
    "binary": "(bytes)",
    "date": "2026-11-21",
    "date-time": "2026-11-21T08:30:00.000Z",
    "duration": "PT5M",
    "email": "ada@example.org",
    "password": "correct horse battery staple",
    "uri": "https://example.org/hook",
    "uuid": "0193b0c8-7d3e-7c4a-9d5e-1f2a3b4c5d6e",
}

Schema = Mapping[str, Any]


def example_of(schema: Schema, components: Mapping[str, Schema], depth: int = 0) -> Any:
    """Return an example of the schema, or `ABSENT`."""
    if depth > MAX_DEPTH:
        return ABSENT
    if "$ref" in schema:
        return example_of(components[schema["$ref"].removeprefix(REF_PREFIX)], components, depth + 1)
    given = _given(schema)
    if given is not ABSENT:
        return given
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return _first(schema[key], components, depth)
    return _by_type(schema, components, depth)


def _given(schema: Schema) -> Any:
    if schema.get("examples"):
        return schema["examples"][0]
    for key in ("example", "const", "default"):
        if schema.get(key) is not None:
            return schema[key]
    return schema["enum"][0] if schema.get("enum") else _BY_FORMAT.get(schema.get("format", ""), ABSENT)


def _first(choices: list[Schema], components: Mapping[str, Schema], depth: int) -> Any:
    for choice in choices:
        if choice.get("type") != "null":
            found = example_of(choice, components, depth + 1)
            if found is not ABSENT:
                return found
    return ABSENT


def _by_type(schema: Schema, components: Mapping[str, Schema], depth: int) -> Any:
    match schema.get("type"):
        case "object":
            return _object(schema, components, depth)
        case "array":
            item = example_of(schema.get("items", {}), components, depth + 1)
            return [] if item is ABSENT else [item]
        case "integer" | "number":
            return max(schema.get("minimum", 1), 1)
        case other:
            return {"boolean": True, "null": None, None: {}}.get(other, ABSENT)


def _object(schema: Schema, components: Mapping[str, Schema], depth: int) -> Any:
    example = {}
    for name, field in schema.get("properties", {}).items():
        value = example_of(field, components, depth + 1)
        if value is not ABSENT:
            example[name] = value
        elif name in schema.get("required", []):
            return ABSENT
    return example
