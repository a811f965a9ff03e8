"""What lists of runs show, and what they can be narrowed to and sorted by."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import select

from stationmaster.db.base import table_of
from stationmaster.db.field_kind import equals_choice
from stationmaster.db.listing import Document, Resource, field
from stationmaster.domains.runs.models import Run, StepRun
from stationmaster.domains.runs.repository import is_visible
from stationmaster.domains.runs.schemas import RunOut
from stationmaster.domains.runs.status import RunStatus, StepStatus
from stationmaster.web.items import Item

_runs = table_of(Run)
_steps = table_of(StepRun)

RUNS = Resource(
    "runs",
    key=field("id", _runs.c.id),
    fields=(
        field("process_id", _runs.c.process_id),
        field("version", _runs.c.version),
        field("entity_id", _runs.c.entity_id),
        field("entity_name", _runs.c.entity_name),
        field("key", _runs.c.key),
        field("status", _runs.c.status),
        field("started_at", _runs.c.started_at),
        field("finished_at", _runs.c.finished_at),
        field("duration_seconds", _runs.c.duration_seconds),
        field("neutralized_at", _runs.c.neutralized_at),
        field("cancelled_at", _runs.c.cancelled_at),
        field("created_by", _runs.c.created_by),
        field("created_at", _runs.c.created_at),
        field("updated_at", _runs.c.updated_at),
        field("deleted_at", _runs.c.deleted_at),
        Document("meta", _runs.c.meta, alias="metadata"),
    ),
)


class RunItem(RunOut, Item):
    """A run in a list; `exclude` may leave out any field."""


@dataclass(frozen=True)
class Filters:
    """What a list of runs is narrowed to; each end of a range is inclusive or open."""

    process_id: UUID | None = None
    entity_id: str | None = None
    entity_name: str | None = None
    statuses: Collection[RunStatus] = ()
    failed_at: UUID | None = None
    is_deleted: bool = False
    ranges: tuple[tuple[str, datetime | None, datetime | None], ...] = ()
    """Name of a column, first instant, and the instant behind the last."""


def list_statement(filters: Filters) -> Any:
    """Select runs."""
    return select(Run).where(*_conditions(filters))


def _conditions(filters: Filters) -> list[sa.ColumnElement[bool]]:
    conditions = [_runs.c.deleted_at.is_not(None) if filters.is_deleted else is_visible()]
    equal = {"process_id": filters.process_id, "entity_id": filters.entity_id}
    conditions += [_runs.c[name] == value for name, value in equal.items() if value is not None]
    if filters.entity_name is not None:
        conditions.append(_runs.c.entity_name.icontains(filters.entity_name, autoescape=True))
    if filters.statuses:
        conditions.append(sa.or_(*(equals_choice(_runs.c.status, status) for status in filters.statuses)))
    if filters.failed_at is not None:
        conditions.append(_has_failed_at(filters.failed_at))
    for name, start, end in filters.ranges:
        if start is not None:
            conditions.append(_runs.c[name] >= start)
        if end is not None:
            conditions.append(_runs.c[name] < end)
    return conditions


def _has_failed_at(step_id: UUID) -> sa.ColumnElement[bool]:
    # As a list of keys: one range of an index, and a run that failed there twice is still listed once.
    failed = sa.select(_steps.c.run_id).where(
        _steps.c.step_id == step_id,
        equals_choice(_steps.c.status, StepStatus.FAILED),
        _steps.c.is_current,
        _steps.c.parent_id.is_(None),
    )
    return _runs.c.id.in_(failed)
