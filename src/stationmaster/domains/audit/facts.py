"""What an entry says of an object before and after: only what changed, and nothing that must not be kept for ever.

Values stay whole in memory, so that a new password can be told from the old one; they are masked when they are written.
Masked are columns that the models mark as personal, every `SecretStr`, and whatever is named like a secret, at any depth.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, SecretStr
from pydantic_core import to_jsonable_python
from sqlmodel import SQLModel

from stationmaster.kit.masking import MASK, names_a_secret

Facts = Mapping[str, Any]

LONGEST_VALUE = 4000
"""Characters of JSON; a longer value of an object is left out, and that it is says the entry."""
_OF_EVERY_ROW = frozenset({"id", "created_at", "updated_at"})


@dataclass(frozen=True)
class Hidden:
    """A value that must not be written; that it changed may be."""

    value: Any


def snapshot(row: SQLModel, *, but: Collection[str] = ()) -> dict[str, Any]:
    """Return the columns of a row as they are now, without its key and times, and without those in `but`."""
    facts = {}
    for attribute in sa.inspect(type(row)).column_attrs:
        column = attribute.columns[0]
        if column.name not in _OF_EVERY_ROW and column.name not in but:
            value = getattr(row, attribute.key)
            is_hidden = value is not None and column.info.get("personal", False)
            facts[column.name] = Hidden(value) if is_hidden else value
    return facts


def difference(before: Facts | None, after: Facts | None) -> tuple[Facts | None, Facts | None]:
    """Leave out of both what is the same in both; what was made or deleted stays whole."""
    if before is None or after is None:
        return before, after
    changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
    return {name: before.get(name) for name in changed}, {name: after.get(name) for name in changed}


def encode(facts: Facts | None) -> str | None:
    """Write facts as JSON with masks."""
    if facts is None:
        return None
    return _write({name: _fit(_plain(value, is_secret=names_a_secret(name))) for name, value in facts.items()})


def decode(text: str | None) -> dict[str, Any] | None:
    """Read what `encode` wrote."""
    return None if text is None else dict(json.loads(text))


def _plain(value: Any, *, is_secret: bool) -> Any:
    match value:
        case None:
            return None
        case BaseModel():
            return _plain(value.model_dump(), is_secret=is_secret)
        case Mapping():
            return {
                str(key): _plain(item, is_secret=is_secret or names_a_secret(str(key))) for key, item in value.items()
            }
        case list() | tuple() | set() | frozenset():
            return [_plain(item, is_secret=is_secret) for item in value]
        case SecretStr() | Hidden():
            return MASK
    return MASK if is_secret else to_jsonable_python(value, fallback=str)


def _fit(value: Any) -> Any:
    length = len(_write(value))
    return value if length <= LONGEST_VALUE else f"({length} characters, left out)"


def _write(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
