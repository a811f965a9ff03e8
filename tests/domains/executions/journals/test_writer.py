"""What attempts said, as it is stored: numbered, fenced, once, and bounded."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from stationmaster.db.engine import Database
from stationmaster.db.notify import Wake, waiting_for
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions import queue
from stationmaster.domains.executions.executor import Outcome
from stationmaster.domains.executions.external import reference, tasks
from stationmaster.domains.executions.external.models import TaskState
from stationmaster.domains.executions.journals import chronicle, store
from stationmaster.domains.executions.journals.attempt_journal import AttemptJournal
from stationmaster.domains.executions.journals.chronicle import Gap
from stationmaster.domains.executions.journals.chunks import PARTS
from stationmaster.domains.executions.journals.entry import Entry, Kind
from stationmaster.domains.executions.journals.writer import JournalWriter
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.queue import Claimed
from stationmaster.domains.executions.states import Reason, State
from stationmaster.kit.ids import new_id
from stationmaster.kit.masking import MASK
from stationmaster.setting_groups import JournalSettings
from tests.support.executions import SEALER, make_spec, read
from tests.support.executions import store as put_in_queue

MAX_BYTES = 1 << 18


@dataclass
class Station:
    """A writer at work, and executions that it may write about."""

    database: Database
    writer: JournalWriter

    async def begin(self, count: int = 1) -> list[Claimed]:
        ids = await put_in_queue(self.database, make_spec(), count)
        async with unit_of_work(self.database) as session:
            return await queue.claim(session, ids, worker="w1", token=new_id(), lease=timedelta(minutes=1))

    async def open(self) -> AttemptJournal:
        [claimed] = await self.begin()
        return self.writer.open(claimed)

    async def read(self, id_: UUID, *, after: int = 0) -> list[Entry | Gap]:
        return [item async for items in chronicle.walk(self.database, id_, after=after) for item in items]

    async def lines(self, id_: UUID) -> list[str]:
        return [item.value for item in await self.read(id_) if isinstance(item, Entry) and item.kind is Kind.OUTPUT]

    async def set(self, id_: UUID, **columns: object) -> None:
        async with unit_of_work(self.database) as session:
            await session.execute(sa.update(Execution).where(sa.column("id") == id_).values(**columns))


@pytest.fixture
async def station(database: Database) -> AsyncIterator[Station]:
    writer = JournalWriter(database, JournalSettings(max_bytes=MAX_BYTES), SEALER)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(writer.run())
        yield Station(database, writer)
        task.cancel()


async def test_entries_are_numbered_from_one(station: Station) -> None:
    journal = await station.open()
    await journal.feed(b"one\n::progress 50\n::stage load\ntwo")
    await journal.close()

    assert [(1, Kind.STATE, "running"), (2, Kind.OUTPUT, "one"), (3, Kind.PROGRESS, 50.0), (4, Kind.STAGE, "load")] == [
        (item.sequence, item.kind, item.value)
        for item in (await station.read(journal.execution_id))[:4]
        if isinstance(item, Entry)
    ]
    execution = await read(station.database, journal.execution_id)
    assert (50.0, "load") == (execution.progress, execution.stage)


async def test_many_executions_are_written_together_and_apart(station: Station) -> None:
    journals = [station.writer.open(claimed) for claimed in await station.begin(5)]
    for number, journal in enumerate(journals):
        await journal.feed(b"%d\n" % number * (number + 1))
    for journal in journals:
        await journal.close()

    assert [[str(number)] * (number + 1) for number in range(5)] == [
        await station.lines(journal.execution_id) for journal in journals
    ]


async def test_numbers_go_on_over_attempts(station: Station) -> None:
    [claimed] = await station.begin()
    first = station.writer.open(claimed)
    await first.line("one")
    await first.close()
    await station.set(claimed.id, attempt=2)
    second = AttemptJournal(station.writer, claimed.id, 2, claimed.token)
    await second.line("two")
    await second.close()

    assert [(1, 1), (2, 1), (3, 2), (4, 2)] == [
        (item.sequence, item.attempt) for item in await station.read(claimed.id) if isinstance(item, Entry)
    ]


async def test_what_is_somebody_elses_by_now_is_not_written(station: Station) -> None:
    journal = await station.open()
    await station.set(journal.execution_id, lease_token=new_id())
    await journal.line("late")
    await journal.close()

    assert [] == await station.read(journal.execution_id)


async def test_a_batch_that_was_stored_is_not_stored_again(station: Station) -> None:
    journal = await station.open()
    await journal.line("once")
    batch = journal.take_batch()
    assert batch is not None
    for _ in range(2):
        async with unit_of_work(station.database) as session:
            written = await store.write(session, SEALER, [batch])
            known = await store.find_stored(session, [batch])

    assert ({}, [journal.execution_id]) == (written, list(known))
    assert ["once"] == await station.lines(journal.execution_id)


async def test_an_attempt_that_goes_on_elsewhere_loses_and_doubles_nothing(station: Station) -> None:
    [claimed] = await station.begin()
    source = b"".join(b"line %d\n" % number for number in range(1000))
    for end in (
        1,
        5,
        3000,
        3001,
        7777,
        len(source),
    ):  # each replica hears the source from its beginning, and dies later
        journal = station.writer.open(claimed)
        await station.writer.resume(journal)
        await journal.feed(source[:end])
        await station.writer.flush()
    await journal.close()

    assert [f"line {number}" for number in range(1000)] == await station.lines(claimed.id)


async def test_of_a_long_log_the_middle_is_left_out_and_marked(station: Station) -> None:
    journal = await station.open()
    number = 0
    while number * 100 < 8 * MAX_BYTES:
        await journal.feed(b"".join(b"%098d\n" % each for each in range(number, number + 500)))
        number += 500
    await journal.close()
    items = await station.read(journal.execution_id)
    gaps = [item for item in items if isinstance(item, Gap)]
    size = sum(len(item.value) for item in items if isinstance(item, Entry))

    assert size <= MAX_BYTES + MAX_BYTES // PARTS
    assert gaps
    assert sum(gap.count for gap in gaps) + len(items) - len(gaps) == number + 1
    assert ["0" * 98, f"{number - 1:098d}"] == [items[1].value, items[-1].value]  # type: ignore[union-attr]


async def test_whoever_watches_is_woken(station: Station) -> None:
    journal = await station.open()
    async with waiting_for(station.database, Wake.JOURNAL, about=journal.execution_id) as woken, asyncio.timeout(10):
        await journal.line("hear")
        await woken.wait()

    assert ["hear"] == await station.lines(journal.execution_id)


async def test_the_outcome_has_the_reported_result_and_no_secrets(station: Station) -> None:
    journal = await station.open()
    journal.mask("hunter22")
    await journal.feed(b'::result {"rows": 3}\n')
    outcome = Outcome(State.FAILED, Reason.CLIENT_ERROR, error="no hunter22 here", result={"exit_code": 1})
    complete = await station.writer.complete(journal, outcome, has_reporter=False)

    assert (f"no {MASK} here", {"exit_code": 1, "rows": 3}) == (complete.error, complete.result)


async def test_who_says_nothing_leaves_no_row(station: Station) -> None:
    journal = await station.open()
    outcome = Outcome(State.SUCCEEDED)
    complete = await station.writer.complete(journal, outcome, has_reporter=False)
    async with unit_of_work(station.database) as session:
        row = await store.find_journal(session, journal.execution_id)

    assert (outcome, None) == (complete, row)


async def test_reading_goes_on_from_any_number(station: Station) -> None:
    journal = await station.open()
    for _ in range(3):
        await journal.feed(b"x\n" * 10)
        await station.writer.flush()
    await journal.close()
    everything = [item.sequence for item in await station.read(journal.execution_id) if isinstance(item, Entry)]

    assert list(range(1, 32)) == everything
    for after in (0, 1, 10, 11, 12, 30, 31, 99):
        found = await station.read(journal.execution_id, after=after)
        assert [number for number in everything if number > after] == [
            item.sequence for item in found if isinstance(item, Entry)
        ]


async def test_work_elsewhere_is_recorded_with_the_words_around_it(station: Station) -> None:
    journal = await station.open()
    await journal.feed(b"one\n::external earthengine T1\n::external earthengine T2\n::external earthengine T1\n")
    await journal.close()
    await journal.feed(b"::external earthengine T2\n::external elsewhere T3\n")
    await journal.close()
    async with read_only(station.database) as session:
        found = (await tasks.list_of(session, [journal.execution_id]))[journal.execution_id]

    assert [("T1", TaskState.RUNNING, 1), ("T2", TaskState.RUNNING, 1)] == [
        (task.task_id, task.state, task.attempt) for task in found
    ]
    assert ["one", "::external elsewhere T3"] == await station.lines(journal.execution_id)


async def test_work_elsewhere_beyond_the_limit_is_said_to_be_left_out(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "MOST_TASKS", 1)
    journal = await station.open()
    await journal.feed(b"::external earthengine T1\n::external earthengine T2\n")
    await journal.close()
    [line] = await station.lines(journal.execution_id)

    assert line.startswith("Not recorded: T2 ")


async def test_an_attempt_that_is_somebody_elses_records_nothing(station: Station) -> None:
    journal = await station.open()
    await station.set(journal.execution_id, lease_token=new_id())
    await journal.feed(b"::external earthengine T1\n")
    await journal.close()
    async with read_only(station.database) as session:
        assert {} == await tasks.list_of(session, [journal.execution_id])
