"""Base classes and types of bodies."""

import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, EmailStr, Field, SecretStr, TypeAdapter, ValidationError
from sqlmodel import SQLModel

from stationmaster.web.schema import (
    Count,
    FiniteFloat,
    Input,
    Instant,
    JsonObject,
    JsonValue,
    LongText,
    Output,
    ShortText,
    Text,
)

ID = UUID("0193b0c8-7d3e-7c4a-9d5e-1f2a3b4c5d6e")
NOON = datetime(2026, 11, 21, 12, 0, 0, 123_456, tzinfo=UTC)


class Colour(StrEnum):
    RED = "red"


class Cat(Input):
    type: Literal["cat"]
    lives: int = 9


class Dog(Input):
    type: Literal["dog"]
    name: str = "Rex"


class Everything(Input):
    flag: bool = False
    whole: int = 0
    positive: Annotated[int, Field(gt=0, lt=10)] = 1
    real: float = 0
    text: str = ""
    mail: EmailStr = "ada@example.org"
    secret: SecretStr = SecretStr("")
    key: UUID = ID
    colour: Colour = Colour.RED
    at: Instant = NOON
    length: timedelta = timedelta(0)
    names: dict[str, str] = {}
    numbers: list[int] = []
    pet: Annotated[Cat | Dog, Field(discriminator="type")] | None = None
    inner: list["Everything"] = []
    type: str = ""
    json_object: JsonObject = {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("flag", True),
        ("whole", -5),
        ("positive", 9),
        ("real", 1.5),
        ("real", 2),
        ("text", "é\n😀"),
        ("mail", "ada@example.org"),
        ("key", str(ID)),
        ("colour", "red"),
        ("names", {"a": "b"}),
        ("pet", {"type": "cat", "lives": 7}),
        ("at", "2026-11-21T12:00:00.123Z"),
        ("length", "PT5M"),
        ("type", "anything"),
    ],
)
def test_json_of_the_right_type_is_taken(field: str, value: Any) -> None:
    assert Everything.model_validate({field: value}).model_dump(mode="json")[field] == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("flag", 1),
        ("flag", "true"),
        ("whole", "5"),
        ("whole", True),
        ("whole", 5.0),
        ("whole", 2**63),
        ("whole", -(2**63) - 1),
        ("positive", 10),
        ("real", "1.5"),
        ("real", True),
        ("real", float("nan")),
        ("real", float("inf")),
        ("text", 5),
        ("text", "a\x00"),
        ("text", "\ud800"),
        ("mail", "a\x00@example.org"),
        ("secret", "\x00"),
        ("key", 5),
        ("key", "nonsense"),
        ("colour", "blue"),
        ("names", {"a\x00": "b"}),
        ("names", {"a": "b\x00"}),
        ("numbers", ["1"]),
        ("pet", {"type": "cat", "lives": "9"}),
        ("pet", {"type": "dog", "name": "\x00"}),
        ("pet", {"type": "dog", "lives": 9}),
        ("inner", [{"whole": "5"}]),
        ("inner", [{"inner": [{"text": "\x00"}]}]),
        ("at", "2026-11-21T12:00:00"),
        ("at", 1_700_000_000),
        ("json_object", {"a": float("nan")}),
        ("surprise", 1),
    ],
)
def test_anything_else_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        Everything.model_validate({field: value})


def test_a_model_can_be_made_from_python_values() -> None:
    made = Everything(secret=SecretStr("hunter2"), key=ID, at=NOON, inner=[Everything(whole=1)])

    assert (made.secret.get_secret_value(), made.at, made.inner[0].whole) == (
        "hunter2",
        NOON.replace(microsecond=123_000),
        1,
    )


def test_nesting_does_not_check_a_text_twice() -> None:
    class Leaf(Input):
        text: str

    for _ in range(3):
        type("Outer", (Input,), {"__annotations__": {"leaf": Leaf}})

    assert str(Leaf.__pydantic_core_schema__).count("_refuse_unstorable") == 1


def test_the_schema_keeps_formats_and_limits() -> None:
    properties = Everything.model_json_schema()["$defs"]["Everything"]["properties"]

    at = {"examples": ["2026-11-21T08:30:00.000Z"], "format": "date-time", "type": "string"}
    assert properties["at"].items() >= at.items()
    assert properties["positive"].items() >= {"exclusiveMinimum": 0, "exclusiveMaximum": 10}.items()
    assert properties["mail"]["format"] == "email"


class Event(Output):
    at: datetime
    ended_at: datetime | None = None
    all_at: list[datetime] = []
    instant: Instant = NOON


class EventRow(SQLModel):
    at: datetime


class Log(Output):
    events: list[Event]


def test_every_instant_of_an_answer_is_written_alike() -> None:
    written = json.loads(Log(events=[Event(at=NOON, all_at=[NOON])]).model_dump_json())["events"][0]

    text = "2026-11-21T12:00:00.123Z"
    assert written == {"at": text, "ended_at": None, "all_at": [text], "instant": text}
    assert Event.model_json_schema(mode="serialization")["properties"]["at"]["format"] == "date-time"


def test_an_answer_reads_from_a_row() -> None:
    assert Event.model_validate(EventRow(at=NOON)).at == NOON


def test_an_answer_with_an_instant_without_zone_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Event(at=NOON.replace(tzinfo=None)).model_dump_json()


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        (ShortText, " a b ", "a b"),
        (ShortText, "x" * 255, "x" * 255),
        (ShortText, "Größe 😀", "Größe 😀"),
        (LongText, "", ""),
        (LongText, "a\n\tb", "a\n\tb"),
        (Text, " ", " "),
        (Count, 2**31 - 1, 2**31 - 1),
        (FiniteFloat, -1e15, -1e15),
        (JsonValue, [1, {"a": None}], [1, {"a": None}]),
    ],
)
def test_a_type_takes(kind: Any, value: Any, read: Any) -> None:
    assert TypeAdapter(kind).validate_python(value) == read


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ShortText, "  "),
        (ShortText, "x" * 256),
        (ShortText, "a\r\nBcc: b"),
        (ShortText, "a\x1b[2J"),
        (ShortText, "a\u202eb"),
        (ShortText, "a\x00"),
        (LongText, "x" * 10_001),
        (LongText, "\x00"),
        (Text, "\udfff"),
        (Count, -1),
        (Count, 2**31),
        (FiniteFloat, float("nan")),
        (FiniteFloat, 1e16),
        (JsonValue, float("inf")),
        (JsonObject, []),
    ],
)
def test_a_type_refuses(kind: Any, value: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)


def test_plain_models_are_left_as_they_are() -> None:
    class Plain(BaseModel):
        whole: int

    assert Plain.model_validate({"whole": "5"}).whole == 5
