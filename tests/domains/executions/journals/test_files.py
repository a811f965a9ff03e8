"""What executions say, as files: complete, masked, bounded, and gone when it is not kept any more."""

import asyncio
import re
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from stationmaster.config import RunnerSettings
from stationmaster.db.base import table_of
from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions import queue
from stationmaster.domains.executions.executor import Context, Outcome
from stationmaster.domains.executions.journals.attempt_journal import AttemptJournal
from stationmaster.domains.executions.journals.files import FULL, FileSweeper, JournalFiles
from stationmaster.domains.executions.journals.models import Journal, JournalChunk
from stationmaster.domains.executions.journals.writer import JournalWriter
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.runner import Runner
from stationmaster.domains.executions.targets import Target
from stationmaster.kit.ids import first_id_at, new_id
from stationmaster.setting_groups import JournalSettings
from tests.support.executions import SEALER, TOKENS, ScriptedExecutor, ended, make_spec, store

MAX_BYTES = 1 << 16


@pytest.fixture
def files(tmp_path: Path) -> JournalFiles:
    return JournalFiles(tmp_path / "logs", MAX_BYTES)


@asynccontextmanager
async def speaking(database: Database, files: JournalFiles | None) -> AsyncIterator[AttemptJournal]:
    """Give the journal of a running attempt; it is closed at the end."""
    [id_] = await store(database, make_spec())
    async with unit_of_work(database) as session:
        [claimed] = await queue.claim(session, [id_], worker="w1", token=new_id(), lease=timedelta(minutes=1))
    writer = JournalWriter(database, JournalSettings(max_bytes=MAX_BYTES), SEALER, files=files)
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(writer.run())
        journal = writer.open(claimed)
        yield journal
        await journal.close()
        writing.cancel()


def lines_of(files: JournalFiles, id_: UUID) -> list[str]:
    """Return the lines without their times."""
    text = files.path_of(id_).read_text()
    return [re.sub(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ", "", line) for line in text.splitlines()]


def test_the_path_is_made_of_the_id_and_its_date(files: JournalFiles) -> None:
    id_ = first_id_at(datetime(2026, 11, 25, 23, 59, 59, tzinfo=UTC))

    assert files.folder / "2026-11-25" / f"{id_}.log" == files.path_of(id_)


async def test_lines_are_appended_once_and_in_order(database: Database, files: JournalFiles) -> None:
    async with speaking(database, files) as journal:
        await journal.feed(b"one\n::progress 50\n")
        while not files.path_of(journal.execution_id).exists():
            await asyncio.sleep(0.01)
        await journal.line("a\rb")
        await journal.feed(b"two\nthree")

    assert ["stdout one", "system a", "system b", "stdout two", "stdout three"] == lines_of(files, journal.execution_id)


async def test_a_secret_is_masked_in_the_file_too(database: Database, files: JournalFiles) -> None:
    async with speaking(database, files) as journal:
        journal.mask("hunter2-hunter2")
        await journal.feed(b"the password is hunter2-hunter2, said aloud\n")

    assert ["stdout the password is ********, said aloud"] == lines_of(files, journal.execution_id)


async def test_files_are_for_the_service_alone(database: Database, files: JournalFiles) -> None:
    async with speaking(database, files) as journal:
        await journal.line("one")

    path = files.path_of(journal.execution_id)
    assert [0o600, 0o700, 0o700] == [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent, files.folder)]


async def test_a_file_has_an_end(database: Database, files: JournalFiles) -> None:
    async with speaking(database, files) as journal:
        for number in range(200):
            await journal.feed(b"%d %s\n" % (number, b"x" * 1000))

    text = files.path_of(journal.execution_id).read_text()
    assert text.endswith(FULL)
    assert 1 == text.count(FULL)
    assert MAX_BYTES < len(text) < 2 * MAX_BYTES


async def test_what_is_somebody_elses_by_now_is_not_in_the_file(database: Database, files: JournalFiles) -> None:
    async with speaking(database, files) as journal:
        async with unit_of_work(database) as session:
            await session.execute(sa.update(Execution).values(lease_token=new_id()))
        await journal.line("late")

    assert not files.path_of(journal.execution_id).exists()


async def test_a_disk_that_fails_costs_the_file_only(
    database: Database, files: JournalFiles, caplog: pytest.LogCaptureFixture
) -> None:
    files.folder.write_text("a file where the folder should be")
    async with speaking(database, files) as journal:
        await journal.line("one")

    assert "journals.file_not_written" in caplog.messages
    async with read_only(database) as session:
        assert 1 == await session.scalar(sa.select(sa.func.count()).select_from(table_of(JournalChunk)))


class Speaker(ScriptedExecutor):
    """Says something while it runs."""

    async def run(self, target: Target, context: Context) -> Outcome:
        """Say it, and go on as scripted."""
        await context.journal.feed(b"from the runner\n")
        return await super().run(target, context)


async def test_the_runner_hands_its_files_on(database: Database, files: JournalFiles) -> None:
    [id_] = await store(database, make_spec())
    runner = Runner(
        database,
        executors={"webhook": Speaker()},
        sealer=SEALER,
        tokens=TOKENS,
        settings=RunnerSettings(),
        journal_files=files,
        name="w1",
    )
    async with asyncio.TaskGroup() as group:
        running = group.create_task(runner.run())
        await ended(database, id_)
        running.cancel()

    assert ["stdout from the runner"] == lines_of(files, id_)


async def test_there_is_no_file_when_they_are_off(database: Database, files: JournalFiles) -> None:
    async with speaking(database, None) as journal:
        await journal.line("one")

    assert not files.folder.exists()


async def test_files_go_when_their_journal_is_gone(database: Database, files: JournalFiles) -> None:
    async with speaking(database, files) as kept:
        await kept.line("kept")
    async with speaking(database, files) as lost:
        await lost.line("lost")
    forgotten = files.path_of(first_id_at(datetime(2026, 1, 1, tzinfo=UTC)))
    forgotten.parent.mkdir()
    forgotten.write_text("of an execution that nobody knows")
    other = files.folder / "2026-01-02" / "notes.log"
    other.parent.mkdir()
    other.write_text("somebody's own")
    async with unit_of_work(database) as session:
        for table in (table_of(JournalChunk), table_of(Journal)):
            await session.execute(sa.delete(table).where(table.c.execution_id == lost.execution_id))

    assert 2 == await FileSweeper(database, files.folder).sweep()
    assert {files.path_of(kept.execution_id), other} == set(files.folder.glob("*/*"))
    assert not forgotten.parent.exists()


async def test_sweeping_where_there_never_was_a_file_does_nothing(database: Database, files: JournalFiles) -> None:
    assert 0 == await FileSweeper(database, files.folder).sweep()
