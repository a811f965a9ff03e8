"""Tampering is found, and the first row that was touched is named."""

import random
from typing import Any

import pytest
import sqlalchemy as sa

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only
from stationmaster.domains.audit import verifying
from stationmaster.domains.audit.chain import SealKey, columns_of
from stationmaster.domains.audit.models import AuditSeal
from stationmaster.domains.audit.stored import ENTRIES, ENTRY_FACTS, SEAL_FACTS, SEALS, stored_bytes
from stationmaster.domains.audit.verdict import Break, Fault, Link
from stationmaster.domains.audit.verifying import verify
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id
from tests.domains.audit.reading import KEY, disarm, execute, read_entries, read_seals, seal, write
from tests.support.databases import ONLY_SQLITE

FULL: dict[str, Any] = {
    "actor_id": new_id(),
    "user_id": new_id(),
    "session_id": new_id(),
    "resource_type": "job",
    "resource_id": "4711",
    "reason": "forbidden",
    "request_id": "r",
    "address": "192.0.2.0",
    "before": '{"a":1}',
}
OTHER = {
    "id": new_id(),
    "at": clock.now(),
    "actor_kind": "user",
    "actor_id": new_id(),
    "user_id": new_id(),
    "session_id": new_id(),
    "outcome": "denied",
    "sequence": 99,
}


@pytest.fixture
async def chain(database: Database) -> Database:
    """Make three seals of three entries each, and one entry that is not sealed yet; nothing guards them any more."""
    for _ in range(3):
        await write(database, 3, **FULL)
        await seal(database)
    await write(database)
    await disarm(database)
    return database


async def broken(database: Database) -> Break | None:
    return (await verify(database, KEY)).broken


async def test_an_empty_log_is_intact(database: Database) -> None:
    verdict = await verify(database, KEY)

    assert (verdict.entries, verdict.seals, verdict.unsealed, verdict.head, verdict.broken) == (0, 0, 0, None, None)


async def test_what_nobody_touched_is_intact(chain: Database) -> None:
    verdict = await verify(chain, KEY)

    last = (await read_seals(chain))[-1]
    assert (verdict.entries, verdict.seals, verdict.unsealed, verdict.broken) == (9, 3, 1, None)
    assert verdict.head == Link(3, last.digest)


async def test_it_reads_in_batches(chain: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "SEALS_AT_ONCE", 2)
    monkeypatch.setattr(verifying, "ENTRIES_AT_ONCE", 2)

    assert (await verify(chain, KEY)).entries == 9


@pytest.mark.parametrize(
    ("column", "value"),
    [(column.name, OTHER.get(column.name, "other")) for column in ENTRY_FACTS]
    + [(column.name, None) for column in ENTRY_FACTS if column.nullable],
)
async def test_a_changed_column_names_its_entry(chain: Database, column: str, value: object) -> None:
    entry = (await read_entries(chain))[4]
    await execute(chain, sa.update(ENTRIES).where(ENTRIES.c.sequence == 5).values({column: value}))

    found = await broken(chain)

    assert found == Break("entry", Fault.CHANGED, 2, 5, str(value if column == "id" else entry.id))


@pytest.mark.parametrize("column", [*(column.name for column in SEAL_FACTS if column.name != "number"), "digest"])
async def test_a_changed_seal_is_named(chain: Database, column: str) -> None:
    values: dict[str, Any] = {"first_sequence": 3, "last_sequence": 5, "sealed_at": clock.now(), "key_id": KEY.id[::-1]}
    value = values.get(column, "0" * 64)
    await execute(chain, sa.update(SEALS).where(SEALS.c.number == 2).values({column: value}))

    fault = Fault.OTHER_KEY if column == "key_id" else Fault.CHANGED
    assert await broken(chain) == Break("seal", fault, 2)


async def test_a_changed_digest_names_its_entry(chain: Database) -> None:
    entry = (await read_entries(chain))[0]
    await execute(chain, sa.update(ENTRIES).where(ENTRIES.c.sequence == 1).values(digest="0" * 64))

    assert await broken(chain) == Break("entry", Fault.CHANGED, 1, 1, str(entry.id))


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("DELETE FROM audit_logs WHERE sequence = 5", Break("entry", Fault.MISSING, 2, 5)),
        ("DELETE FROM audit_logs WHERE sequence > 7", Break("entry", Fault.MISSING, 3, 8)),
        (
            "UPDATE audit_logs SET sequence = NULL, digest = NULL WHERE sequence = 1",
            Break("entry", Fault.MISSING, 1, 1),
        ),
        ("UPDATE audit_logs SET sequence = 99 WHERE sequence = 2", Break("entry", Fault.MISSING, 1, 2)),
        ("DELETE FROM audit_seals WHERE number = 1", Break("seal", Fault.MISSING, 1)),
        ("DELETE FROM audit_seals WHERE number = 2", Break("seal", Fault.MISSING, 2)),
    ],
)
async def test_what_is_gone_is_named(chain: Database, statement: str, expected: Break) -> None:
    await execute(chain, statement)

    assert await broken(chain) == expected


