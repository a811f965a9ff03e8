"""Whether the ledger of slots is whole: each planned slot decided once, in order, and nothing that was not planned.

For each schedule its timetable is laid beside its records, both walked once, oldest first: a record must stand at the very
slot that follows the one before, a skipped range must cover as many slots as it says, and up to the high-water mark none may
be missing. Between the mark and `next_run_at` there must be none at all, or the tick would step over it.

Retention removes records, and says up to which slot; from there on none may be missing.

A timetable is known only as it is now. So a schedule is checked from its last change on (`updated_at`, which the tick leaves
alone), and with the zone data of this machine: records made under older rules of a zone may look misplaced. Slots of jobs and
schedules that were inactive are nobody's; switching them on is a change. Records of deleted schedules have no timetable left.

Memory does not grow with the history: records are read a page at a time. A schedule that is changed while it is looked at
is left for the next time.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db import leases
from stationmaster.db.base import table_of
from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.session import read_only
from stationmaster.domains.executions.invariants import Finding
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.jobs.models import Schedule
from stationmaster.domains.jobs.timetables import timetable_of
from stationmaster.kit.timetable import RESOLUTION, Timetable

SKEW = timedelta(seconds=5)
"""`updated_at` is on a replica's clock, slots are decided on the database's: so much after a change is not checked."""
UNDECIDED_AFTER = timedelta(seconds=60)
PAGE = 1000
MOST_FINDINGS = 100
"""For one schedule; beyond that it is not looked at further."""

PROMISES = {
    "complete": "Each planned slot up to the schedule's high-water mark has a record, and none is planned to be left out.",
    "once": "No slot is decided twice, alone or in a skipped range, and none beyond the high-water mark.",
    "planned": "Each record stands at a slot of the timetable, and a range covers as many as it says.",
    "in_order": "Later slots are not decided before earlier ones.",
    "decided": "No slot is undecided a minute after its time, while a leader leads.",
    "evaluated": "Each schedule can be evaluated.",
}
"""By the name that findings carry."""

executions = table_of(Execution)
schedules = table_of(Schedule)


async def find_violations(database: Database, *, lease: str) -> AsyncIterator[Finding]:
    """Check all schedules, one after the other; `lease` is the name under which leaders are elected."""
    after: UUID | None = None
    while True:
        async with read_only(database) as session:
            ids = await _list_ids(session, after)
        for id_ in ids:
            async with read_only(database) as session:
                found = await check_schedule(session, id_)
            for finding in found:
                yield finding
        if len(ids) < PAGE:
            break
        after = ids[-1]
    async with read_only(database) as session:
        for finding in await _find_undecided(session, lease):
            yield finding


async def _list_ids(session: AsyncSession, after: UUID | None) -> list[UUID]:
    statement = sa.select(schedules.c.id).order_by(schedules.c.id).limit(PAGE)
    return list(await session.scalars(statement.where(schedules.c.id > after) if after else statement))


async def check_schedule(session: AsyncSession, id_: UUID) -> list[Finding]:
    """Compare a schedule with its records; nothing is found when it was changed or deleted meanwhile."""
    schedule = await _read(session, id_)
    if schedule is None:
        return []
    found = await _compare(session, schedule)
    if found:
        again = await _read(session, id_)
        if again is None or _begin_of(again) != _begin_of(schedule):
            return []
    return found


async def _read(session: AsyncSession, id_: UUID) -> Any:
    """Return a schedule and the end of its newest record, as they were at the same instant."""
    newest = (
        sa.select(sa.func.coalesce(executions.c.slot_until, executions.c.scheduled_for))
        .where(executions.c.schedule_id == schedules.c.id)
        .order_by(executions.c.scheduled_for.desc())
        .limit(1)
        .scalar_subquery()
    )
    statement = sa.select(*schedules.c, newest.label("newest_record")).where(schedules.c.id == id_)
    return (await session.execute(statement)).one_or_none()


async def _compare(session: AsyncSession, schedule: Any) -> list[Finding]:
    subject = f"schedule {schedule.id}"
    try:
        timetable = timetable_of(schedule)
    except ValueError as error:  # a zone or an expression that this version refuses
        return [Finding("evaluated", subject, str(error))]
    walk = _Walk(timetable, subject, since=_begin_of(schedule))
    async for record in _read_records(session, schedule.id, walk.since):
        walk.take(record)
        if len(walk.found) >= MOST_FINDINGS:
            return walk.found
    walk.finish(schedule)
    return walk.found


def _begin_of(schedule: Any) -> datetime:
    """Return the instant from which on the records must be whole: the last change, or what retention left."""
    changed: datetime = schedule.updated_at + SKEW
    return max(changed, schedule.swept_until) if schedule.swept_until else changed


async def _read_records(session: AsyncSession, schedule_id: UUID, since: datetime) -> AsyncIterator[Any]:
    """Read what was decided, oldest slot first, from the last record that began by `since` on: it may be a range."""
    slot = executions.c.scheduled_for
    mine = executions.c.schedule_id == schedule_id
    begin = await session.scalar(sa.select(sa.func.max(slot)).where(mine, slot <= since))
    columns = (executions.c[name] for name in ("id", "scheduled_for", "slot_until", "slot_count", "queued_at"))
    statement = sa.select(*columns).where(mine).order_by(slot).limit(PAGE)
    page = (await session.execute(statement.where(slot >= (begin or since)))).all()
    while page:
        for record in page:
            yield record
        page = (await session.execute(statement.where(slot > page[-1].scheduled_for))).all()


@dataclass
class _Walk:
    """Goes along one schedule's records; `reached` is the last slot accounted for so far."""

    timetable: Timetable
    subject: str
    since: datetime
    found: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reached = self.since
        self.decided_at: datetime | None = None

    def take(self, record: Any) -> None:
        """Compare the next record with the slots that follow the one before."""
        first, last = record.scheduled_for, record.slot_until or record.scheduled_for
        if self.decided_at is not None and record.queued_at < self.decided_at:
            self._find("in_order", f"{_name(first)} was decided at {_name(record.queued_at)}, before an earlier slot")
        if self.decided_at is not None and first <= self.reached:
            self._find("once", f"{_name(first)} is decided again by execution {record.id}")
        elif first > self.since:
            self._compare_place(record.id, first, last, record.slot_count)
        self.decided_at = record.queued_at
        self.reached = max(self.reached, last)

    def _compare_place(self, id_: UUID, first: datetime, last: datetime, count: int) -> None:
        if count == 1 and first == last == self.timetable.next_after(self.reached):
            return  # as nearly all are
        self._find_all("complete", self._list_missing(first - RESOLUTION))
        self._find_all("planned", self._list_misplaced(id_, first, last, count))

    def finish(self, schedule: Any) -> None:
        """Compare what was reached with where the schedule says it stands."""
        mark, newest = schedule.last_slot_at, schedule.newest_record
        if newest is not None and (mark is None or newest > mark):
            self._find("once", f"there is a record of {_name(newest)}, beyond the mark at {_name(mark)}")
        if mark is not None:
            self._find_all("complete", self._list_missing(mark))
            self.reached = max(self.reached, mark)
        if schedule.next_run_at is not None and not schedule.failures:
            self._find_all("complete", self._list_missing(schedule.next_run_at - RESOLUTION))

    def _list_missing(self, until: datetime) -> Iterator[str]:
        """Say which slots after `reached`, up to and including `until`, have no record."""
        count = self.timetable.count_between(self.reached + RESOLUTION, until + RESOLUTION)
        if count:
            slot = self.timetable.next_after(self.reached)
            yield f"no record of {_name(slot)}" + (f" and {count - 1} more before {_name(until)}" if count > 1 else "")

    def _list_misplaced(self, id_: UUID, first: datetime, last: datetime, count: int) -> Iterator[str]:
        """Say what is wrong with where a record stands."""
        for slot in dict.fromkeys((first, last)):
            if self.timetable.newest_at_or_before(slot) != slot:
                yield f"execution {id_} stands at {_name(slot)}, which is no slot"
                return
        planned = self.timetable.count_between(first, last + RESOLUTION)
        if planned != count:
            yield f"execution {id_} stands for {count} slots from {_name(first)} to {_name(last)}; there are {planned}"

    def _find_all(self, rule: str, details: Iterator[str]) -> None:
        for detail in details:
            self._find(rule, detail)

    def _find(self, rule: str, detail: str) -> None:
        self.found.append(Finding(rule, self.subject, detail))


def _name(instant: datetime | None) -> str:
    return "none" if instant is None else instant.isoformat()


async def _find_undecided(session: AsyncSession, lease: str) -> list[Finding]:
    now = await database_now(session)
    leader = await leases.find_lease(session, lease)
    if leader is None or leader.expires_at <= now or leader.acquired_at > now - UNDECIDED_AFTER:
        return []
    statement = (
        sa.select(schedules.c.id, schedules.c.next_run_at)
        .where(schedules.c.next_run_at < now - UNDECIDED_AFTER)
        .order_by(schedules.c.next_run_at)
        .limit(MOST_FINDINGS)
    )
    return [
        Finding("decided", f"schedule {row.id}", f"{_name(row.next_run_at)} is undecided, and {leader.holder} leads")
        for row in await session.execute(statement)
    ]
