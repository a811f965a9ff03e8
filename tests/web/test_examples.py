"""Examples put together from the examples of fields."""

from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field

from stationmaster.web.examples import ABSENT, REF_PREFIX, example_of


class Colour(StrEnum):
    RED = "red"


class Leaf(BaseModel):
    name: str = Field(examples=["leaf"])


class Tree(BaseModel):
    id: UUID
    kind: Literal["tree"]
    colour: Colour
    age: int = Field(ge=3)
    is_green: bool
    leaf: Leaf
    leaves: list[Leaf]
    height: float | None
    note: str | None = None
    parent: "Tree | None" = None


class Mute(BaseModel):
    says: str


def example(model: type[BaseModel]) -> Any:
    schema = model.model_json_schema(ref_template=REF_PREFIX + "{model}")
    return example_of(schema, schema.get("$defs", {}))


def test_an_example_has_every_field_that_shows_itself() -> None:
    shown = example(Leaf)

    assert shown == {"name": "leaf"}


def test_an_example_is_valid() -> None:
    shown = example(Tree)

    assert Tree.model_validate(shown).leaves == [Leaf(name="leaf")]
    assert "note" not in shown


def test_a_required_text_without_example_leaves_the_body_without() -> None:
    assert example(Mute) is ABSENT


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "format": "date"}, "2026-11-21"),
        ({"type": "string", "default": "x"}, "x"),
        ({"type": "string"}, ABSENT),
        ({"type": "integer"}, 1),
        ({"type": "integer", "minimum": 60}, 60),
        ({"type": "array", "items": {"type": "string"}}, []),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, 1),
        ({"anyOf": [{"type": "string"}, {"type": "boolean"}]}, True),
        ({"type": "null"}, None),
        ({}, {}),
    ],
)
def test_each_type_shows_what_it_can(schema: dict[str, Any], expected: Any) -> None:
    assert example_of(schema, {}) == expected


def test_a_schema_without_end_has_no_example() -> None:
    endless = {"type": "object", "properties": {"next": {"$ref": REF_PREFIX + "Endless"}}, "required": ["next"]}

    assert example_of(endless, {"Endless": endless}) is ABSENT
