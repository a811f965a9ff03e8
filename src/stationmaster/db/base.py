"""What every table shares: the metadata with its naming convention, key, times, column types."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from stationmaster.kit import clock
from stationmaster.kit.ids import new_id

# Set before the first table: SQLite can only alter constraints that have names.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = SQLModel.metadata

# JSON text on SQLite, binary JSON on PostgreSQL. A changed dict is not noticed: assign a new one.
# (Typed Any because SQLModel's Field takes an instance and is annotated for a class.)
Json: Any = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

# Put on the columns that tell something about a person (`sa_column_kwargs=PERSONAL`): masking, export and erasure read it.
PERSONAL: dict[str, Any] = {"info": {"personal": True}}


SECRETS_AT_REST = "secrets at rest"
"""The purpose of the key that seals what users give us to keep."""


@dataclass(frozen=True)
class Sealed:
    """How the texts in a column are sealed: with the key of which purpose, and to which row, as a format of its columns."""

    purpose: str
    row: str
    is_nested: bool = False
    """Whether each object inside the JSON that has an `id` is sealed as the row of that id."""


def sealed(
    purpose: str = SECRETS_AT_REST, *, row: str = "{id}", is_nested: bool = False, is_personal: bool = False
) -> dict[str, Any]:
    """Mark a column that holds sealed texts, alone or anywhere in JSON (`sa_column_kwargs=sealed()`).

    `rotate-secrets` reads the mark: a column without it keeps its old key.
    """
    return {"info": {"sealed": Sealed(purpose, row, is_nested)} | ({"personal": True} if is_personal else {})}


def enum_column(kind: type[StrEnum], name: str, *, grows: bool = False) -> Any:
    """Store an enum's values as text with a CHECK, the same on both databases.

    A list that `grows` has no CHECK: on SQLite a longer one would mean to write a large table anew.
    """
    return sa.Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=not grows,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


_FLAG = re.compile(r"(?P<not>NOT )?\b(?P<name>(?:is|has)_\w+)")


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> sa.Index:
    """Make an index of the rows for which a condition in PostgreSQL's words is true; flags are called `is_` or `has_`.

    SQLite takes such an index only for a query with the same words, and SQLAlchemy asks there for `flag = 1`.
    """
    on_sqlite = _FLAG.sub(lambda flag: f"{flag['name']} = {0 if flag['not'] else 1}", where)
    return sa.Index(name, *columns, unique=unique, sqlite_where=sa.text(on_sqlite), postgresql_where=sa.text(where))


class Table(SQLModel):
    """Base of tables that have a UUIDv7 key."""

    id: UUID = Field(default_factory=new_id, primary_key=True)


class TimedTable(Table):
    """Base of tables whose rows people create and change."""

    created_at: datetime = Field(default_factory=clock.now)
    updated_at: datetime = Field(default_factory=clock.now, sa_column_kwargs={"onupdate": clock.now})


def table_of(model: type[SQLModel]) -> sa.Table:
    """Return the core table of a model, for statements on the hot path."""
    table: Any = model.__table__  # type: ignore[attr-defined]  # SQLModel adds it to table classes only
    assert isinstance(table, sa.Table)
    return table
