"""Reading and changing single executions."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.base import table_of
from stationmaster.db.field_kind import equals_choice
from stationmaster.db.recordset import encode_rows, recordset
from stationmaster.domains.executions import overlap
from stationmaster.domains.executions.models import NOTABLE, Attempt, Execution, Spec
from stationmaster.domains.executions.queue import is_waiting
from stationmaster.domains.executions.sight import in_sight_of
from stationmaster.domains.executions.states import ACTIVE, Reason, State, Trigger
from stationmaster.identity.actor import Actor

LATENESS_SAMPLE = 1000

executions = table_of(Execution)


@dataclass(frozen=True)
class Filters:
    """What a list of executions is narrowed to; `start` inclusive, `end` exclusive, both on `queued_at`."""

    states: Collection[State] = ()
    job_id: UUID | None = None
    trigger: Trigger | None = None
    kind: str | None = None
    script_id: UUID | None = None
    start: datetime | None = None
    end: datetime | None = None
    viewer: Actor | None = None
    """Whose sight it is narrowed to; None sees everything."""


def conditions_of(filters: Filters) -> list[sa.ColumnElement[bool]]:
    """Return the filters as SQL."""
    equal = {"job_id": filters.job_id, "trigger": filters.trigger, "kind": filters.kind, "script_id": filters.script_id}
    conditions = [executions.c[name] == value for name, value in equal.items() if value is not None]
    if filters.states:
        conditions.append(sa.or_(*(equals_choice(executions.c.state, state) for state in filters.states)))
    if filters.viewer is not None and not filters.viewer.is_admin:
        conditions.append(in_sight_of(filters.viewer))
    if filters.start is not None:
        conditions.append(executions.c.queued_at >= filters.start)
    if filters.end is not None:
        conditions.append(executions.c.queued_at < filters.end)
    return conditions


def list_statement(filters: Filters) -> Any:
    """Select executions, newest first: their ids sort by the time they were made."""
    return select(Execution).where(*conditions_of(filters)).order_by(col(Execution.id).desc())


def ledger_statement(job_id: UUID, start: datetime | None, end: datetime | None) -> Any:
    """Select the decided slots of a job, newest first."""
    statement = select(Execution).where(Execution.job_id == job_id, col(Execution.schedule_id).is_not(None))
    if start is not None:
        statement = statement.where(sa.func.coalesce(Execution.slot_until, Execution.scheduled_for) >= start)
    if end is not None:
        statement = statement.where(col(Execution.scheduled_for) < end)
    return statement.order_by(col(Execution.id).desc())


async def find_slot(session: AsyncSession, job_id: UUID, at: datetime) -> Execution | None:
    """Return the record that decided the slot of a job at this very instant, alone or within a range."""
    statement = (
        select(Execution)
        .where(
            Execution.job_id == job_id,
            col(Execution.scheduled_for) <= at,
            sa.func.coalesce(Execution.slot_until, Execution.scheduled_for) >= at,
        )
        .order_by(col(Execution.schedule_id).is_(None), col(Execution.slot_count), col(Execution.id).desc())
        .limit(1)
    )
    found: Execution | None = await session.scalar(statement)
    return found


async def find_execution(session: AsyncSession, id_: UUID) -> Execution | None:
    return await session.get(Execution, id_)


async def find_spec(session: AsyncSession, id_: UUID) -> Spec | None:
    return await session.get(Spec, id_)


async def list_attempts_of(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, list[Attempt]]:
    """Return the ended attempts of several executions, oldest first, read with one statement."""
    by_execution: dict[UUID, list[Attempt]] = {id_: [] for id_ in ids}
    if not by_execution:
        return by_execution
    statement = select(Attempt).where(col(Attempt.execution_id).in_(ids)).order_by(col(Attempt.number))
    for attempt in await session.scalars(statement):
        by_execution[attempt.execution_id].append(attempt)
    return by_execution


async def watch(session: AsyncSession, id_: UUID) -> None:
    """Let the end of an execution be followed."""
    await session.execute(sa.update(executions).where(executions.c.id == id_).values(is_watched=True))


async def cancel_queued(session: AsyncSession, id_: UUID, now: datetime) -> bool:
    """End an execution that has not begun; say whether there was one."""
    statement = (
        sa.update(executions)
        .where(executions.c.id == id_, executions.c.state == State.QUEUED, executions.c.handle.is_(None))
        .values(state=State.CANCELLED, reason=Reason.REQUESTED, finished_at=now, cancel_requested_at=now, is_held=False)
        .returning(executions.c.id)
    )
    return (await session.scalar(statement)) is not None


async def list_active_of_step_runs(session: AsyncSession, step_run_ids: Collection[UUID]) -> list[UUID]:
    """Return the executions of step runs that have not ended."""
    statement = sa.select(executions.c.id).where(
        executions.c.step_run_id.in_(step_run_ids), executions.c.state.in_(ACTIVE)
    )
    return list(await session.scalars(statement))


async def list_step_runs_at_work(session: AsyncSession) -> list[UUID]:
    """Return the step runs whose executions have not ended."""
    statement = sa.select(executions.c.step_run_id).where(
        executions.c.step_run_id.is_not(None), executions.c.state.in_(ACTIVE)
    )
    return list(await session.scalars(statement))


async def ask_to_stop(session: AsyncSession, id_: UUID, now: datetime) -> bool:
    """Ask for the end of an execution that is running, or waits to be taken over; say whether there was one."""
    statement = (
        sa.update(executions)
        .where(executions.c.id == id_, overlap.is_under_way())
        .values(cancel_requested_at=sa.func.coalesce(executions.c.cancel_requested_at, now))
        .returning(executions.c.id)
    )
    return (await session.scalar(statement)) is not None


async def last_by_job(session: AsyncSession, job_ids: Collection[UUID]) -> dict[UUID, Execution]:
    """Return the newest execution of each job that has one: one look into the index for each job."""
    r = recordset(session, "jobs", {"id": sa.Uuid()})
    newest = (
        sa.select(executions.c.id)
        .where(executions.c.job_id == r.c.id)
        .order_by(executions.c.id.desc())
        .limit(1)
        .correlate(r)
        .scalar_subquery()
    )
    ids = sa.select(newest).select_from(r)
    rows = await session.scalars(
        select(Execution).where(col(Execution.id).in_(ids)),
        {"jobs": encode_rows(session, [{"id": id_} for id_ in job_ids])},
    )
    return {row.job_id: row for row in rows if row.job_id}


async def newest_by_script(
    session: AsyncSession, script_ids: Collection[UUID], count: int, viewer: Actor
) -> Sequence[Execution]:
    """Return up to `count` newest executions of each script that somebody sees, newest first."""
    if not script_ids:
        return []
    r = recordset(session, "scripts", {"id": sa.Uuid()})
    newest = sa.select(executions.c.id).where(executions.c.script_id == r.c.id, in_sight_of(viewer))
    newest = newest.order_by(executions.c.id.desc()).limit(count).correlate(r)
    outer = table_of(Execution).alias("shown")
    ids = sa.select(outer.c.id).join(r, outer.c.script_id == r.c.id).where(outer.c.id.in_(newest))
    statement = select(Execution).where(col(Execution.id).in_(ids)).order_by(col(Execution.id).desc())
    rows = encode_rows(session, [{"id": id_} for id_ in script_ids])
    return (await session.scalars(statement, {"scripts": rows})).all()


async def newest_by_job(session: AsyncSession, job_ids: Collection[UUID], count: int) -> dict[UUID, list[Execution]]:
    """Return up to `count` newest executions of each job, newest first: two looks into the index for each job."""
    by_job: dict[UUID, list[Execution]] = {id_: [] for id_ in job_ids}
    if not by_job:
        return by_job
    r = recordset(session, "jobs", {"id": sa.Uuid()})
    oldest = (
        sa.select(executions.c.id)
        .where(executions.c.job_id == r.c.id)
        .order_by(executions.c.id.desc())
        .limit(1)
        .offset(count - 1)
        .correlate(r)
        .scalar_subquery()
    )
    wanted = sa.select(r.c.id, sa.func.coalesce(oldest, sa.literal(UUID(int=0), sa.Uuid())).label("oldest")).subquery()
    statement = (
        select(Execution)
        .join(wanted, sa.and_(executions.c.job_id == wanted.c.id, executions.c.id >= wanted.c.oldest))
        .order_by(col(Execution.id).desc())
    )
    for row in await session.scalars(statement, {"jobs": encode_rows(session, [{"id": id_} for id_ in job_ids])}):
        assert row.job_id is not None
        by_job[row.job_id].append(row)
    return by_job


async def count_by_state(session: AsyncSession, filters: Filters) -> Sequence[sa.Row[Any]]:
    """Count executions by state, with the slots they stand for and how long they took."""
    rows = await session.execute(_count_by(executions.c.state).where(*conditions_of(filters)))
    counted: Sequence[sa.Row[Any]] = rows.all()
    return counted


async def count_by_job(session: AsyncSession, job_ids: Collection[UUID]) -> dict[UUID, list[sa.Row[Any]]]:
    """Count the executions of each job as `count_by_state` does."""
    by_job: dict[UUID, list[sa.Row[Any]]] = {id_: [] for id_ in job_ids}
    if not by_job:
        return by_job
    statement = _count_by(executions.c.state, executions.c.job_id).where(executions.c.job_id.in_(job_ids))
    for row in await session.execute(statement):
        by_job[row.job_id].append(row)
    return by_job


def _count_by(*columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    counted = (
        sa.func.count().label("number"),
        sa.func.sum(executions.c.slot_count).label("slots"),
        sa.func.avg(executions.c.duration_seconds).label("average"),
        sa.func.max(executions.c.duration_seconds).label("longest"),
    )
    return sa.select(*columns, *counted).group_by(*columns)


async def count_due(session: AsyncSession, now: datetime) -> int:
    """Count what is due and waits."""
    statement = sa.select(sa.func.count()).where(is_waiting(), executions.c.available_at <= now)
    return await session.scalar(statement) or 0


async def count_states(session: AsyncSession) -> dict[State, int]:
    """Count all executions by state; those that succeeded, nearly all, are what the others leave of the total."""
    notable = sa.select(executions.c.state, sa.func.count()).where(sa.text(NOTABLE)).group_by(executions.c.state)
    counted = {State(state): number for state, number in (await session.execute(notable)).all()}
    total = await session.scalar(sa.select(sa.func.count()).select_from(executions)) or 0
    return counted | {State.SUCCEEDED: total - sum(counted.values())}


async def list_lateness(session: AsyncSession) -> list[float]:
    """Return how many seconds late the newest scheduled executions started."""
    statement = (
        sa.select(executions.c.scheduled_for, executions.c.started_at)
        .where(executions.c.trigger == Trigger.SCHEDULE, executions.c.started_at.is_not(None))
        .order_by(executions.c.id.desc())
        .limit(LATENESS_SAMPLE)
    )
    rows = await session.execute(statement)
    return [max(0.0, (started_at - scheduled_for).total_seconds()) for scheduled_for, started_at in rows]
