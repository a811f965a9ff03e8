"""The last superadmin stays, whoever tries what at the same instant."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.outbox.service import Outbox
from stationmaster.domains.users import management
from stationmaster.domains.users import service as users
from stationmaster.domains.users.errors import LastSuperadmin
from stationmaster.identity.actor import Role
from stationmaster.kit.sealing import Keyring
from tests.support.people import PASSWORD, make_user

OUTBOX = Outbox.open("http://testserver", Keyring(("a secret key of the tests, long enough",)))

Loss = Callable[[AsyncSession, UUID], Awaitable[Any]]


async def demote(session: AsyncSession, user_id: UUID) -> None:
    await management.update_user(session, None, user_id, {"role": Role.ADMIN}, outbox=OUTBOX)


async def deactivate(session: AsyncSession, user_id: UUID) -> None:
    await management.update_user(session, None, user_id, {"is_active": False}, outbox=OUTBOX)


async def withdraw_approval(session: AsyncSession, user_id: UUID) -> None:
    await management.update_user(session, None, user_id, {"is_approved": False}, outbox=OUTBOX)


async def delete(session: AsyncSession, user_id: UUID) -> None:
    await management.delete_own(session, user_id)


EVERY_LOSS = pytest.mark.parametrize("lose", [demote, deactivate, withdraw_approval, delete])


async def count_superadmins(database: Database) -> int:
    async with read_only(database) as session:
        found = await session.scalars(users.list_statement(role=Role.SUPERADMIN, is_active=True))
        return sum(user.is_approved for user in found)


async def lose_in_a_transaction(database: Database, lose: Loss, user_id: UUID) -> None:
    async with unit_of_work(database) as session:
        await lose(session, user_id)


@EVERY_LOSS
async def test_the_last_superadmin_stays(database: Database, lose: Loss) -> None:
    last = await make_user(database, Role.SUPERADMIN)
    await make_user(database, Role.SUPERADMIN, is_active=False)

    with pytest.raises(LastSuperadmin):
        await lose_in_a_transaction(database, lose, last.id)

    assert await count_superadmins(database) == 1


@EVERY_LOSS
async def test_one_of_two_may_go(database: Database, lose: Loss) -> None:
    first, _ = [await make_user(database, Role.SUPERADMIN) for _ in range(2)]

    await lose_in_a_transaction(database, lose, first.id)

    assert await count_superadmins(database) == 1


@EVERY_LOSS
async def test_of_two_at_the_same_instant_one_stays(database: Database, lose: Loss) -> None:
    both = [await make_user(database, Role.SUPERADMIN) for _ in range(2)]

    outcomes = await asyncio.gather(
        *(lose_in_a_transaction(database, lose, user.id) for user in both), return_exceptions=True
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["LastSuperadmin", "NoneType"]
    assert await count_superadmins(database) == 1


async def test_the_last_one_may_change_the_name(database: Database) -> None:
    last = await make_user(database, Role.SUPERADMIN)

    async with unit_of_work(database) as session:
        await management.update_user(session, None, last.id, {"name": "Renamed"}, outbox=OUTBOX)

    async with read_only(database) as session:
        assert (await users.get_user(session, last.id)).name == "Renamed"


async def test_the_first_superadmin_is_made_once(database: Database) -> None:
    made = []
    for email in ("first@example.com", "second@example.com"):
        async with unit_of_work(database) as session:
            made.append(await management.ensure_first_superadmin(session, email=email, password=PASSWORD))

    assert made == [True, False]
    assert await count_superadmins(database) == 1


async def test_replicas_that_start_together_make_one(database: Database) -> None:
    async def start() -> bool:
        async with unit_of_work(database) as session:
            return await management.ensure_first_superadmin(session, email="first@example.com", password=PASSWORD)

    made = await asyncio.gather(*(start() for _ in range(3)))

    assert sorted(made) == [False, False, True]
    assert await count_superadmins(database) == 1
