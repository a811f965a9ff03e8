"""Storing and finding accounts."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.users import service as users
from stationmaster.domains.users.service import NewUser
from stationmaster.errors import AlreadyExists, NotFound
from stationmaster.kit.ids import new_id
from tests.support.people import PASSWORD_HASH

ADA = NewUser(email="Ada@Example.com", name="Ada Lovelace", username="Ada")


async def test_stores_an_account_under_comparable_names(session: AsyncSession) -> None:
    user = await users.create_user(session, ADA, password_hash=PASSWORD_HASH)

    assert (user.email, user.username, user.username_key) == ("ada@example.com", "Ada", "ada")
    assert user.is_active
    assert user.is_verified
    assert user.is_approved


@pytest.mark.parametrize("name", ["ada@example.com", "ADA@EXAMPLE.COM", " ada@example.com ", "ada", "ADA"])
async def test_finds_it_by_either_name_in_any_case(session: AsyncSession, name: str) -> None:
    user = await users.create_user(session, ADA, password_hash=PASSWORD_HASH)

    assert await users.find_by_login(session, name) == user


@pytest.mark.parametrize("name", ["", "adb", "example.com", "ada@example.org", "%", "@"])
async def test_finds_nothing_else(session: AsyncSession, name: str) -> None:
    await users.create_user(session, ADA, password_hash=PASSWORD_HASH)

    assert await users.find_by_login(session, name) is None


@pytest.mark.parametrize(
    ("other", "field"),
    [
        (NewUser(email="ADA@example.com", name="Other"), "e-mail address"),
        (NewUser(email="other@example.com", name="Other", username="aDA"), "user name"),
    ],
)
async def test_refuses_a_taken_name(session: AsyncSession, other: NewUser, field: str) -> None:
    await users.create_user(session, ADA, password_hash=PASSWORD_HASH)

    with pytest.raises(AlreadyExists) as refusal:
        await users.create_user(session, other, password_hash=PASSWORD_HASH)

    assert refusal.value.field == field


async def test_many_may_have_no_user_name(session: AsyncSession) -> None:
    for email in ("a@example.com", "b@example.com"):
        await users.create_user(session, NewUser(email=email, name="Nameless"), password_hash=PASSWORD_HASH)

    assert await users.count_users(session) == 2


async def test_one_of_parallel_creations_wins(database: Database) -> None:
    async def create() -> None:
        async with unit_of_work(database) as session:
            await users.create_user(session, ADA, password_hash=PASSWORD_HASH)

    outcomes = await asyncio.gather(*(create() for _ in range(4)), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyExists"] * 3 + ["NoneType"]
    async with read_only(database) as session:
        assert await users.count_users(session) == 1


async def test_a_new_password_raises_the_version(session: AsyncSession) -> None:
    user = await users.create_user(session, ADA, password_hash=PASSWORD_HASH)

    await users.set_password(session, user.id, "another hash")

    assert (user.password_hash, user.version) == ("another hash", 2)


async def test_a_login_is_no_change_of_the_account(session: AsyncSession) -> None:
    user = await users.create_user(session, ADA, password_hash=PASSWORD_HASH)
    changed_at = user.updated_at

    await users.record_login(session, user.id, password_hash="newer hash")
    await session.refresh(user)

    assert (user.updated_at, user.password_hash) == (changed_at, "newer hash")
    assert user.last_login_at is not None


async def test_says_when_there_is_no_such_account(session: AsyncSession) -> None:
    with pytest.raises(NotFound):
        await users.get_user(session, new_id())
