"""The tick: due slots become executions.

One short transaction for each batch of due schedules, begun with the proof that we still lead (`leases.fence`):
read what is due, decide it (pure, `slots`), write the executions and move the schedules on. Everything or nothing: after a
crash the next leader finds the schedules where they were. A slot that was written by whatever mischance already is refused
by its unique key. A schedule that cannot be evaluated is put aside alone, and the others go on.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel.sql.sqltypes import UTCDateTime

from stationmaster.db.base import table_of
from stationmaster.db.clock import database_now
from stationmaster.db.leases import Term, fence
from stationmaster.db.recordset import encode_rows, recordset
from stationmaster.domains.executions import intake, ledger
from stationmaster.domains.executions.intake import SkippedRange
from stationmaster.domains.executions.overlap import Proposal
from stationmaster.domains.executions.states import Reason, Trigger
from stationmaster.domains.jobs import fire_time, maintenance
from stationmaster.domains.jobs.due import due_statement
from stationmaster.domains.jobs.models import Job, Schedule
from stationmaster.domains.jobs.slots import Decision, Gap, Misfire, decide, decide_paused
from stationmaster.domains.jobs.timetables import timetable_of
from stationmaster.kit.ids import new_id
from stationmaster.kit.timetable import Timetable

logger = logging.getLogger(__name__)

BATCH = 1000
DECIDED_AT_ONCE = 100
"""Schedules decided in one turn of the event loop, which is some ten milliseconds."""
REST = timedelta(hours=1)
"""How long a schedule that cannot be evaluated is left alone."""

jobs = table_of(Job)
schedules = table_of(Schedule)


@dataclass
class _Writes:
    """What a batch of decisions comes to."""

    proposals: list[Proposal] = field(default_factory=list)
    gaps: list[SkippedRange] = field(default_factory=list)
    grown: list[dict[str, Any]] = field(default_factory=list)
    moves: list[dict[str, Any]] = field(default_factory=list)
    last_success: dict[UUID, datetime] = field(default_factory=dict)
    """Of the jobs whose params have templates."""


async def tick(session: AsyncSession, term: Term) -> int:
    """Decide one batch of due schedules; return how many there were. Fewer than `BATCH` means that nothing is left.

    Raises:
        StaleTerm: somebody else leads by now; nothing was written.
    """
    await fence(session, term)
    now = await database_now(session)
    due = due_statement(now, limit=BATCH).with_for_update(of=schedules, skip_locked=True)
    return await _decide_due(session, due, now, term.epoch)


async def settle(session: AsyncSession, job_id: UUID) -> datetime:
    """Decide what is due of one job, whoever leads, and return until when: all slots up to that instant are decided.

    To be called before its timetable changes: a slot that no tick has seen yet must not fall between old and new. The
    schedules stay locked, so no tick decides them meanwhile. Read them only after this: it changes their rows.
    """
    now = await database_now(session)
    due = due_statement(now, limit=BATCH).where(schedules.c.job_id == job_id).with_for_update(of=schedules)
    while await _decide_due(session, due, now, epoch=None):
        pass  # once more at most: what comes after the end of a pause is decided after the pause
    return now


async def seconds_to_next(session: AsyncSession) -> float | None:
    """Return the time until the earliest undecided slot, on the database's clock; None when nothing is planned."""
    now = await database_now(session)
    # Said so, the partial index has the answer; SQLite reads the whole table otherwise.
    planned = schedules.c.next_run_at.is_not(None)
    earliest = await session.scalar(sa.select(sa.func.min(schedules.c.next_run_at)).where(planned))
    return None if earliest is None else (earliest - now).total_seconds()


async def count_planned_jobs(session: AsyncSession) -> int:
    """Count the jobs that have a slot to come."""
    planned = sa.select(sa.func.count(sa.distinct(schedules.c.job_id))).where(schedules.c.next_run_at.is_not(None))
    return await session.scalar(planned) or 0


async def end_pauses(session: AsyncSession) -> None:
    """End the pauses whose time is over and whose slots are all decided."""
    now = await database_now(session)
    await maintenance.forget_finished(session, now)
    has_due = sa.exists().where(schedules.c.job_id == jobs.c.id, schedules.c.next_run_at < jobs.c.paused_until)
    # A job that somebody is changing just now is left for the next tick: the tick waits for nobody.
    over = (
        sa.select(jobs.c.id)
        .where(jobs.c.paused_until <= now, ~has_due)
        .with_for_update(of=jobs, key_share=True, skip_locked=True)
    )
    await session.execute(
        sa.update(jobs)
        .where(jobs.c.id.in_(over))
        .values(paused_at=None, paused_until=None, pause_reason=None, pause_cause=None, updated_at=now)
    )


async def _decide_due(session: AsyncSession, due: sa.Select[Any], now: datetime, epoch: int | None) -> int:
    rows = (await session.execute(due)).all()
    templated = {row.job_id for row in rows if fire_time.is_templated(row.params, row.own_params)}
    writes = _Writes(last_success=await ledger.find_last_successes(session, templated))
    for number, row in enumerate(rows, 1):
        _decide_row(row, now, epoch, writes)
        if number % DECIDED_AT_ONCE == 0:
            await asyncio.sleep(0)
    await _write(session, writes, now)
    return len(rows)


