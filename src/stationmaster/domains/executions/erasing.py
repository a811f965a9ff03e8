"""Forgetting what executions hold of somebody: what they were told to do, what came of it, and what they said.

That there was an execution, when, and how it ended stays. With those of step runs go those that do the same again
(`retry_of`), wherever the chain ends: they were given the same parameters.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db import blobs
from stationmaster.db.base import table_of
from stationmaster.db.notify import Wake, notify
from stationmaster.domains.executions import spec_sweep
from stationmaster.domains.executions.artifact_models import Artifact
from stationmaster.domains.executions.external import tasks as external_tasks
from stationmaster.domains.executions.journals.models import Journal, JournalChunk
from stationmaster.domains.executions.models import Attempt, Execution
from stationmaster.domains.executions.states import ACTIVE
from stationmaster.domains.notifications import service as notifications

BEGINS_RUNS = "process"
NAMED_AT_ONCE = 1000
"""Step runs in one statement: PostgreSQL's protocol takes 32,767 values."""

_executions = table_of(Execution)
_attempts = table_of(Attempt)
_journals = table_of(Journal)
_chunks = table_of(JournalChunk)
_artifacts = table_of(Artifact)


async def find_busy(session: AsyncSession, step_run_ids: Collection[UUID]) -> set[UUID]:
    """Return those step runs for which an execution is queued or running."""
    statement = sa.select(_executions.c.step_run_id).where(
        _executions.c.step_run_id.in_(step_run_ids), _executions.c.state.in_(ACTIVE)
    )
    return set(await session.scalars(statement))


async def find_unready(session: AsyncSession, step_run_ids: Sequence[UUID]) -> set[UUID]:
    """Return those step runs for which an execution, or one that does the same again, is queued or running."""
    found: set[UUID] = set()
    for family in _families(step_run_ids):
        statement = sa.select(family.c.step_run_id).where(family.c.state.in_(ACTIVE)).distinct()
        found.update(await session.scalars(statement))
    return found


def _families(step_run_ids: Sequence[UUID]) -> Iterator[sa.CTE]:
    for start in range(0, len(step_run_ids), NAMED_AT_ONCE):
        yield _family(step_run_ids[start : start + NAMED_AT_ONCE])


def _family(step_run_ids: Collection[UUID]) -> sa.CTE:
    """Select the executions of step runs, and those that do the same again."""
    names = ("id", "state", "spec_id")
    first = sa.select(_executions.c.step_run_id, *(_executions.c[name] for name in names))
    family = first.where(_executions.c.step_run_id.in_(step_run_ids)).cte("family", recursive=True)
    again = sa.select(family.c.step_run_id, *(_executions.c[name] for name in names))
    return family.union(again.where(_executions.c.retry_of == family.c.id))


async def find_begun(session: AsyncSession, claimed: Mapping[UUID, UUID]) -> dict[UUID, bool]:
    """Return which of these executions began the run that they are said to have begun, and whether each has ended.

    `claimed` has the run of each. One that has not ended has not written down yet what it began: it is taken at its word.
    """
    statement = sa.select(_executions.c.id, _executions.c.state, _executions.c.result).where(
        _executions.c.id.in_(claimed.keys()), _executions.c.kind == BEGINS_RUNS
    )
    return {
        row.id: row.state not in ACTIVE
        for row in await session.execute(statement)
        if row.state in ACTIVE or (row.result or {}).get("run_id") == str(claimed[row.id])
    }


async def export_of_step_runs(session: AsyncSession, step_run_ids: Collection[UUID]) -> list[dict[str, Any]]:
    """Return what the executions of step runs hold."""
    family = _family(step_run_ids)
    statement = select(Execution).where(col(Execution.id).in_(sa.select(family.c.id))).order_by(col(Execution.id))
    names = {"id", "step_run_id", "kind", "state", "queued_at", "finished_at", "params", "result", "error"}
    return [row.model_dump(mode="json", include=names) for row in await session.scalars(statement)]


async def erase(session: AsyncSession, step_run_ids: Sequence[UUID], begun: Collection[UUID] = ()) -> None:
    """Empty the ended executions of step runs, and those of jobs that began their runs, and all that belongs to them.

    Their specs go with them, and what people were told: of executions of jobs alone, others are not told of.
    """
    for family in _families(step_run_ids):
        await _empty(session, set(await session.scalars(sa.select(family.c.id))))
    await _empty(session, begun)
    await notifications.erase(session, begun)
    notify(session, Wake.ERASED)


async def _empty(session: AsyncSession, ids: Collection[UUID]) -> None:
    is_mine = _executions.c.id.in_(ids)
    specs = set(await session.scalars(sa.select(_executions.c.spec_id).where(is_mine))) - {None}
    emptied = {
        **{name: sa.null() for name in ("params", "result", "handle")},
        **dict.fromkeys(("error", "stage", "spec_id")),
    }
    await session.execute(sa.update(_executions).where(is_mine).values(emptied))
    await session.execute(sa.update(_attempts).where(_attempts.c.execution_id.in_(ids)).values(error=None))
    await session.execute(sa.delete(_chunks).where(_chunks.c.execution_id.in_(ids)))
    await session.execute(sa.delete(_journals).where(_journals.c.execution_id.in_(ids)))
    await external_tasks.forget_of(session, ids)
    removed = sa.delete(_artifacts).where(_artifacts.c.execution_id.in_(ids)).returning(_artifacts.c.digest)
    await blobs.drop_unused(session, set(await session.scalars(removed)))
    await spec_sweep.drop_unnamed(session, specs)
