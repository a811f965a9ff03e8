"""The oldest seals can go; what is left is verifiable, and nobody without the key can do it."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

from stationmaster.db.engine import Database
from stationmaster.db.retention import Rule
from stationmaster.db.session import unit_of_work
from stationmaster.domains.audit.chain import SealKey
from stationmaster.domains.audit.models import AuditCheckpoint, AuditLog, AuditSeal
from stationmaster.domains.audit.retention import rules
from stationmaster.domains.audit.verdict import Break, Fault, Link
from stationmaster.domains.audit.verifying import verify
from stationmaster.kit import clock
from stationmaster.retention_settings import RetentionSettings
from tests.domains.audit.reading import KEY, disarm, read_entries, read_seals, seal, write

HOUR = timedelta(hours=1)


@pytest.fixture
async def chain(database: Database) -> Database:
    """Make four seals of three entries each, and one entry that waits for its seal."""
    for _ in range(4):
        await write(database, 3)
        await seal(database)
    await write(database)
    return database


async def cut(database: Database, *, limit: int, before: datetime | None = None, key: SealKey = KEY) -> int:
    chosen = [rule for rule in rules(RetentionSettings(audit=HOUR), key) if rule.name == "audit"]
    return await apply(database, *chosen, limit=limit, before=before or clock.now() + HOUR)


async def apply(database: Database, rule: Rule, *, limit: int, before: datetime) -> int:
    """Apply a rule; what it removes it must have counted before."""
    async with unit_of_work(database) as session:
        counted = await rule.count(session, before, limit)
        removed = await rule.remove(session, before, limit)
    assert counted == removed
    return removed


async def test_whole_seals_go_and_the_rest_is_intact(chain: Database) -> None:
    assert 6 == await cut(chain, limit=7)

    verdict = await verify(chain, KEY)
    assert (None, 6, 2, 6, 1) == (verdict.broken, verdict.entries, verdict.seals, verdict.removed, verdict.unsealed)
    assert [3, 4] == [each.number for each in await read_seals(chain)]
    assert 7 == len(await read_entries(chain))


async def test_the_newest_seal_stays_and_the_next_follows_it(chain: Database) -> None:
    assert 9 == await cut(chain, limit=1000)
    assert 0 == await cut(chain, limit=1000)
    await seal(chain)

    verdict = await verify(chain, KEY)
    assert (None, Link(5, (await read_seals(chain))[-1].digest)) == (verdict.broken, verdict.head)


async def test_it_can_go_on(chain: Database) -> None:
    assert [3, 3] == [await cut(chain, limit=1) for _ in range(2)]
    assert (await verify(chain, KEY)).broken is None


@pytest.mark.parametrize(("most", "removed"), [(13, 0), (12, 0), (11, 0), (9, 3), (8, 3), (6, 6), (1, 9)])
async def test_the_newest_entries_stay(chain: Database, most: int, removed: int) -> None:
    """However young the others are; whole seals go, so a few more may be left."""
    chosen = [rule for rule in rules(RetentionSettings(audit_entries=most), KEY) if rule.name == "audit_entries"]

    assert removed == await apply(chain, *chosen, limit=1000, before=clock.now() - HOUR)
    verdict = await verify(chain, KEY)
    assert (None, 12 - removed, removed) == (verdict.broken, verdict.entries, verdict.removed)


async def test_what_is_young_stays(chain: Database) -> None:
    assert 0 == await cut(chain, limit=1000, before=clock.now() - HOUR)


async def test_a_change_after_the_cut_is_found(chain: Database) -> None:
    await cut(chain, limit=3)
    await disarm(chain)
    async with unit_of_work(chain) as session:
        await session.execute(sa.update(AuditLog).where(col(AuditLog.sequence) == 5).values(action="nothing"))

    broken = (await verify(chain, KEY)).broken
    assert broken is not None
    assert ("entry", Fault.CHANGED, 5) == (broken.what, broken.fault, broken.sequence)


async def test_a_cut_by_somebody_without_the_key_is_found(chain: Database) -> None:
    await cut(chain, limit=3, key=SealKey(b"x" * 32))

    assert Break("checkpoint", Fault.OTHER_KEY, 1) == (await verify(chain, KEY)).broken


async def test_a_moved_cut_is_found(chain: Database) -> None:
    await cut(chain, limit=3)
    await disarm(chain)
    async with unit_of_work(chain) as session:
        await session.execute(sa.update(AuditCheckpoint).values(last_sequence=6))

    assert Break("checkpoint", Fault.CHANGED, 1) == (await verify(chain, KEY)).broken


@pytest.mark.parametrize(("seal_number", "fault"), [(1, Fault.MISSING), (2, None), (3, None)])
async def test_a_seal_seen_before_is_looked_for(chain: Database, seal_number: int, fault: Fault | None) -> None:
    digests = {each.number: each.digest for each in await read_seals(chain)}
    await cut(chain, limit=6)

    broken = (await verify(chain, KEY, Link(seal_number, digests[seal_number]))).broken
    assert fault == (broken.fault if broken else None)


async def test_the_last_seal_that_went_must_be_the_one_seen_before(chain: Database) -> None:
    await cut(chain, limit=6)

    assert Break("seal", Fault.CHANGED, 2) == (await verify(chain, KEY, Link(2, "0" * 64))).broken


@pytest.mark.parametrize(
    "statement",
    [
        sa.delete(AuditLog).where(col(AuditLog.sequence) == 4),
        sa.delete(AuditLog).where(col(AuditLog.sequence).is_(None)),
        sa.delete(AuditSeal).where(col(AuditSeal.number) == 2),
        sa.delete(AuditCheckpoint),
        sa.update(AuditCheckpoint).values(number=4),
    ],
    ids=["sealed entry", "waiting entry", "seal", "checkpoint", "moved checkpoint"],
)
async def test_nothing_else_can_be_removed(chain: Database, statement: sa.Executable) -> None:
    await cut(chain, limit=3)

    with pytest.raises(DBAPIError, match="append-only"):
        async with unit_of_work(chain) as session:
            await session.execute(statement)
