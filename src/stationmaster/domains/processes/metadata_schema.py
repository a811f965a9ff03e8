"""What the metadata of a process's runs look like, and which of it is personal.

A field that the schema declares and does not mark as personal survives neutralisation. Everything else goes: what is marked,
and what nobody declared, because nobody knows what it says of whom.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from stationmaster.errors import FieldError, Invalid
from stationmaster.kit.instants import parse_instant
from stationmaster.kit.pointer import escape
from stationmaster.web.json_values import check_text
from stationmaster.web.schema import Input, LongText

NEUTRALIZED = "[NEUTRALIZED]"
"""Stands where a personal value stood."""
MAX_FIELDS = 100

FieldType = Literal["string", "integer", "number", "boolean", "date", "datetime", "array", "object", "any"]
_ALIASES = {"str": "string", "text": "string", "int": "integer", "float": "number", "bool": "boolean", "list": "array"}

FieldKey = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(check_text)]


class MetadataField(Input):
    """One field of the metadata of runs; a type alone (`"string"`) is short for it."""

    type: FieldType = Field("string", description="What its values are.")
    personal: bool = Field(False, description="It says something of a person: masked, exported and neutralised.")
    required: bool = Field(False, description="Every new run must have it.")
    filterable: bool = Field(True, description="Its values are listed as choices; personal ones never are.")
    description: LongText | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_short_form(cls, data: Any) -> Any:
        if isinstance(data, str):
            data = {"type": data}
        if isinstance(data, dict) and isinstance(data.get("type"), str):
            return data | {"type": _ALIASES.get(data["type"], data["type"])}
        return data


MetadataSchema = Annotated[dict[FieldKey, MetadataField], Field(max_length=MAX_FIELDS)]
Schema = Mapping[str, MetadataField]


def read_schema(stored: Mapping[str, Any]) -> Schema:
    """Return a schema as it was stored."""
    return {name: MetadataField.model_validate(one) for name, one in stored.items()}


def check_metadata(schema: Schema, meta: Mapping[str, Any], *, is_whole: bool = True, pointer: str = "/meta") -> None:
    """Refuse metadata that the schema does not allow; `is_whole` says that required fields must be there.

    Raises:
        Invalid: names every wrong field.
    """
    errors = [FieldError(detail, f"{pointer}/{escape(name)}") for name, detail in _faults(schema, meta, is_whole)]
    if errors:
        raise Invalid(*errors)


def _faults(schema: Schema, meta: Mapping[str, Any], is_whole: bool) -> Iterator[tuple[str, str]]:
    for name, field in schema.items():
        value = meta.get(name)
        if value is None:
            if field.required and (is_whole or name in meta):
                yield name, "is required by the metadata schema of the process"
        elif not _IS_OF[field.type](value):
            yield name, f"must be of the type {field.type}, says the metadata schema of the process"


def _is_date(value: Any) -> bool:
    return isinstance(value, str) and _reads(date.fromisoformat, value)


def _is_instant(value: Any) -> bool:
    return isinstance(value, str) and _reads(parse_instant, value)


def _reads(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_IS_OF: dict[FieldType, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: _is_number(value) and value == int(value),
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "date": _is_date,
    "datetime": _is_instant,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "any": lambda _value: True,
}


def listed_fields(schema: Schema) -> list[str]:
    """Name the fields whose values may be listed."""
    return [name for name, field in schema.items() if field.filterable and not field.personal]


def neutralize_metadata(schema: Schema, meta: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata without anything that may say something of a person."""
    declared = {name: value for name, value in meta.items() if name in schema}
    return {name: NEUTRALIZED if schema[name].personal else value for name, value in declared.items()}
