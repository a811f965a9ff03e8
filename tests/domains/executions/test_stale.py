"""Ending what nobody waits for any more."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.notify import Wake, pending_wakes
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions import queue, stale
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import Reason, State
from stationmaster.kit.ids import new_id
from tests.support.executions import make_spec, read, store

AFTER = timedelta(days=3)


async def age(database: Database, id_: UUID, name: str, by: timedelta, **columns: Any) -> None:
    async with unit_of_work(database) as session:
        values = {name: await database_now(session) - by, **columns}
        await session.execute(sa.update(Execution).where(sa.column("id") == id_).values(values))


async def end_stale(database: Database) -> tuple[int, set[Wake]]:
    async with unit_of_work(database) as session:
        return await stale.end_stale(session, after=AFTER), pending_wakes(session)


@pytest.mark.parametrize("is_held", [False, True])
async def test_what_waited_too_long_is_cancelled(database: Database, *, is_held: bool) -> None:
    old, new = await store(database, make_spec(), 2)
    await age(database, old, "available_at", AFTER + timedelta(minutes=1), is_held=is_held)
    await age(database, new, "available_at", AFTER - timedelta(minutes=1))

    count, wakes = await end_stale(database)
    ended = await read(database, old)

    assert (1, {Wake.CANCEL, Wake.ENDED, Wake.TICK}) == (count, wakes)
    assert (State.CANCELLED, Reason.EXPIRED, False) == (ended.state, ended.reason, ended.is_held)
    assert ended.finished_at is not None
    assert State.QUEUED is (await read(database, new)).state
    assert (0, set()) == await end_stale(database)


async def test_what_runs_too_long_is_asked_to_stop(database: Database) -> None:
    old, new = await store(database, make_spec(), 2)
    async with unit_of_work(database) as session:
        await queue.claim(session, [old, new], worker="w1", token=new_id(), lease=timedelta(minutes=1))
    await age(database, old, "attempt_started_at", AFTER + timedelta(minutes=1))

    count, _ = await end_stale(database)
    asked, other = await read(database, old), await read(database, new)

    assert (1, State.RUNNING, Reason.EXPIRED) == (count, asked.state, asked.reason)
    assert asked.cancel_requested_at is not None
    assert other.cancel_requested_at is None
