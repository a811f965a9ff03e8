"""Jobs that run after others: which ends belong together, and what follows from them.

All that a job waits for runs in *waves*: the nightly import and the nightly backup of the same night are one. A wave begins
with the first of them that ends, at the instant for which that one was planned. An end joins the wave whose instant is
nearest to its own plan, if no other execution of its job is nearer still: so a sibling that ends late, when the next wave
has long begun, joins its own wave and not the newest. What a wave set off is planned for the wave's instant, so branches
that begin with one job and meet again meet in the same wave. A retry takes the place of what it retries.

When all have ended as they must, the job runs, once; as soon as one has not, the wave is recorded as skipped (reason
`dependency`). A retry that succeeds after that lets it run nevertheless.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.base import table_of
from stationmaster.db.clock import database_now
from stationmaster.domains.executions import intake
from stationmaster.domains.executions.models import Execution, Spec
from stationmaster.domains.executions.states import Reason, State, Trigger
from stationmaster.domains.jobs import dependencies, ending, maintenance, occasion
from stationmaster.domains.jobs.dependency_models import Dependency, On, Wave
from stationmaster.domains.jobs.models import Job, MaintenancePause
from stationmaster.domains.jobs.reading import is_paused_at
from stationmaster.domains.jobs.streaks import UNSUCCESSFUL
from stationmaster.kit.ids import first_id_at

KEPT = timedelta(days=31)
"""How long a wave waits for those that are missing."""
MOST_WAVES = 200
MOST_RETRIES = 20

executions = table_of(Execution)
waves = table_of(Wave)


@dataclass(frozen=True)
class End:
    """An execution that has ended, the instant for which it was planned, and what it was first tried as."""

    execution: Execution
    planned_at: datetime
    first_id: UUID


async def follow(session: AsyncSession, ended: Sequence[Execution], *, timezone: str) -> None:
    """Let each end join the waves of the jobs that wait for it, and set off those that are whole.

    `timezone` is that of jobs without schedules.
    """
    upstream_ids = {execution.job_id for execution in ended if execution.job_id}
    waiting = select(Dependency.job_id).where(col(Dependency.upstream_id).in_(upstream_ids))
    needs = await dependencies.list_of_several(session, set(await session.scalars(waiting)))
    for execution in ended if needs else ():
        end = await _read_end(session, execution)
        for job_id, own in needs.items():
            if any(one.upstream_id == execution.job_id for one in own):
                await _join(session, job_id, own, end, timezone)


async def _read_end(session: AsyncSession, execution: Execution) -> End:
    first = execution
    for _ in range(MOST_RETRIES):
        former = await session.get(Execution, first.retry_of) if first.retry_of else None
        if former is None:
            break
        first = former
    wave_at = await session.scalar(sa.select(waves.c.wave_at).where(waves.c.execution_id == first.id).limit(1))
    return End(execution, first.scheduled_for or wave_at or first.queued_at, first.id)


async def _join(session: AsyncSession, job_id: UUID, own: Sequence[Dependency], end: End, timezone: str) -> None:
    job = await session.get(Job, job_id, with_for_update={"key_share": True}, populate_existing=True)
    if job is None:
        return
    wave = await _choose(session, job_id, end) or await _begin(session, job_id, end)
    condition = next(one.on for one in own if one.upstream_id == end.execution.job_id)
    member = {
        "execution_id": str(end.execution.id),
        "first_id": str(end.first_id),
        "is_met": is_met(condition, end.execution.state),
    }
    wave.members = wave.members | {str(end.execution.job_id): member}
    await _decide(session, job, own, wave, timezone)
    await session.flush()


def is_met(condition: On, state: State) -> bool:
    """Say whether an execution ended as it must."""
    match condition:
        case On.SUCCESS:
            return state is State.SUCCEEDED
        case On.FAILURE:
            return state in UNSUCCESSFUL
        case On.ALWAYS:
            return True
    assert_never(condition)


async def _begin(session: AsyncSession, job_id: UUID, end: End) -> Wave:
    now = await database_now(session)
    wave = Wave(job_id=job_id, wave_at=end.planned_at, created_at=now, members={})
    session.add(wave)
    return wave


async def _choose(session: AsyncSession, job_id: UUID, end: End) -> Wave | None:
    """Return the wave that an end belongs to, or None when it is the first of a new one."""
    statement = select(Wave).where(Wave.job_id == job_id).order_by(col(Wave.wave_at).desc()).limit(MOST_WAVES)
    known = list(await session.scalars(statement))
    upstream = str(end.execution.job_id)
    again = [wave for wave in known if wave.members.get(upstream, {}).get("first_id") == str(end.first_id)]
    if again:
        return again[0]
    known = [wave for wave in known if upstream not in wave.members]
    for wave in sorted(known, key=lambda wave: (abs(wave.wave_at - end.planned_at), wave.wave_at)):
        if not await _has_nearer(session, wave.wave_at, end):
            return wave
    return None


async def _has_nearer(session: AsyncSession, wave_at: datetime, end: End) -> bool:
    """Say whether another execution of the same job was planned nearer to a wave."""
    distance = abs(wave_at - end.planned_at)
    if not distance:
        return False
    planned_at = sa.func.coalesce(executions.c.scheduled_for, waves.c.wave_at, executions.c.queued_at)
    statement = (
        sa.select(executions.c.id)
        .outerjoin(waves, waves.c.execution_id == executions.c.id)
        .where(
            executions.c.job_id == end.execution.job_id,
            executions.c.id >= first_id_at(wave_at - distance),
            executions.c.id != end.first_id,
            executions.c.retry_of.is_(None),
            planned_at > wave_at - distance,
            planned_at < wave_at + distance,
        )
        .limit(1)
    )
    return await session.scalar(statement) is not None


async def _decide(session: AsyncSession, job: Job, own: Sequence[Dependency], wave: Wave, timezone: str) -> None:
    if wave.has_fired:
        return
    members = [wave.members.get(str(one.upstream_id)) for one in own]
    if any(member is not None and not member["is_met"] for member in members):
        if wave.execution_id is None:
            wave.execution_id = await _record(session, job, wave, Reason.DEPENDENCY, timezone=timezone)
        return
    if None not in members:
        wave.has_fired = True
        now = await database_now(session)
        hindrance = _find_hindrance(job, await maintenance.list_pauses(session, now), now)
        wave.execution_id = await _record(session, job, wave, hindrance, timezone=timezone)


def _find_hindrance(job: Job, holding: Sequence[MaintenancePause], now: datetime) -> Reason | None:
    """Say why a job does not run although all that it waited for is there."""
    if ending.has_ended(job, now):
        return Reason.EXPIRED
    is_paused = not job.is_active or is_paused_at(job, now) or maintenance.find_for(job, holding)
    return Reason.PAUSED if is_paused else None


async def _record(session: AsyncSession, job: Job, wave: Wave, hindrance: Reason | None, *, timezone: str) -> UUID:
    """Queue the job's execution, or record why it does not run; return its id."""
    spec = await session.get(Spec, job.spec_id)
    assert spec is not None
    now = await database_now(session)
    proposal = intake.propose(
        spec,
        spec.id,
        trigger=Trigger.DEPENDENCY,
        now=now,
        job_id=job.id,
        job_name=job.name,
        owner_id=job.owner_id,
        params=await occasion.resolve_params(session, job, spec, at=wave.wave_at, timezone=timezone),
        is_watched=job.is_watched,
    )
    if hindrance is None:
        await intake.take_in(session, [proposal])
    else:
        await intake.record_hindered(session, proposal, hindrance)
    id_: UUID = proposal.row["id"]
    return id_


async def forget_old(session: AsyncSession, *, timezone: str) -> None:
    """Give up waves that have waited long: those that never became whole are recorded as skipped."""
    limit = await database_now(session) - KEPT
    statement = select(Wave).where(col(Wave.created_at) < limit).limit(MOST_WAVES)
    for wave in list(await session.scalars(statement)):
        job = await session.get(Job, wave.job_id)
        if job is not None and wave.execution_id is None:
            await _record(session, job, wave, Reason.DEPENDENCY, timezone=timezone)
        await session.delete(wave)
