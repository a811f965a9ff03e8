"""What a job keeps between its runs: a small document, read and written by its owner and by its running executions.

What an execution writes is a draft. It takes the document's place when the execution succeeds, and is forgotten when it does
not, so a run that failed half-way leaves the state from which it began. A checkpoint counts at once.
"""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.clock import database_now
from stationmaster.domains.audit import service as audit
from stationmaster.domains.executions import service as executions
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from stationmaster.domains.jobs.models import Job
from stationmaster.domains.jobs.service import get_job, get_own_job
from stationmaster.domains.jobs.state_models import JobState, JobStateDraft
from stationmaster.errors import Forbidden, TooLarge
from stationmaster.identity.actor import Actor

MOST_BYTES = 65_536


async def read(session: AsyncSession, job_id: UUID, actor: Actor) -> dict[str, Any]:
    """Return what a job keeps, empty when it keeps nothing; an execution sees its own draft.

    Raises:
        JobNotFound, Forbidden
    """
    await _find_job(session, job_id, actor)
    if actor.kind == "execution" and (draft := await session.get(JobStateDraft, actor.id)):
        return dict(draft.document)
    kept = await session.get(JobState, job_id)
    return dict(kept.document) if kept else {}


async def write(
    session: AsyncSession, job_id: UUID, document: dict[str, Any], actor: Actor, *, is_checkpoint: bool
) -> None:
    """Keep a document: at once, or when the execution that writes it succeeds.

    Raises:
        JobNotFound, Forbidden
        TooLarge: it is over the limit.
    """
    if len(json.dumps(document, ensure_ascii=False).encode()) > MOST_BYTES:
        raise TooLarge(f"The state of a job has at most {MOST_BYTES} bytes.")
    await _find_job(session, job_id, actor)
    audit.note(session, "job_state", job_id, after={"is_checkpoint": is_checkpoint})
    if actor.kind == "execution":
        await session.execute(sa.delete(JobStateDraft).where(col(JobStateDraft.execution_id) == actor.id))
    if actor.kind == "execution" and not is_checkpoint:
        session.add(JobStateDraft(execution_id=actor.id, job_id=job_id, document=document))
        await executions.watch(session, actor.id)
    else:
        await _keep(session, job_id, document, actor.id if actor.kind == "execution" else None)
    await session.flush()


async def delete(session: AsyncSession, job_id: UUID, actor: Actor) -> None:
    """Forget what a job keeps, and all drafts.

    Raises:
        JobNotFound, Forbidden
    """
    await _find_job(session, job_id, actor)
    await session.execute(sa.delete(JobStateDraft).where(col(JobStateDraft.job_id) == job_id))
    await session.execute(sa.delete(JobState).where(col(JobState.job_id) == job_id))
    audit.note(session, "job_state", job_id, before={})


async def settle(session: AsyncSession, ended: Sequence[Execution]) -> None:
    """Keep the drafts of executions that succeeded, in the order in which they ended, and forget those of the others."""
    ids = [execution.id for execution in ended]
    statement = select(JobStateDraft).where(col(JobStateDraft.execution_id).in_(ids))
    drafts = {draft.execution_id: draft for draft in await session.scalars(statement)}
    for execution in ended:
        draft = drafts.get(execution.id)
        if draft is None:
            continue
        if execution.state is State.SUCCEEDED:
            await _keep(session, draft.job_id, draft.document, execution.id)
        await session.delete(draft)
    await session.flush()


async def _keep(session: AsyncSession, job_id: UUID, document: dict[str, Any], execution_id: UUID | None) -> None:
    now = await database_now(session)
    kept = await session.get(JobState, job_id, with_for_update=True, populate_existing=True)
    if kept is None:
        session.add(JobState(job_id=job_id, document=document, updated_at=now, execution_id=execution_id))
    else:
        kept.document, kept.updated_at, kept.execution_id = document, now, execution_id
    await session.flush()


async def _find_job(session: AsyncSession, job_id: UUID, actor: Actor) -> Job:
    """Return the job if it is the caller's: its owner's, an administrator's, or that of a running execution."""
    if actor.kind != "execution":
        return await get_own_job(session, job_id, actor)
    job = await get_job(session, job_id)
    execution = await executions.get_execution(session, actor.id)
    if execution.job_id != job_id:
        raise Forbidden("The token of an execution is for the state of its own job.")
    return job
