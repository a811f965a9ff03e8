"""Who has a key that expires soon is told two weeks and three days before, once each."""

from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlmodel import col

from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.api_keys.models import ApiKey
from stationmaster.domains.notifications import key_expiry
from stationmaster.identity.actor import Role
from stationmaster.kit import clock
from tests.domains.notifications.telling import read_inboxes, read_messages
from tests.support.people import make_user


async def make(database: Database, *, age_days: float, left_days: float, is_active: bool = True) -> UUID:
    """Store a key of this age with so much left."""
    user = await make_user(database)
    now = clock.now()
    key = ApiKey(
        user_id=user.id,
        name="nightly import",
        role=Role.USER,
        public_id=user.id.hex[-8:],
        key_hash="x",
        is_active=is_active,
        created_at=now - timedelta(days=age_days),
        expires_at=now + timedelta(days=left_days),
    )
    async with unit_of_work(database) as session:
        session.add(key)
    return key.id


async def remind(database: Database) -> int:
    async with unit_of_work(database) as session:
        return await key_expiry.remind(session)


@pytest.mark.parametrize(
    ("age", "left", "is_active", "told"),
    [
        (300, 15, True, 0),
        (300, 13.9, True, 1),
        (300, 2.9, True, 1),
        (300, -1, True, 0),
        (300, 10, False, 0),
        (1, 10, True, 0),  # it never had two weeks
        (1, 3.5, True, 0),
        (1, 2.5, True, 1),
    ],
)
async def test_when_somebody_is_told(database: Database, age: float, left: float, is_active: bool, told: int) -> None:
    await make(database, age_days=age, left_days=left, is_active=is_active)

    assert [told, 0] == [await remind(database) for _ in range(2)]
    assert len(await read_inboxes(database)) == told


async def test_both_stages_are_told_by_mail_too(database: Database) -> None:
    id_ = await make(database, age_days=300, left_days=13)
    await remind(database)
    async with unit_of_work(database) as session:
        ours = sa.update(ApiKey).where(col(ApiKey.id) == id_)
        soon = clock.now() + timedelta(days=2)
        await session.execute(ours.values(expires_at=soon, expiry_told_at=soon - timedelta(days=13)))
    await remind(database)

    mails = await read_messages(database)
    assert ["The API key nightly import expires soon"] * 2 == [(mail.facts or {})["title"] for mail in mails]