def _decide_row(row: Any, now: datetime, epoch: int | None, writes: _Writes) -> None:
    try:
        timetable = timetable_of(row)
        decision = _decide(timetable, _earliest_undecided(timetable, row), now, row)
        params = {slot: _resolve(row, slot, writes) for slot in _kept_slots(decision)}
    except Exception as error:  # whatever is wrong with one schedule must not stop the others
        logger.exception("schedule.put_aside", extra={"schedule_id": str(row.id), "job_id": str(row.job_id)})
        writes.moves.append(_rest(row, now, error))
        return
    writes.proposals += [_propose(row, slot, params[slot], now, epoch) for slot in decision.runs]
    gap = decision.gap
    gap_id = _note_gap(row, gap, params[gap.first], epoch, writes) if gap else None
    writes.moves.append(
        {
            "id": row.id,
            "next_run_at": decision.next_run_at,
            "last_slot_at": decision.newest or row.last_slot_at,
            "gap_id": gap_id if gap and gap.reason is Reason.PAUSED else None,
            "failures": 0,
            "last_error": None,
        }
    )


def _earliest_undecided(timetable: Timetable, row: Any) -> datetime:
    """Return the first slot to decide; for a schedule that rested, the first one since it could be evaluated last."""
    due: datetime = row.next_run_at
    if not row.failures:
        return due
    since = max(row.last_slot_at or row.updated_at, row.updated_at)
    return timetable.next_after(since) or due


def _decide(timetable: Timetable, due: datetime, now: datetime, row: Any) -> Decision:
    ends = _pause_ends(row, due)
    if ends:
        return decide_paused(timetable, due, now, None if None in ends else max(filter(None, ends)))
    return _decide_shared(timetable, due, now, Misfire.model_validate(row.misfire))


def _pause_ends(row: Any, due: datetime) -> list[datetime | None]:
    """Return the ends of the pauses that a slot lies in: the job's, its category's and that of everything."""
    pauses = (
        (row.paused_at, row.paused_until),
        (row.narrow_paused_at, row.narrow_paused_until),
        (row.wide_paused_at, row.wide_paused_until),
    )
    return [until for at, until in pauses if at is not None and (until is None or due < until)]


@lru_cache(maxsize=4096)
def _decide_shared(timetable: Timetable, due: datetime, now: datetime, misfire: Misfire) -> Decision:
    """Decide once for all schedules that are alike: ten thousand hourly jobs are one calculation."""
    return decide(timetable, due, now, misfire)


def _kept_slots(decision: Decision) -> list[datetime]:
    """Return the instants whose params are kept: of each run, and of the first slot of a gap, which somebody may retry."""
    return [*decision.runs, *([decision.gap.first] if decision.gap else ())]


def _resolve(row: Any, slot: datetime, writes: _Writes) -> dict[str, Any] | None:
    return fire_time.resolve(
        row.params,
        own=row.own_params,
        at=slot,
        job_name=row.job_name,
        zone=row.timezone,
        last_success=writes.last_success.get(row.job_id),
    )


def _propose(row: Any, slot: datetime, params: dict[str, Any] | None, now: datetime, epoch: int | None) -> Proposal:
    return intake.propose(
        row,
        row.spec_id,
        trigger=Trigger.SCHEDULE,
        now=now,
        job_id=row.job_id,
        job_name=row.job_name,
        owner_id=row.owner_id,
        schedule_id=row.id,
        scheduled_for=slot,
        params=params,
        is_watched=row.is_watched,
        epoch=epoch,
    )


def _note_gap(row: Any, gap: Gap, params: dict[str, Any] | None, epoch: int | None, writes: _Writes) -> UUID:
    """Write the gap as a new range, or make the range of the pause under way longer."""
    if row.gap_id is not None and gap.reason is Reason.PAUSED:
        writes.grown.append({"id": row.gap_id, "last": gap.last, "count": gap.count})
        id_: UUID = row.gap_id
        return id_
    skipped = SkippedRange(
        id=new_id(),
        schedule_id=row.id,
        job_id=row.job_id,
        job_name=row.job_name,
        owner_id=row.owner_id,
        spec_id=row.spec_id,
        kind=row.kind,
        first=gap.first,
        last=gap.last,
        count=gap.count,
        reason=gap.reason,
        params=params,
        epoch=epoch,
        script_id=row.script_id,
        script_name=row.script_name,
    )
    writes.gaps.append(skipped)
    return skipped.id


def _rest(row: Any, now: datetime, error: Exception) -> dict[str, Any]:
    return {
        "id": row.id,
        "next_run_at": now + REST,
        "last_slot_at": row.last_slot_at,
        "gap_id": None,
        "failures": row.failures + 1,
        "last_error": f"{type(error).__name__}: {error}"[:1000],
    }


async def _write(session: AsyncSession, writes: _Writes, now: datetime) -> None:
    await intake.take_in(session, writes.proposals)
    await intake.record_skipped(session, writes.gaps, now)
    await intake.extend_skipped(session, writes.grown, now)
    await _move_on(session, writes.moves)


_MOVE_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "id": sa.Uuid(),
    "next_run_at": UTCDateTime(),
    "last_slot_at": UTCDateTime(),
    "gap_id": sa.Uuid(),
    "failures": sa.Integer(),
    "last_error": sa.Text(),
}


async def _move_on(session: AsyncSession, moves: Sequence[dict[str, Any]]) -> None:
    """Set the next slot of each schedule and raise its high-water mark, all in one statement."""
    if not moves:
        return
    r = recordset(session, "moves", _MOVE_COLUMNS)
    statement = (
        sa.update(schedules)
        .where(schedules.c.id == r.c.id)
        .values({name: r.c[name] for name in _MOVE_COLUMNS if name != "id"})
        .values(updated_at=schedules.c.updated_at)  # nobody changed the schedule: the ledger's check counts on it
    )
    await session.execute(statement, {"moves": encode_rows(session, moves)})
