"""Adds to Pydantic's schema of a model what every one of ours needs, so that no author can forget it.

Pydantic's lax mode takes `"5"` and `true` for an int, and its strict mode refuses UUIDs, instants and enums that come as
JSON text. Wanted is JSON's own idea of types, so only the scalars that JSON has are made strict, one by one.
The shapes walked here are those of `pydantic_core.core_schema`.
"""

from collections.abc import Callable, Iterator
from typing import Any, cast

from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from stationmaster.kit.instants import format_instant
from stationmaster.web.json_values import INT64_MAX, INT64_MIN, check_text

Node = dict[str, Any]

# Places in a schema that hold values of the user's, not schemas.
_NOT_SCHEMAS = frozenset({"default", "metadata", "serialization", "expected", "members", "config", "cls"})


def harden_input(schema: CoreSchema) -> CoreSchema:
    """Refuse coercion, integers beyond 64 bits, and text with NUL or lone surrogates, anywhere in the model."""
    return _visit(schema, _harden)


def format_instants(schema: CoreSchema) -> CoreSchema:
    """Write every instant of the model as RFC 3339 in UTC with milliseconds."""
    return _visit(schema, _format)


def _visit(schema: CoreSchema, change: Callable[[Node], None]) -> CoreSchema:
    # Collected first: a change may wrap a node, and what it wraps must not be visited again.
    for node in list(_nodes(schema)):
        change(node)
    return schema


def _nodes(part: Any) -> Iterator[Node]:
    if isinstance(part, dict):
        if _is_hardened(part):
            return
        yield part
        for key, value in part.items():
            if key not in _NOT_SCHEMAS:
                yield from _nodes(value)
    elif isinstance(part, list | tuple):
        for item in part:
            yield from _nodes(item)


def _is_hardened(node: Node) -> bool:
    """Say whether this text was wrapped before: an inner model's schema comes to us through each outer model."""
    return node.get("type") == "function-after" and node["function"]["function"] is _refuse_unstorable


def _harden(node: Node) -> None:
    match node.get("type"):
        case "int":
            node["strict"] = True
            if "lt" not in node:
                node.setdefault("le", INT64_MAX)
            if "gt" not in node:
                node.setdefault("ge", INT64_MIN)
        case "bool" | "float":
            node["strict"] = True
        case "str":
            inner = cast("CoreSchema", dict(node))
            node.clear()
            node.update(core_schema.no_info_after_validator_function(_refuse_unstorable, inner))


def _format(node: Node) -> None:
    if node.get("type") == "datetime":
        node.setdefault(
            "serialization",
            core_schema.plain_serializer_function_ser_schema(format_instant, when_used="json-unless-none"),
        )


def _refuse_unstorable(text: str) -> str:
    try:
        return check_text(text)
    except ValueError as error:
        raise PydanticCustomError("text", "{reason}", {"reason": str(error)}) from error
