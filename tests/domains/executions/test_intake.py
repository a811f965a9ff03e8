"""The way into the queue: turns, doubles, skipped ranges."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

from stationmaster.db.clock import database_now
from stationmaster.domains.executions import intake, queue
from stationmaster.domains.executions.intake import SkippedRange
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import Reason, State, Trigger
from stationmaster.kit.ids import new_id
from tests.support.executions import make_spec, queue_up

ADA, BOB = new_id(), new_id()


async def in_turn(session: AsyncSession) -> list[UUID]:
    return [one.id for one in await queue.list_candidates(session, limit=1000, full_hosts=[])]


async def test_an_owner_with_a_backlog_does_not_delay_the_others(session: AsyncSession) -> None:
    many = await queue_up(session, make_spec(), 100, owner_id=ADA)
    [single] = await queue_up(session, make_spec(), owner_id=BOB)

    order = await in_turn(session)

    assert order.index(single) < 50  # behind the turns that passed while it was made, not behind all
    assert many == [id_ for id_ in order if id_ != single]


async def test_owners_that_come_together_take_turns(session: AsyncSession) -> None:
    spec = make_spec()
    now = await database_now(session)
    session.add(spec)
    await session.flush()
    owners = [ADA] * 5 + [BOB] * 5
    proposals = [intake.propose(spec, spec.id, trigger=Trigger.MANUAL, now=now, owner_id=owner) for owner in owners]
    await intake.take_in(session, proposals)
    owner_of = {proposal.row["id"]: proposal.row["owner_id"] for proposal in proposals}

    order = [owner_of[id_] for id_ in await in_turn(session)]

    assert [{ADA, BOB}] * 5 == [set(order[start : start + 2]) for start in range(0, 10, 2)]


async def test_a_slot_is_stored_once(session: AsyncSession) -> None:
    spec, schedule = make_spec(), new_id()
    slot = await database_now(session)

    await queue_up(session, spec, schedule_id=schedule, scheduled_for=slot)
    await queue_up(session, spec, schedule_id=schedule, scheduled_for=slot)

    assert 1 == await session.scalar(select(sa.func.count()).select_from(Execution))


async def test_a_skipped_range_stands_for_its_slots_and_can_grow(session: AsyncSession) -> None:
    spec = make_spec()
    await queue_up(session, spec)
    now = await database_now(session)
    first, last = now - timedelta(hours=2), now - timedelta(hours=1)
    skipped = SkippedRange(
        id=new_id(),
        schedule_id=new_id(),
        job_id=new_id(),
        job_name="nightly",
        owner_id=None,
        spec_id=spec.id,
        kind="webhook",
        first=first,
        last=last,
        count=3,
        reason=Reason.PAUSED,
        params={"day": "2026-11-20"},
        epoch=7,
    )

    await intake.record_skipped(session, [skipped], now)
    await intake.extend_skipped(session, [{"id": skipped.id, "last": now, "count": 2}], now)

    row = await session.get(Execution, skipped.id)
    assert row is not None
    assert (State.SKIPPED, Reason.PAUSED, first, now, 5) == (
        row.state, row.reason, row.scheduled_for, row.slot_until, row.slot_count
    )  # fmt: skip
