"""Forgetting runs that were deleted long ago; what the months of a process ask for is in `due`."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from stationmaster.db.base import table_of
from stationmaster.db.retention import Rule
from stationmaster.domains.runs import housekeeping
from stationmaster.domains.runs.models import Run, StepRun
from stationmaster.retention_settings import RetentionSettings

_runs = table_of(Run)
_steps = table_of(StepRun)


def rules(settings: RetentionSettings) -> Iterator[Rule]:
    """Offer the rule of deleted runs."""
    text = "Runs that were deleted, themselves or with their process, and all that the work for them left."
    yield Rule("deleted_runs", text, housekeeping.count_deleted, housekeeping.purge_deleted, settings.deleted_runs)


def is_held(step_run_id: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Say that a step run belongs to a run under legal hold, so that what was done for it is kept along."""
    belongs = sa.and_(_steps.c.id == step_run_id, _runs.c.id == _steps.c.run_id)
    return sa.exists().where(belongs, _runs.c.held_at.is_not(None))
