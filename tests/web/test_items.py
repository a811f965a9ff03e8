"""Items of which only some fields are answered."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import Field, TypeAdapter

from stationmaster.web.items import Item, base_fields, make_item, optional_fields
from stationmaster.web.schema import Output


class Part(Output):
    """Part of a thing."""

    size: int | None = None


class ThingOut(Output):
    """A thing."""

    id: int
    made_at: datetime
    part: Part


class ThingItem(ThingOut, Item):
    """A thing in a list."""

    note: str | None = Field(None, description="On demand.")
    parts: list["ThingItem"] | None = None


THING = ThingOut(id=1, made_at=datetime(2026, 11, 21, tzinfo=UTC), part=Part())


def written(item: Item) -> Any:
    return json.loads(item.model_dump_json())


def test_fields_are_base_when_they_are_required() -> None:
    assert base_fields(ThingItem) == {"id", "made_at", "part"}
    assert optional_fields(ThingItem) == {"note", "parts"}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"id"}, {"id": 1}),
        ({"id", "note"}, {"id": 1, "note": "x"}),
        ({"part"}, {"part": {"size": None}}),
        ({"made_at"}, {"made_at": "2026-11-21T00:00:00.000Z"}),
        (set(), {}),
    ],
)
def test_only_the_chosen_fields_are_written(names: set[str], expected: dict[str, Any]) -> None:
    assert written(make_item(ThingItem, THING, names, note="x")) == expected


def test_items_inside_items_choose_for_themselves() -> None:
    inner = make_item(ThingItem, THING, {"id"})

    assert written(make_item(ThingItem, THING, {"parts"}, parts=[inner])) == {"parts": [{"id": 1}]}


def test_a_list_of_items_is_written_the_same_way() -> None:
    adapter = TypeAdapter(list[ThingItem])

    assert json.loads(adapter.dump_json([make_item(ThingItem, THING, {"id"})])) == [{"id": 1}]


def test_the_schema_promises_no_field_and_describes_all() -> None:
    schema = TypeAdapter(ThingItem).json_schema(mode="serialization")["$defs"]["ThingItem"]

    assert schema["properties"].keys() == {"id", "made_at", "part", "note", "parts"}
    assert "required" not in schema


def test_the_model_it_is_made_of_still_promises_its_fields() -> None:
    assert TypeAdapter(ThingOut).json_schema(mode="serialization")["required"] == ["id", "made_at", "part"]
