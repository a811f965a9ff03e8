"""What is forgotten, and what is kept."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from stationmaster.domains.auth.housekeeping import forget_old
from stationmaster.domains.auth.models import (
    AccountToken,
    LoginFailures,
    MailRequest,
    Purpose,
    UserSession,
)
from stationmaster.domains.users import service as users
from stationmaster.domains.users.models import User
from stationmaster.domains.users.service import KEEP_UNVERIFIED, NewUser
from stationmaster.identity.actor import Role
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id
from tests.support.people import PASSWORD_HASH

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def ada(session: AsyncSession) -> User:
    new = NewUser(email="ada@example.com", name="Ada")
    return await users.create_user(session, new, password_hash=PASSWORD_HASH)


def opened(user: User, *, expires_at: datetime, ended_at: datetime | None = None) -> UserSession:
    return UserSession(user_id=user.id, user_version=1, expires_at=expires_at, ended_at=ended_at)


def mailed(user: User, expires_at: datetime) -> AccountToken:
    return AccountToken(
        user_id=user.id,
        purpose=Purpose.VERIFY_EMAIL,
        email=user.email,
        token_hash=new_id().hex,
        expires_at=expires_at,
    )


async def count(session: AsyncSession, model: type[SQLModel]) -> int:
    return await session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


async def test_mailed_tokens_and_requests(session: AsyncSession, ada: User) -> None:
    now = clock.now()
    days = [now, now - timedelta(days=1) - MINUTE]
    session.add_all(mailed(ada, day) for day in days)
    session.add_all(MailRequest(subject=new_id().hex, purpose=Purpose.RESET_PASSWORD, requested_at=day) for day in days)
    await session.flush()

    assert await forget_old(session) == 2

    assert (await count(session, AccountToken), await count(session, MailRequest)) == (1, 1)


async def test_failed_logins_of_yesterday(session: AsyncSession) -> None:
    now = clock.now()
    session.add_all(
        LoginFailures(subject=new_id().hex, count=9, last_failed_at=day)
        for day in (now, now - timedelta(days=1) - MINUTE)
    )
    await session.flush()

    assert await forget_old(session) == 1


@pytest.mark.parametrize(
    ("facts", "forgotten"),
    [
        ({}, 0),
        ({"email_verified_at": None}, 1),
        ({"email_verified_at": None, "role": Role.ADMIN}, 0),
        ({"email_verified_at": None, "created_at": clock.now()}, 0),
    ],
)
async def test_accounts_that_nobody_proved(
    session: AsyncSession, ada: User, facts: dict[str, object], forgotten: int
) -> None:
    ada.sqlmodel_update({"created_at": clock.now() - KEEP_UNVERIFIED - MINUTE, **facts})
    await session.flush()

    assert await forget_old(session) == forgotten
