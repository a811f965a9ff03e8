"""Says in the caller's words where input is wrong: a JSON Pointer into the body, or the name of a parameter.

Pydantic's locations also name the branches of unions (`("body", "target", "webhook", "url")`). A caller never wrote those,
so a location is followed through the body as it came, and what is not in it is left out.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from stationmaster.errors import FieldError
from stationmaster.kit import pointer

MAX_ERRORS = 50
MAX_DETAIL = 300

_PARAMETERS = frozenset({"query", "path", "header", "cookie"})
_MISSING = object()
_WRONG_TAG = frozenset({"union_tag_invalid", "union_tag_not_found"})
DISCRIMINATOR = "type"
"""The field by which all unions of the API are told apart; pydantic reports the object that it is missing from."""


def to_field_errors(errors: Sequence[Mapping[str, Any]], body: object) -> list[FieldError]:
    """Translate Pydantic's errors; at most 50, for a list of a thousand wrong items says nothing more."""
    return [_to_field_error(error, body) for error in errors[:MAX_ERRORS]]


def _to_field_error(error: Mapping[str, Any], body: object) -> FieldError:
    place, *rest = error["loc"]
    detail = str(error["msg"]).removeprefix("Value error, ")[:MAX_DETAIL]
    detail = detail[:1].upper() + detail[1:]
    if place in _PARAMETERS:
        return FieldError(detail, parameter=str(rest[0]) if rest else str(place))
    if error["type"] in _WRONG_TAG:
        return FieldError(detail, pointer=f"{_pointer(rest, body, is_missing=False)}/{DISCRIMINATOR}")
    return FieldError(detail, pointer=_pointer(rest, body, is_missing=error["type"] == "missing"))


def _pointer(location: Sequence[str | int], body: object, *, is_missing: bool) -> str:
    """Write the location as an RFC 6901 pointer into `body`."""
    written: list[str] = []
    current = body
    for position, part in enumerate(location):
        inner = _step(current, part)
        is_absent_field = is_missing and position == len(location) - 1
        if inner is _MISSING and not is_absent_field:
            continue
        written.append(pointer.escape(str(part)))
        current = inner
    return "".join(f"/{part}" for part in written)


def _step(current: object, part: str | int) -> object:
    if isinstance(current, Mapping):
        return current.get(part, _MISSING)
    if isinstance(current, list) and isinstance(part, int) and 0 <= part < len(current):
        return current[part]
    return _MISSING
