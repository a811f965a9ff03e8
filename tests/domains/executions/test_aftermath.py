"""Those who watch are told of every end, once, in the transaction of what they write."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions import queue
from stationmaster.domains.executions.aftermath import Aftermath, Follower, follow_up
from stationmaster.domains.executions.models import Execution, OnLost
from stationmaster.domains.executions.overlap import release_held
from stationmaster.domains.executions.policies import Overlap
from stationmaster.domains.executions.repository import cancel_queued
from stationmaster.domains.executions.rescue import rescue
from stationmaster.domains.executions.states import State
from stationmaster.kit.ids import new_id
from tests.domains.executions.test_runner import running
from tests.support.databases import ONLY_POSTGRESQL
from tests.support.executions import ScriptedExecutor, ended, eventually, make_spec, read, store


@dataclass
class Notebook:
    """A follower that writes down what it is told, and fails when told of one of `bad`."""

    name: str = "notebook"
    told: list[list[UUID]] = field(default_factory=list)
    bad: set[UUID] = field(default_factory=set)

    async def follow(self, session: AsyncSession, ended: Sequence[Execution]) -> None:
        ids = [execution.id for execution in ended]
        if self.bad & set(ids):
            await session.execute(sa.update(Execution).where(sa.column("id") == ids[0]).values(stage="half done"))
            raise ValueError("a fault of the room")
        self.told.append(ids)

    @property
    def all(self) -> list[UUID]:
        return [id_ for ids in self.told for id_ in ids]


async def tell(database: Database, *followers: Follower) -> int:
    async with unit_of_work(database) as session:
        return await follow_up(session, followers)


async def end_by_success(database: Database, id_: UUID) -> None:
    async with running(database, ScriptedExecutor()):
        await ended(database, id_)


async def end_by_cancelling(database: Database, id_: UUID) -> None:
    async with unit_of_work(database) as session:
        assert await cancel_queued(session, id_, (await read(database, id_)).queued_at)


async def end_by_losing(database: Database, id_: UUID) -> None:
    async with unit_of_work(database) as session:
        await queue.claim(session, [id_], worker="dead", token=new_id(), lease=timedelta(seconds=-1))
    async with unit_of_work(database) as session:
        await rescue(session)


@pytest.mark.parametrize("end", [end_by_success, end_by_cancelling, end_by_losing])
async def test_an_end_is_told_once_however_it_comes(
    database: Database, end: Callable[[Database, UUID], Awaitable[None]]
) -> None:
    [id_] = await store(database, make_spec(on_lost=OnLost.FAIL), is_watched=True)
    notebook = Notebook()
    assert 0 == await tell(database, notebook)

    await end(database, id_)

    assert [1, 0] == [await tell(database, notebook), await tell(database, notebook)]
    assert [[id_]] == notebook.told
    assert not (await read(database, id_)).is_watched


async def test_what_never_ran_is_told_too(database: Database) -> None:
    alone = Overlap.model_validate({"policy": "skip"})
    first, second = await store(database, make_spec(overlap=alone), 2, is_watched=True)
    notebook = Notebook()

    await tell(database, notebook)

    assert State.SKIPPED is (await read(database, second)).state
    assert [second] == notebook.all
    assert (await read(database, first)).is_watched


async def test_what_nobody_watches_is_not_told(database: Database) -> None:
    [id_] = await store(database, make_spec())
    await end_by_cancelling(database, id_)

    assert 0 == await tell(database, Notebook())


async def test_ends_are_told_in_their_order(database: Database) -> None:
    ids = await store(database, make_spec(), 3, is_watched=True)
    for id_ in reversed(ids):
        await end_by_cancelling(database, id_)
    async with unit_of_work(database) as session:
        for seconds, id_ in enumerate(reversed(ids)):
            at = (await read(database, id_)).queued_at + timedelta(seconds=seconds)
            await session.execute(sa.update(Execution).where(sa.column("id") == id_).values(finished_at=at))
    notebook = Notebook()

    await tell(database, notebook)

    assert ids[::-1] == notebook.all


async def test_a_follower_that_fails_keeps_nothing_and_hides_nothing(database: Database) -> None:
    ids = await store(database, make_spec(), 3, is_watched=True)
    for id_ in ids:
        await end_by_cancelling(database, id_)
    failing, other = Notebook("failing", bad={ids[1]}), Notebook("other")

    await tell(database, failing, other)

    assert {ids[0], ids[2]} == set(failing.all)
    assert set(ids) == set(other.all)
    assert [None, None, None] == [(await read(database, id_)).stage for id_ in ids]
    assert 0 == await tell(database, failing, other)


async def test_nothing_is_kept_of_a_transaction_that_fails(database: Database) -> None:
    [id_] = await store(database, make_spec(), is_watched=True)
    await end_by_cancelling(database, id_)
    notebook = Notebook()

    async with AsyncSession(database.writer) as session:
        await follow_up(session, [notebook])
        await session.rollback()

    assert 1 == await tell(database, notebook)
    assert [[id_], [id_]] == notebook.told


@ONLY_POSTGRESQL
async def test_one_replica_at_a_time_tells(database: Database) -> None:
    [id_] = await store(database, make_spec(), is_watched=True)
    await end_by_cancelling(database, id_)
    notebook = Notebook()

    async with unit_of_work(database) as session:
        assert 1 == await follow_up(session, [notebook])
        assert 0 == await tell(database, notebook)


async def test_the_loop_is_woken_by_an_end(database: Database) -> None:
    [id_] = await store(database, make_spec(), is_watched=True)
    notebook = Notebook()

    async def is_told() -> bool:
        return [id_] == notebook.all

    async with asyncio.TaskGroup() as group:
        loop = group.create_task(Aftermath(database, [notebook]).run())
        await end_by_success(database, id_)
        await eventually(is_told)
        loop.cancel()


async def test_an_execution_that_waited_is_told_when_it_has_ended(database: Database) -> None:
    """Held executions are active: the flag alone tells nobody."""
    queueing = Overlap.model_validate({"policy": "queue"})
    facts: dict[str, Any] = {"is_watched": True}
    await store(database, make_spec(overlap=queueing), 2, **facts)
    notebook = Notebook()

    assert 0 == await tell(database, notebook)
    async with unit_of_work(database) as session:
        assert 0 == await release_held(session)
