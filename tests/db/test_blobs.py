"""Contents in the database: stored once, read piece by piece, swept away when nothing points to them."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from stationmaster.db import blobs
from stationmaster.db.base import table_of
from stationmaster.db.blobs import Blob, BlobPiece, BytesSource, Stored
from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.files.models import File
from stationmaster.kit import clock
from tests.support.people import make_user

LARGE = bytes(range(256)) * 10_000


async def store(database: Database, content: bytes) -> Stored:
    source = BytesSource(content)
    measured = await blobs.measure(source)
    async with unit_of_work(database) as session:
        await blobs.store(session, source, measured)
    return measured


async def count(database: Database, model: type[Blob] | type[BlobPiece]) -> int:
    async with read_only(database) as session:
        return await session.scalar(sa.select(sa.func.count()).select_from(table_of(model))) or 0


async def age(database: Database) -> None:
    async with unit_of_work(database) as session:
        await session.execute(sa.update(Blob).values(touched_at=clock.now() - timedelta(hours=2)))


@pytest.mark.parametrize("content", [b"", b"x", b"y" * blobs.PIECE_BYTES, LARGE])
async def test_a_content_is_read_as_it_was_stored(database: Database, content: bytes, tmp_path: Path) -> None:
    stored = await store(database, content)

    pieces = [piece async for piece in blobs.stream(database, stored.digest)]
    await blobs.write_to(database, stored.digest, tmp_path / "file")
    async with read_only(database) as session:
        whole = await blobs.read_all(session, stored.digest)

    assert stored.size_bytes == len(content)
    assert b"".join(pieces) == whole == (tmp_path / "file").read_bytes() == content
    assert all(len(piece) <= blobs.PIECE_BYTES for piece in pieces)


async def test_the_same_content_is_stored_once(database: Database) -> None:
    first, second = await store(database, LARGE), await store(database, LARGE)

    assert first == second
    assert (await count(database, Blob), await count(database, BlobPiece)) == (1, 3)


async def test_nothing_is_written_over(database: Database, tmp_path: Path) -> None:
    stored = await store(database, b"new")
    (tmp_path / "file").write_bytes(b"old")

    with pytest.raises(FileExistsError):
        await blobs.write_to(database, stored.digest, tmp_path / "file")

    assert (tmp_path / "file").read_bytes() == b"old"


async def test_what_nothing_points_to_is_swept_away(database: Database) -> None:
    owner = await make_user(database)
    kept, _ = await store(database, b"kept"), await store(database, LARGE)
    async with unit_of_work(database) as session:
        session.add(File(owner_id=owner.id, name="f", media_type="a/b", size_bytes=4, digest=kept.digest))
    await age(database)

    async with unit_of_work(database) as session:
        swept = await blobs.sweep(session)

    assert swept == 1
    assert (await count(database, Blob), await count(database, BlobPiece)) == (1, 1)


async def test_what_was_stored_just_now_stays(database: Database) -> None:
    await store(database, b"old")
    await age(database)
    await store(database, b"old")

    async with unit_of_work(database) as session:
        assert await blobs.sweep(session) == 0
