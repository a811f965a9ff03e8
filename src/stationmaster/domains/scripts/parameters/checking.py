"""Holding values against a schema: a Pydantic model is made of it, so that checks, defaults and messages are Pydantic's.

Text patterns are those of Rust's `regex`, which takes time in proportion to the text, whatever the pattern.
"""

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic_core import PydanticUndefined, SchemaError

from stationmaster.domains.scripts.parameters.schema import Parameters, Property, Scalar
from stationmaster.errors import FieldError, Invalid
from stationmaster.kit.instants import parse_instant
from stationmaster.web.schema import Input, JsonObject, JsonValue
from stationmaster.web.validation_errors import to_field_errors

LONGEST_TEXT = 100_000
"""Linux takes 128 KiB for one argument or variable (execve(2), MAX_ARG_STRLEN)."""
MOST_ITEMS = 10_000

Params = Mapping[str, Any]


class ArtifactRef(Input):
    """A file that another execution made, such as that of a step before."""

    execution_id: UUID
    artifact: str = Field(min_length=1, max_length=255)


def check_params(parameters: Parameters, given: Params, *, pointer: str = "/params") -> dict[str, Any]:
    """Return the values with the defaults laid in, as JSON; `pointer` is where the caller gave them.

    Raises:
        Invalid: names each value that is missing, unknown or wrong.
    """
    try:
        checked = _model_of(parameters).model_validate(dict(given))
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        errors = to_field_errors([{**one, "loc": ("body", *one["loc"])} for one in found], given)
        raise Invalid(*(_moved(one, pointer) for one in errors)) from error
    values: dict[str, Any] = checked.model_dump(mode="json", by_alias=True)
    return {name: value for name, value in values.items() if value is not None}


def check_schema(parameters: Parameters) -> None:
    """Refuse a schema that cannot be carried out: a pattern that is none, a default that it would refuse itself.

    Raises:
        ValueError: says which parameter and why.
    """
    for name, found in parameters.properties.items():
        try:
            adapter: TypeAdapter[Any] = TypeAdapter(_type_of(found))
            if found.has_default and found.default is not None:
                adapter.validate_python(found.default)
        except SchemaError as error:
            raise ValueError(f"{name}: the pattern is no regular expression of Rust's `regex`") from error
        except ValidationError as error:
            reason = error.errors(include_url=False)[0]["msg"]
            raise ValueError(f"{name}: its own default is refused: {reason}") from error


def _moved(error: FieldError, pointer: str) -> FieldError:
    return FieldError(error.detail, pointer=f"{pointer}{error.pointer}")


def _model_of(parameters: Parameters) -> type[Input]:
    """Make a model with one field for each parameter; parameters may have names that no attribute can have."""
    fields: dict[str, Any] = {
        f"value_{number}": _field_of(found, name, is_required=name in parameters.required)
        for number, (name, found) in enumerate(parameters.properties.items())
    }
    return create_model("Params", __base__=_Values, **fields)


class _Values(Input):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, protected_namespaces=())


def _field_of(found: Property, name: str, *, is_required: bool) -> Any:
    type_ = _type_of(found)
    if found.has_default:
        return type_ | None if found.default is None else type_, Field(found.default, alias=name)
    if is_required:
        return type_, Field(PydanticUndefined, alias=name)
    return type_ | None, Field(None, alias=name)


def _type_of(found: Property) -> Any:
    if found.enum is not None:
        return Annotated[Any, AfterValidator(partial(_check_choice, found.enum))]
    match found.type:
        case "string":
            return _text_of(found)
        case "integer" | "number":
            return _number_of(found)
        case "boolean":
            return bool
        case "array":
            return _list_of(found)
    return _object_of(found)


def _text_of(found: Property) -> Any:
    match found.format:
        case "file":
            return Annotated[UUID | ArtifactRef, BeforeValidator(_check_file)]
        case "secret":
            return Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
        case "date":
            return Annotated[str, AfterValidator(_check_date)]
        case "date-time":
            return Annotated[str, AfterValidator(_check_instant)]
    longest = min(found.maxLength or LONGEST_TEXT, LONGEST_TEXT)
    return Annotated[str, Field(min_length=found.minLength, max_length=longest, pattern=found.pattern)]


def _number_of(found: Property) -> Any:
    limits = Field(
        ge=found.minimum,
        le=found.maximum,
        gt=found.exclusiveMinimum,
        lt=found.exclusiveMaximum,
        multiple_of=found.multipleOf,
    )
    number: Any = int if found.type == "integer" else float
    return Annotated[number, limits]


def _list_of(found: Property) -> Any:
    inner: Any = _type_of(found.items) if found.items else JsonValue
    most = min(found.maxItems or MOST_ITEMS, MOST_ITEMS)
    return Annotated[list[inner], Field(min_length=found.minItems, max_length=most)]


def _object_of(found: Property) -> Any:
    if found.properties is None:
        return JsonObject
    return _model_of(Parameters(properties=found.properties, required=found.required or []))


def _check_choice(choices: list[Scalar], value: Any) -> Any:
    # `1 == True` in Python, and not in JSON.
    if not any(value == choice and isinstance(value, bool) == isinstance(choice, bool) for choice in choices):
        raise ValueError(f"choose one of {', '.join(map(str, choices))[:200]}")
    return value


def _check_file(value: Any) -> Any:
    try:
        return ArtifactRef.model_validate(value) if isinstance(value, dict) else UUID(value)
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            "give the id of an uploaded file, or {execution_id, artifact} of a file that an execution made"
        ) from error


def _check_date(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("write a date as YYYY-MM-DD") from error
    if len(text) != len("YYYY-MM-DD"):
        raise ValueError("write a date as YYYY-MM-DD")
    return text


def _check_instant(text: str) -> str:
    parse_instant(text)
    return text