async def test_an_entry_without_a_seal_is_named(chain: Database) -> None:
    entry = (await read_entries(chain))[-1]
    values = {"sequence": 10, "digest": "0" * 64}
    await execute(chain, sa.update(ENTRIES).where(ENTRIES.c.id == entry.id).values(values))

    assert await broken(chain) == Break("entry", Fault.UNCOVERED, None, 10, str(entry.id))


async def test_entries_that_changed_places_are_named(chain: Database) -> None:
    first = (await read_entries(chain))[0]
    for old, new in ((1, 0), (2, 1), (0, 2)):
        await execute(chain, sa.update(ENTRIES).where(ENTRIES.c.sequence == old).values(sequence=new))

    found = await broken(chain)

    assert found is not None
    assert (found.fault, found.sequence, found.id == str(first.id)) == (Fault.CHANGED, 1, False)


async def test_a_batch_that_was_signed_with_another_key_is_named(chain: Database) -> None:
    await seal(chain, SealKey(b"x" * 32))

    assert await broken(chain) == Break("seal", Fault.OTHER_KEY, 4)


async def cut_off_the_last_batch(database: Database) -> None:
    await execute(database, "DELETE FROM audit_logs WHERE sequence > 6")
    await execute(database, "DELETE FROM audit_seals WHERE number > 2")


async def test_only_an_anchor_shows_that_the_end_was_cut_off(chain: Database) -> None:
    head = (await verify(chain, KEY)).head
    await cut_off_the_last_batch(chain)

    assert await broken(chain) is None
    assert (await verify(chain, KEY, head)).broken == Break("seal", Fault.MISSING, 3)


async def test_an_anchor_shows_that_the_end_was_written_anew(chain: Database) -> None:
    head = (await verify(chain, KEY)).head
    await cut_off_the_last_batch(chain)
    await seal(chain)

    assert await broken(chain) is None
    assert (await verify(chain, KEY, head)).broken == Break("seal", Fault.CHANGED, 3)


async def test_an_anchor_that_is_there_is_no_break(chain: Database) -> None:
    second = (await read_seals(chain))[1]

    assert (await verify(chain, KEY, Link(2, second.digest))).broken is None


@ONLY_SQLITE
async def test_any_flipped_bit_names_its_entry(chain: Database) -> None:
    """Of the stored bytes, also where the row cannot be read any more."""
    chance = random.Random(4711)
    for _ in range(1000):
        sequence, column = chance.randint(1, 9), chance.choice([*ENTRY_FACTS, ENTRIES.c.digest]).name
        stored = await read_bytes(chain, sequence, column)
        if stored is None:
            continue
        await write_bytes(chain, sequence, column, flip(stored, chance))

        found = await broken(chain)

        assert found is not None
        assert (found.what, found.fault, found.sequence) == ("entry", Fault.CHANGED, sequence)
        await write_bytes(chain, sequence, column, stored)
    assert await broken(chain) is None


async def read_bytes(database: Database, sequence: int, column: str) -> bytes | None:
    async with read_only(database) as session:
        statement = sa.select(*stored_bytes(session, [ENTRIES.c[column]])).where(ENTRIES.c.sequence == sequence)
        stored: bytes | None = await session.scalar(statement)
        return stored


async def write_bytes(database: Database, sequence: int, column: str, value: bytes) -> None:
    statement = f"UPDATE audit_logs SET {column} = CAST(:value AS TEXT) WHERE sequence = :sequence"
    await execute(database, statement, value=value, sequence=sequence)


def flip(stored: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(stored))
    return stored[:place] + bytes([stored[place] ^ 1 << chance.randrange(8)]) + stored[place + 1 :]


async def test_rows_are_the_same_bytes_on_both_databases(database: Database) -> None:
    """A chain survives a move from one to the other."""
    (entry,) = await write(database, **FULL)
    async with read_only(database) as session:
        row = (await session.execute(sa.select(*stored_bytes(session, ENTRY_FACTS)))).one()

    facts = dict(zip((column.name for column in ENTRY_FACTS), row, strict=True))
    assert facts["id"] == entry.id.hex.encode()
    assert facts["at"] == entry.at.strftime("%Y-%m-%d %H:%M:%S.%f").encode()
    assert facts["before"] == b'{"a":1}'
    assert facts["outcome"] == b"success"


async def test_a_seal_is_signed_as_it_will_be_stored(database: Database) -> None:
    await write(database)
    await seal(database)
    async with read_only(database) as session:
        row = (await session.execute(sa.select(*stored_bytes(session, SEAL_FACTS)))).one()
        made = await session.get(AuditSeal, 1)

    assert made is not None
    assert list(columns_of(made)) == list(row)
