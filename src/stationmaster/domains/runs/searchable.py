"""By what the runs of a process can be found: fields, operators, and the values of what is not personal."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.field_kind import TEXTUAL
from stationmaster.db.json_member import member_text
from stationmaster.db.listing import Field as ListField
from stationmaster.domains.processes.metadata_schema import MetadataField, listed_fields, read_schema
from stationmaster.domains.processes.models import Process
from stationmaster.domains.runs.listing import RUNS
from stationmaster.domains.runs.models import Run
from stationmaster.domains.runs.status import RunStatus
from stationmaster.kit.filters import Operator
from stationmaster.web.schema import Output

NEWEST = 10_000
"""Runs of a process whose values are looked through."""
MOST_VALUES = 100

_runs = table_of(Run)


class FieldOut(Output):
    """One field by which runs are found."""

    name: str = Field(description="As in `filter` and `order_by`.", examples=["meta.case_type"])
    type: str = Field(description="What its values are.", examples=["string"])
    description: str | None
    operators: list[str] = Field(description="That `filter` takes.", examples=[["=", "!=", "like"]])
    sortable: bool
    personal: bool
    filter_format: str | None = Field(description="How to write it in `meta_filter`.", examples=["case_type:value"])
    values: list[str] | None = Field(
        description="What is found in the newest runs, at most 100; null for what is personal or not listed.",
        examples=[["carport", "garage"]],
    )


class SearchableFieldsOut(Output):
    """By what the runs of a process can be found."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "process_id": "019aa1c0-4444-7aaa-8bbb-0123456789ab",
                    "process_name": "building-permits",
                    "standard_fields": [
                        {
                            "name": "status",
                            "type": "string",
                            "description": None,
                            "operators": ["=", "!="],
                            "sortable": True,
                            "personal": False,
                            "filter_format": None,
                            "values": ["pending", "running", "completed", "failed", "cancelled"],
                        }
                    ],
                    "metadata_fields": [
                        {
                            "name": "meta.case_type",
                            "type": "string",
                            "description": None,
                            "operators": ["=", "!=", ">", "<", ">=", "<=", "like"],
                            "sortable": True,
                            "personal": False,
                            "filter_format": "case_type:value",
                            "values": ["carport", "garage"],
                        }
                    ],
                }
            ]
        }
    )

    process_id: UUID
    process_name: str
    standard_fields: list[FieldOut]
    metadata_fields: list[FieldOut]


async def describe_fields(session: AsyncSession, process: Process) -> SearchableFieldsOut:
    """Describe the fields of a process's runs."""
    schema = read_schema(process.run_metadata_schema)
    values = {name: await _list_values(session, process.id, name) for name in listed_fields(schema)}
    return SearchableFieldsOut(
        process_id=process.id,
        process_name=process.name,
        standard_fields=[_standard(found) for found in (RUNS.key, *RUNS.fields) if isinstance(found, ListField)],
        metadata_fields=[_metadata(name, field, values.get(name)) for name, field in schema.items()],
    )


async def _list_values(session: AsyncSession, process_id: UUID, name: str) -> list[str]:
    """Return the distinct values of a field in the newest runs."""
    newest = (
        sa.select(member_text(_runs.c.meta, name).label("value"))
        .where(_runs.c.process_id == process_id, _runs.c.deleted_at.is_(None))
        .order_by(_runs.c.id.desc())
        .limit(NEWEST)
        .subquery()
    )
    statement = sa.select(newest.c.value).where(newest.c.value.is_not(None)).distinct().order_by(newest.c.value)
    return list(await session.scalars(statement.limit(MOST_VALUES)))


def _operators(operators: frozenset[Operator]) -> list[str]:
    return [operator.value for operator in Operator if operator in operators]


_WORDS = {sa.Uuid: "uuid", sa.Boolean: "boolean", sa.Float: "number", sa.Integer: "integer", sa.DateTime: "datetime"}


def _standard(found: ListField) -> FieldOut:
    column: Any = found.expression
    kind = getattr(column.type, "impl_instance", column.type)
    return FieldOut(
        name=found.name,
        type=next((word for of, word in _WORDS.items() if isinstance(kind, of)), "string"),
        description=None,
        operators=_operators(found.operators),
        sortable=found.is_sortable,
        personal=bool(column.info.get("personal")),
        filter_format=None,
        values=[status.value for status in RunStatus] if found.name == "status" else None,
    )


def _metadata(name: str, field: MetadataField, values: list[str] | None) -> FieldOut:
    return FieldOut(
        name=f"meta.{name}",
        type=field.type,
        description=field.description,
        operators=_operators(TEXTUAL),
        sortable=field.type not in {"array", "object"},
        personal=field.personal,
        filter_format=f"{name}:value",
        values=values,
    )
