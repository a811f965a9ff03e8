"""The statements about API keys and their use."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.base import table_of
from stationmaster.db.statements import insert_into
from stationmaster.domains.api_keys.models import ApiKey, ApiKeyUsage


async def find(session: AsyncSession, key_id: UUID) -> ApiKey | None:
    return await session.get(ApiKey, key_id)


async def find_locked(session: AsyncSession, key_id: UUID) -> ApiKey | None:
    """Return the key as it is now, and keep others from changing it until the transaction ends."""
    return await session.get(ApiKey, key_id, with_for_update={"key_share": True}, populate_existing=True)


async def find_by_public_id(session: AsyncSession, public_id: str) -> ApiKey | None:
    """Return the key that this id names now, or named before its last rotation."""
    is_named = sa.or_(col(ApiKey.public_id) == public_id, col(ApiKey.old_public_id) == public_id)
    found: ApiKey | None = await session.scalar(select(ApiKey).where(is_named))
    return found


async def find_names(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, str]:
    keys = table_of(ApiKey)
    rows = await session.execute(sa.select(keys.c.id, keys.c.name).where(keys.c.id.in_(ids)))
    return {row.id: row.name for row in rows}


async def find_owner_ids(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, UUID]:
    keys = table_of(ApiKey)
    rows = await session.execute(sa.select(keys.c.id, keys.c.user_id).where(keys.c.id.in_(ids)))
    return {row.id: row.user_id for row in rows}


def list_statement(*, user_id: UUID | None, is_active: bool | None) -> sa.Select[ApiKey]:
    """Make the SELECT of keys, of one owner or of all, newest first."""
    statement = sa.select(ApiKey)
    if user_id is not None:
        statement = statement.where(col(ApiKey.user_id) == user_id)
    if is_active is not None:
        statement = statement.where(col(ApiKey.is_active) == is_active)
    return statement.order_by(col(ApiKey.created_at).desc(), col(ApiKey.id).desc())


async def list_of_person(session: AsyncSession, user_id: UUID) -> list[ApiKey]:
    return list(await session.scalars(list_statement(user_id=user_id, is_active=None)))


async def lock_existing(session: AsyncSession, key_ids: Collection[UUID]) -> set[UUID]:
    """Return those keys that still exist, locked in a fixed order, so that two replicas wait for each other."""
    statement = (
        select(ApiKey.id).where(col(ApiKey.id).in_(key_ids)).order_by(col(ApiKey.id)).with_for_update(key_share=True)
    )
    return set(await session.scalars(statement))


async def add_uses(session: AsyncSession, counts: Mapping[tuple[UUID, date, str], int]) -> None:
    """Add counted uses to the days' rows."""
    usage = table_of(ApiKeyUsage)
    statement = insert_into(session, usage)
    statement = statement.on_conflict_do_update(
        index_elements=[usage.c.api_key_id, usage.c.used_on, usage.c.endpoint],
        set_={"count": usage.c.count + statement.excluded["count"]},
    )
    rows = [
        {"api_key_id": key_id, "used_on": used_on, "endpoint": endpoint, "count": count}
        for (key_id, used_on, endpoint), count in sorted(counts.items())
    ]
    await session.execute(statement, rows)


async def note_use(session: AsyncSession, key_id: UUID, *, count: int, last_used_at: datetime) -> None:
    """Add to a key's total; `updated_at` stays, since nobody changed the key."""
    statement = (
        sa.update(ApiKey)
        .where(col(ApiKey.id) == key_id)
        .values(
            usage_count=ApiKey.usage_count + count,
            last_used_at=sa.case(
                (sa.func.coalesce(ApiKey.last_used_at, last_used_at) > last_used_at, ApiKey.last_used_at),
                else_=last_used_at,
            ),
            updated_at=ApiKey.updated_at,
        )
    )
    await session.execute(statement)


async def count_since(session: AsyncSession, key_id: UUID, since: date) -> int:
    """Count uses on and after a day (UTC)."""
    statement = select(sa.func.sum(ApiKeyUsage.count)).where(
        col(ApiKeyUsage.api_key_id) == key_id, col(ApiKeyUsage.used_on) >= since
    )
    return int(await session.scalar(statement) or 0)


async def list_endpoints(session: AsyncSession, key_id: UUID) -> dict[str, int]:
    """Return how often each operation was called, over all days."""
    statement = (
        sa.select(col(ApiKeyUsage.endpoint), sa.func.sum(ApiKeyUsage.count))
        .where(col(ApiKeyUsage.api_key_id) == key_id)
        .group_by(col(ApiKeyUsage.endpoint))
    )
    return {endpoint: int(count) for endpoint, count in await session.execute(statement)}


async def delete_uses(session: AsyncSession, *, before: date) -> int:
    statement = sa.delete(ApiKeyUsage).where(col(ApiKeyUsage.used_on) < before).returning(col(ApiKeyUsage.count))
    return len((await session.execute(statement)).all())
