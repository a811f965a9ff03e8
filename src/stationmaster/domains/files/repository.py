"""The statements about files."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.domains.files.models import File


def list_statement(*, owner_id: UUID | None) -> Any:
    """Select files, of one owner or of all, newest first."""
    statement = select(File)
    if owner_id is not None:
        statement = statement.where(File.owner_id == owner_id)
    return statement.order_by(col(File.id).desc())


async def find_file(session: AsyncSession, id_: UUID) -> File | None:
    return await session.get(File, id_)


async def list_by_id(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, File]:
    files = await session.scalars(select(File).where(col(File.id).in_(ids)))
    return {file.id: file for file in files}


async def sum_sizes(session: AsyncSession, owner_id: UUID) -> int:
    """Return how many bytes an owner's files have together."""
    return int(await session.scalar(select(sa.func.sum(File.size_bytes)).where(File.owner_id == owner_id)) or 0)
