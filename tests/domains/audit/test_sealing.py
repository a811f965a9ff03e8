"""Batches: every entry gets its place, once, whenever it was committed."""

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.audit import sealing
from stationmaster.domains.audit.chain import NO_SEAL
from stationmaster.domains.audit.verifying import verify
from stationmaster.entrypoints.scheduler.duties import seal_duty
from tests.domains.audit.reading import KEY, make_entry, read_entries, read_seals, seal, write
from tests.support.databases import ONLY_POSTGRESQL


async def sequences(database: Database) -> list[int | None]:
    """Return the places of all entries, by their ids."""
    return [entry.sequence for entry in await read_entries(database)]


async def test_nothing_to_seal_makes_no_seal(database: Database) -> None:
    assert await seal(database) == 0
    assert await read_seals(database) == []


async def test_batches_are_numbered_without_gaps_and_chained(database: Database) -> None:
    await write(database, 3)
    assert await seal(database) == 3
    await write(database, 2)
    assert await seal(database) == 2

    first, second = await read_seals(database)
    assert (first.number, first.first_sequence, first.last_sequence, first.previous) == (1, 1, 3, NO_SEAL)
    assert (second.number, second.first_sequence, second.last_sequence, second.previous) == (2, 4, 5, first.digest)
    assert await sequences(database) == [1, 2, 3, 4, 5]


async def test_a_batch_has_an_end(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 2)
    await write(database, 3)

    assert [await seal(database) for _ in range(3)] == [2, 1, 0]
    assert await sequences(database) == [1, 2, 3]


@ONLY_POSTGRESQL
async def test_an_entry_that_is_committed_late_is_not_passed_over(database: Database) -> None:
    async with AsyncSession(database.writer) as late:
        late.add(make_entry(action="late"))
        await late.flush()
        await write(database, action="early")
        await seal(database)
        await late.commit()

    assert await seal(database) == 1
    by_action = {entry.action: entry.sequence for entry in await read_entries(database)}
    assert by_action == {"early": 1, "late": 2}
    assert (await verify(database, KEY)).broken is None


@ONLY_POSTGRESQL
async def test_of_two_sealers_at_once_one_is_refused(database: Database) -> None:
    await write(database, 5)
    async with AsyncSession(database.writer) as second:
        await second.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        await second.execute(sa.text("SELECT 1 FROM audit_logs"))  # what it sees from now on has no seal
        await seal(database)
        with pytest.raises(IntegrityError):
            await sealing.seal(second, KEY)

    verdict = await verify(database, KEY)
    assert (verdict.entries, verdict.seals, verdict.broken) == (5, 1, None)


async def test_writers_and_the_sealer_do_not_disturb_each_other(database: Database) -> None:
    async def write_some() -> None:
        for _ in range(10):
            await write(database)

    async def seal_some() -> None:
        for _ in range(10):
            await seal(database)

    await asyncio.gather(*(write_some() for _ in range(5)), seal_some())
    await seal(database)

    verdict = await verify(database, KEY)
    assert (verdict.entries, verdict.unsealed, verdict.broken) == (50, 0, None)


async def test_the_end_of_the_chain_is_logged(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    await write(database, 2)
    with caplog.at_level("INFO", "stationmaster.domains.audit.sealing"):
        await seal(database)

    (record,) = caplog.records
    (made,) = await read_seals(database)
    assert record.message == "audit.sealed"
    assert record.__dict__["digest"] == made.digest


async def test_it_is_a_duty_of_the_leader(database: Database) -> None:
    await write(database)
    duty = seal_duty(KEY)

    async with unit_of_work(database) as session:
        await duty.work(session)

    assert duty.leader_only
    assert await sequences(database) == [1]
