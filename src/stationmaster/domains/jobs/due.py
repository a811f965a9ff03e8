"""The schedules that are due, as one statement reads them."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from stationmaster.db.base import table_of
from stationmaster.domains.executions.models import Spec
from stationmaster.domains.jobs.models import EVERYTHING, Job, MaintenancePause, Schedule

jobs = table_of(Job)
schedules = table_of(Schedule)
specs = table_of(Spec)
narrow = table_of(MaintenancePause).alias("narrow")
wide = table_of(MaintenancePause).alias("wide")


def due_statement(now: datetime, *, limit: int) -> sa.Select[Any]:
    """Return the statement of the first due schedules, each with what its decision and its executions need."""
    return (
        sa.select(
            *(column for column in schedules.c if column.name != "spec_id"),
            jobs.c.name.label("job_name"),
            jobs.c.owner_id,
            jobs.c.paused_at,
            jobs.c.paused_until,
            jobs.c.misfire,
            jobs.c.is_watched,
            *_pause_columns(narrow, "narrow"),
            *_pause_columns(wide, "wide"),
            specs.c.id.label("spec_id"),
            specs.c.target["params"].label("own_params"),
            *(specs.c[name] for name in ("kind", "host", "max_attempts", "script_id", "script_name")),
            *(specs.c[name] for name in ("overlap_policy", "overlap_key", "max_running", "queue_max")),
        )
        .join(jobs, jobs.c.id == schedules.c.job_id)
        .outerjoin(narrow, narrow.c.scope_id == jobs.c.category_id)
        .outerjoin(wide, wide.c.scope_id == EVERYTHING)
        .join(specs, specs.c.id == sa.func.coalesce(schedules.c.spec_id, jobs.c.spec_id))
        .where(schedules.c.next_run_at <= now)
        .order_by(schedules.c.next_run_at, schedules.c.id)
        .limit(limit)
    )


def _pause_columns(table: Any, name: str) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    return table.c.paused_at.label(f"{name}_paused_at"), table.c.paused_until.label(f"{name}_paused_until")
