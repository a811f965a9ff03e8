"""What stands in the status log, and when something is written."""

from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import col, select

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from stationmaster.domains.status.models import StatusEntry
from stationmaster.domains.status.service import AT_LEAST_EVERY, StatusLog, take
from tests.support.executions import make_spec, store
from tests.support.people import make_user


async def look(database: Database, log: StatusLog | None = None) -> bool:
    async with unit_of_work(database) as session:
        return await (log or StatusLog()).look(session)


async def entries(database: Database) -> list[StatusEntry]:
    async with read_only(database) as session:
        return list(await session.scalars(select(StatusEntry).order_by(col(StatusEntry.id))))


async def put(database: Database, *states: State) -> None:
    """Store one execution in each of these states."""
    ids = await store(database, make_spec(), len(states))
    async with unit_of_work(database) as session:
        for id_, state in zip(ids, states, strict=True):
            ended = {} if state in {State.QUEUED, State.RUNNING} else {"finished_at": Execution.queued_at}
            await session.execute(sa.update(Execution).where(col(Execution.id) == id_).values(state=state, **ended))


async def test_it_counts_what_there_is(database: Database) -> None:
    await make_user(database)
    await put(database, *State, State.SUCCEEDED, State.QUEUED)
    async with read_only(database) as session:
        entry = await take(session)

    assert (3, 2, 1) == (entry.executions_active, entry.executions_ready, entry.executions_running)
    assert (2, 3, 1) == (entry.executions_finished, entry.executions_failed, entry.executions_cancelled)
    assert (len(State) + 2, 1, 0) == (entry.executions_count, entry.users_count, entry.scripts_count)
    assert 0 < entry.memory_available_percent <= 100
    assert 0 <= entry.cpu_usage_percent <= 100


async def test_an_entry_is_written_when_something_has_changed(database: Database) -> None:
    written = [await look(database), await look(database)]
    await put(database, State.QUEUED)
    written += [await look(database), await look(database)]

    assert [True, False, True, False] == written
    assert [0, 1] == [entry.executions_active for entry in await entries(database)]


async def test_an_entry_is_written_every_two_minutes(database: Database) -> None:
    await look(database)
    async with unit_of_work(database) as session:
        [entry] = await session.scalars(select(StatusEntry))
        entry.timestamp -= AT_LEAST_EVERY
    await look(database)

    first, second = await entries(database)
    assert second.timestamp - first.timestamp >= timedelta(seconds=119)


async def test_a_look_that_took_long_is_followed_by_a_rest(database: Database) -> None:
    times = iter([1.0, 1.5, 10.0, 26.4, 26.6, 26.7])
    log = StatusLog(lambda: next(times))
    await look(database, log)
    await put(database, State.QUEUED)

    assert [False, False] == [await look(database, log) for _ in range(2)]
    assert await look(database, log)
