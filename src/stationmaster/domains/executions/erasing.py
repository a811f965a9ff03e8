"""Forgetting what executions hold of somebody: what they were told to do, what came of it, and what they said.

That there was an execution, when, and how it ended stays.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db import blobs
from stationmaster.db.base import table_of
from stationmaster.domains.executions.artifact_models import Artifact
from stationmaster.domains.executions.external import tasks as external_tasks
from stationmaster.domains.executions.journals.models import Journal, JournalChunk
from stationmaster.domains.executions.models import Attempt, Execution, Spec
from stationmaster.domains.executions.states import ACTIVE

_executions = table_of(Execution)
_attempts = table_of(Attempt)
_specs = table_of(Spec)
_journals = table_of(Journal)
_chunks = table_of(JournalChunk)
_artifacts = table_of(Artifact)


async def find_busy(session: AsyncSession, step_run_ids: Collection[UUID]) -> set[UUID]:
    """Return those step runs for which an execution is queued or running."""
    statement = sa.select(_executions.c.step_run_id).where(
        _executions.c.step_run_id.in_(step_run_ids), _executions.c.state.in_(ACTIVE)
    )
    return set(await session.scalars(statement))


async def export_of_step_runs(session: AsyncSession, step_run_ids: Collection[UUID]) -> list[dict[str, Any]]:
    """Return what the executions of step runs hold."""
    statement = select(Execution).where(col(Execution.step_run_id).in_(step_run_ids)).order_by(col(Execution.id))
    names = {"id", "step_run_id", "kind", "state", "queued_at", "finished_at", "params", "result", "error"}
    return [row.model_dump(mode="json", include=names) for row in await session.scalars(statement)]


async def erase_of_step_runs(session: AsyncSession, step_run_ids: Collection[UUID]) -> None:
    """Empty the ended executions of step runs and all that belongs to them; their specs go with them."""
    mine = sa.select(_executions.c.id).where(_executions.c.step_run_id.in_(step_run_ids))
    statement = sa.select(_executions.c.spec_id).where(_executions.c.step_run_id.in_(step_run_ids))
    specs = set(await session.scalars(statement)) - {None}
    emptied = {
        **{name: sa.null() for name in ("params", "result", "handle")},
        **dict.fromkeys(("error", "stage", "spec_id")),
    }
    await session.execute(sa.update(_executions).where(_executions.c.step_run_id.in_(step_run_ids)).values(emptied))
    await session.execute(sa.update(_attempts).where(_attempts.c.execution_id.in_(mine)).values(error=None))
    await session.execute(sa.delete(_chunks).where(_chunks.c.execution_id.in_(mine)))
    await session.execute(sa.delete(_journals).where(_journals.c.execution_id.in_(mine)))
    await external_tasks.forget_of(session, mine)
    removed = sa.delete(_artifacts).where(_artifacts.c.execution_id.in_(mine)).returning(_artifacts.c.digest)
    await blobs.drop_unused(session, set(await session.scalars(removed)))
    used = sa.select(_executions.c.spec_id).where(_executions.c.spec_id.in_(specs))
    await session.execute(sa.delete(_specs).where(_specs.c.id.in_(specs), _specs.c.id.not_in(used)))
