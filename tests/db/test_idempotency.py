"""One row stands for one key, whoever comes when."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.engine import Database
from stationmaster.db.idempotency import KeptAnswer, find_answer, forget_old, give_up_claim, keep
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.kit.ids import new_id

DAY = timedelta(days=1)
KEY = "k" * 64
OVER = timedelta(seconds=-1)


async def store(database: Database, attempt_id: UUID, answer: str | None = "sealed", **facts: Any) -> bool:
    arguments: dict[str, Any] = {"key": KEY, "fingerprint": "f", "life": DAY} | facts
    async with unit_of_work(database) as session:
        return await keep(session, attempt_id=attempt_id, answer=answer, **arguments)


async def found(database: Database) -> KeptAnswer | None:
    async with read_only(database) as session:
        return await find_answer(session, KEY)


async def test_the_first_answer_stays(database: Database) -> None:
    first = await store(database, new_id(), "first")
    second = await store(database, new_id(), "second")
    kept = await found(database)

    assert (first, second) == (True, False)
    assert kept is not None
    assert kept.answer == "first"


async def test_of_two_at_once_one_is_first(database: Database) -> None:
    stored = await asyncio.gather(*(store(database, new_id()) for _ in range(8)))

    assert stored.count(True) == 1


async def test_a_rolled_back_answer_was_never_there(database: Database) -> None:
    async with database.writer.connect() as connection, AsyncSession(connection) as session:
        await keep(session, key=KEY, fingerprint="f", attempt_id=new_id(), answer="lost", life=DAY)
        await session.rollback()

    assert await found(database) is None


async def test_an_old_answer_makes_room(database: Database) -> None:
    await store(database, new_id(), "old", life=OVER)
    gone = await found(database)
    stored = await store(database, new_id(), "new")

    assert gone is None
    assert stored


async def test_a_claim_is_answered_by_who_made_it(database: Database) -> None:
    own = new_id()
    await store(database, own, None)
    by_another = await store(database, new_id(), "another's")
    by_itself = await store(database, own, "own")

    assert (by_another, by_itself) == (False, True)


async def test_a_claim_that_ran_out_is_taken_over(database: Database) -> None:
    slow = new_id()
    await store(database, slow, None, life=OVER)
    taken = await store(database, new_id(), None)
    too_late = await store(database, slow, "too late")

    assert (taken, too_late) == (True, False)


async def test_a_claim_can_be_given_up_and_an_answer_cannot(database: Database) -> None:
    own = new_id()
    await store(database, own, None)
    async with unit_of_work(database) as session:
        await give_up_claim(session, KEY, own)
    given_up = await found(database)
    await store(database, own, "answer")
    async with unit_of_work(database) as session:
        await give_up_claim(session, KEY, own)

    assert given_up is None
    assert await found(database) is not None


async def test_what_is_over_is_forgotten(database: Database) -> None:
    for number in range(3):
        await store(database, new_id(), key=f"{number}", life=OVER)
    await store(database, new_id())
    async with unit_of_work(database) as session:
        forgotten = await forget_old(session)

    assert forgotten == 3
    assert await found(database) is not None
