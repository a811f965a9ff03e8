"""Base classes and field types of what the API takes and gives.

`Input` models take JSON by JSON's own types: `"5"` and `true` are not numbers; UUIDs, instants, durations and enums are
text. They refuse unknown fields, text that no database stores, and numbers that are not finite or exceed 64 bits.
`Output` models read from table rows and write every instant as `2026-11-21T08:30:00.000Z`.
Models of query parameters derive from neither: there everything is text, and Pydantic's coercion is right.
"""

from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import CoreSchema

from stationmaster.kit.instants import format_instant, normalise, parse_instant, parse_span
from stationmaster.web.hardening import format_instants, harden_input
from stationmaster.web.json_values import check_json, check_text

INT32_MAX = 2**31 - 1


class Input(BaseModel):
    """Base of request bodies and of everything inside them."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        return harden_input(handler(source))


class Output(BaseModel):
    """Base of answers; reads from rows (`from_attributes`).

    `volatile` names the fields that change without anybody editing the object; `If-Match` looks past them (`web.etag`).
    """

    volatile: ClassVar[frozenset[str]] = frozenset({"updated_at"})

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        return format_instants(handler(source))


def _read_instant(value: Any) -> datetime:
    if isinstance(value, str):
        return parse_instant(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return normalise(value)
    raise ValueError("write an instant as text with its time zone, such as 2026-11-21T08:30:00Z")


def _read_range_start(value: Any) -> datetime:
    return parse_span(value).start if isinstance(value, str) else _read_instant(value)


def _read_range_end(value: Any) -> datetime:
    if not isinstance(value, str):
        return _read_instant(value)
    span = parse_span(value)
    return span.end if span.is_day else span.start


def _single_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("only printable characters on one line are allowed here")
    return text


_INSTANT_OR_DATE = WithJsonSchema(
    {
        "anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}],
        "examples": ["2026-11-21T08:30:00.000Z"],
    }
)

Instant = Annotated[
    datetime,
    BeforeValidator(_read_instant),
    PlainSerializer(format_instant, when_used="json-unless-none"),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-21T08:30:00.000Z"]}),
]
"""An instant: taken with any offset, kept in UTC, given with `Z` and milliseconds."""

RangeStart = Annotated[
    datetime, BeforeValidator(_read_range_start), PlainSerializer(format_instant, when_used="json"), _INSTANT_OR_DATE
]
RangeEnd = Annotated[
    datetime, BeforeValidator(_read_range_end), PlainSerializer(format_instant, when_used="json"), _INSTANT_OR_DATE
]
"""Both ends of a range: instants, or dates, which are covered whole (UTC)."""

Text = Annotated[str, AfterValidator(check_text)]
"""Text that every database stores; for query parameters (bodies get the same check from `Input`)."""

ShortText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=255),
    AfterValidator(check_text),
    AfterValidator(_single_line),
]
"""A name or title: 1 to 255 printable characters on one line, trimmed."""

LongText = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(check_text)]
"""A description: up to 10,000 characters, lines allowed, may be empty."""

Count = Annotated[int, Field(ge=0, le=INT32_MAX)]
"""A whole number that an INTEGER column holds."""

FiniteFloat = Annotated[float, Field(allow_inf_nan=False, ge=-1e15, le=1e15)]
"""A number within the range where a double still counts in units below one."""

JsonValue = Annotated[Any, AfterValidator(check_json)]
"""Any JSON value: at most 32 levels, finite numbers, integers of 64 bits, storable text."""

JsonObject = Annotated[dict[str, Any], AfterValidator(check_json)]
"""A JSON object within the limits of `JsonValue`."""
