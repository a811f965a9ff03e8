"""Contents of files, kept in the database under their SHA-256: every replica reaches them, and a backup has them.

A content is stored once, however many rows point to it (by a foreign key to `blobs.digest`), in pieces, so that neither
storing nor reading needs more memory than one piece. What no row points to any more is swept away after a while.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col, select

from stationmaster.db.base import metadata, table_of
from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.session import read_only
from stationmaster.db.statements import delete_some, insert_into
from stationmaster.kit import clock

PIECE_BYTES = 1_048_576
DIGEST_LENGTH = 64
SWEPT_AFTER = timedelta(hours=1)
"""An upload under way must find its content still there when it points to it."""
SWEPT_AT_ONCE = 20


class Blob(SQLModel, table=True):
    """One content."""

    __tablename__ = "blobs"

    digest: str = Field(primary_key=True, max_length=DIGEST_LENGTH)
    """SHA-256 in hexadecimal digits."""
    size_bytes: int = Field(sa_type=sa.BigInteger)
    touched_at: datetime = Field(default_factory=clock.now, index=True)
    """When it was last stored, also if it was there already."""


class BlobPiece(SQLModel, table=True):
    """A part of a content, counted from 0."""

    __tablename__ = "blob_pieces"

    digest: str = Field(primary_key=True, foreign_key="blobs.digest", ondelete="CASCADE", max_length=DIGEST_LENGTH)
    number: int = Field(primary_key=True)
    data: bytes = Field(sa_type=sa.LargeBinary)


class Source(Protocol):
    """What a content is read from; twice, so that it can be taken back to its beginning."""

    async def read(self, size: int, /) -> bytes:
        """Return up to so many bytes, none at the end."""

    async def seek(self, offset: int, /) -> None:
        """Go to a place, counted in bytes from the beginning."""


class BytesSource:
    """A content that is in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    async def read(self, size: int) -> bytes:
        piece = self._data[self._at : self._at + size]
        self._at += len(piece)
        return piece

    async def seek(self, offset: int) -> None:
        self._at = offset


class FileSource:
    """A content that is in an open file; whoever opened it closes it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    async def read(self, size: int) -> bytes:
        return await asyncio.to_thread(self._file.read, size)

    async def seek(self, offset: int) -> None:
        await asyncio.to_thread(self._file.seek, offset)


@dataclass(frozen=True)
class Stored:
    """Where a content is, and how much it is."""

    digest: str
    size_bytes: int


async def measure(source: Source) -> Stored:
    """Read a content to its end: its digest and size; leaves it at its beginning."""
    total, size = hashlib.sha256(), 0
    while piece := await source.read(PIECE_BYTES):
        total.update(piece)
        size += len(piece)
    await source.seek(0)
    return Stored(total.hexdigest(), size)


async def store(session: AsyncSession, source: Source, measured: Stored) -> None:
    """Store a content that was measured, unless it is there; in this transaction point a row to it."""
    blobs = table_of(Blob)
    now = await database_now(session)
    row = {"digest": measured.digest, "size_bytes": measured.size_bytes, "touched_at": now}
    touch = insert_into(session, blobs).values(row)
    # Also locks the row against the sweep until our pointer to it is stored.
    touch = touch.on_conflict_do_update(index_elements=[blobs.c.digest], set_={"touched_at": now})
    await session.execute(touch)
    if await _has_pieces(session, measured):
        return
    number = 0
    while piece := await source.read(PIECE_BYTES):
        row = {"digest": measured.digest, "number": number, "data": piece}
        await session.execute(sa.insert(table_of(BlobPiece)).values(row))
        number += 1


async def _has_pieces(session: AsyncSession, measured: Stored) -> bool:
    found = await session.scalar(
        select(BlobPiece.number).where(BlobPiece.digest == measured.digest, BlobPiece.number == 0)
    )
    return found is not None or measured.size_bytes == 0


async def read_all(session: AsyncSession, digest: str) -> bytes:
    """Return a whole content; for those that are known to be small."""
    statement = select(BlobPiece.data).where(BlobPiece.digest == digest).order_by(col(BlobPiece.number))
    return b"".join(await session.scalars(statement))


async def read_beginning(session: AsyncSession, digest: str, size: int = 16) -> bytes:
    """Return the first bytes of a content."""
    beginning = sa.func.substr(BlobPiece.data, 1, size, type_=sa.LargeBinary)
    statement = select(beginning).where(BlobPiece.digest == digest, BlobPiece.number == 0)
    return await session.scalar(statement) or b""


async def stream(database: Database, digest: str) -> AsyncIterator[bytes]:
    """Give a content piece by piece; no session is held while somebody receives them."""
    number = 0
    while (piece := await _read_piece(database, digest, number)) is not None:
        yield piece
        number += 1


async def write_to(database: Database, digest: str, path: Path) -> None:
    """Write a content into a new file, whose path the caller has made up.

    Raises:
        FileExistsError: there is something already.
    """
    file = await asyncio.to_thread(path.open, "xb")
    try:
        async for piece in stream(database, digest):
            await asyncio.to_thread(file.write, piece)
    finally:
        await asyncio.to_thread(file.close)


async def _read_piece(database: Database, digest: str, number: int) -> bytes | None:
    async with read_only(database) as session:
        statement = select(BlobPiece.data).where(BlobPiece.digest == digest, BlobPiece.number == number)
        piece: bytes | None = await session.scalar(statement)
        return piece


async def drop_unused(session: AsyncSession, digests: Collection[str]) -> None:
    """Delete those of these contents that no row points to any more, now and not when the sweep comes by."""
    locked = select(Blob.digest).where(col(Blob.digest).in_(digests)).order_by(col(Blob.digest)).with_for_update()
    held = list(await session.scalars(locked))
    # A statement of its own: it sees what whoever held these rows before us points to.
    await session.execute(sa.delete(Blob).where(col(Blob.digest).in_(held), ~_is_pointed_to()))


async def sweep(session: AsyncSession) -> int:
    """Delete some contents that no row points to any more; return how many."""
    is_old = col(Blob.touched_at) < await database_now(session) - SWEPT_AFTER
    return await delete_some(session, Blob, sa.and_(is_old, ~_is_pointed_to()), limit=SWEPT_AT_ONCE)


def _is_pointed_to() -> sa.ColumnElement[bool]:
    pointers = [sa.exists().where(column == table_of(Blob).c.digest) for column in _pointers()]
    return sa.or_(sa.false(), *pointers)


def _pointers() -> list[sa.Column[str]]:
    """Return every column that points to contents, but for that of their own pieces."""
    return [
        key.parent
        for table in metadata.sorted_tables
        if table is not table_of(BlobPiece)
        for key in table.foreign_keys
        if key.column is table_of(Blob).c.digest
    ]
