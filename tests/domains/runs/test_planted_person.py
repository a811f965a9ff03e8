"""A person planted wherever something of an entity can stand is gone after erasure: from tables, mails, logs and files.

Each free column (text, JSON, bytes) of each row that work about the person leaves gets a mark of its own. So a new column is
planted by itself, and a new table must be named here: as one that is planted, or as one that holds nobody, and why.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db import blobs
from stationmaster.db.blobs import BytesSource
from stationmaster.db.engine import Database
from stationmaster.db.scrubbing import scrub
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions.artifact_models import Artifact
from stationmaster.domains.executions.external.models import ExternalTask, TaskState
from stationmaster.domains.executions.external.reference import TaskKind
from stationmaster.domains.executions.journals.files import FileSweeper, JournalFiles
from stationmaster.domains.executions.journals.models import Journal, JournalChunk
from stationmaster.domains.executions.models import Attempt, Execution
from stationmaster.domains.executions.states import State
from stationmaster.domains.executions.targets.process import ProcessTarget
from stationmaster.domains.notifications import service as notifications
from stationmaster.domains.notifications.notice import About, Notice, Topic
from stationmaster.kit import clock
from stationmaster.tables import metadata
from tests.support.executions import eventually, make_spec, store
from tests.support.planting import LEFT_BY_WORK, NOBODY, OTHERWISE, Planter, is_free, rows_of_work
from tests.support.tracking import HOOK, Yard, step_run


def test_every_table_is_planted_or_holds_nobody() -> None:
    nobody = [name for names in NOBODY.values() for name in names]

    assert sorted(metadata.tables) == sorted([*LEFT_BY_WORK, *nobody])
    free = {f"{name}.{column.name}" for name in LEFT_BY_WORK for column in metadata.tables[name].c if is_free(column)}
    assert set() == OTHERWISE.keys() - free


@dataclass
class Person:
    """Somebody about whom there are runs."""

    planter: Planter
    entity_id: str
    runs: list[dict[str, Any]]
    executions: list[UUID]
    process: dict[str, Any]

    def rows(self) -> dict[str, sa.ColumnElement[bool]]:
        """Say which rows of each table speak of the person."""
        return rows_of_work([UUID(run["id"]) for run in self.runs], self.executions)


async def make_person(yard: Yard) -> Person:
    """Let work of all kinds be done for somebody: steps of ours and of others, a retry, and a job that begins a run."""
    planter = Planter()
    entity_id = planter.next()
    process = await yard.make_process(
        {"name": "ours", "target": HOOK}, "theirs", run_metadata_schema={"size": "integer"}
    )
    began = await begin_by_a_job(yard, entity_id)
    key = f"execution:{began}"
    runs = [
        await yard.begin(process, entity_id=entity_id, meta={"size": 2}, key=one) for one in (key, planter.next(), None)
    ]
    executions = [began]
    async with unit_of_work(yard.database) as session:
        done = {"state": State.SUCCEEDED, "finished_at": clock.now(), "result": {"run_id": runs[0]["id"]}}
        await session.execute(
            sa.update(metadata.tables["executions"]).where(metadata.tables["executions"].c.id == began).values(done)
        )
    for run in runs:
        executions += await do_work(yard, run)
    await leave_traces(yard, executions)
    await tell_people(yard, began)
    return Person(planter, entity_id, runs, executions, process)


async def begin_by_a_job(yard: Yard, entity_id: str) -> UUID:
    """Store the execution of a job that begins a run."""
    target = ProcessTarget.model_validate({"type": "process", "process": "any", "entity_id": entity_id})
    [id_] = await store(yard.database, make_spec(target=target, host=None), params={"who": entity_id})
    return id_


async def do_work(yard: Yard, run: dict[str, Any]) -> list[UUID]:
    """Let a run's steps be done; return its executions, with one that did the same again."""
    failed = await yard.end(run, "ours", State.FAILED, error="no")
    first = step_run(failed, "ours")["execution_id"]
    again = await yard.ask("POST", f"/executions/{first}/retry")
    async with unit_of_work(yard.database) as session:
        ended = {"state": State.SUCCEEDED, "finished_at": clock.now()}
        mine = metadata.tables["executions"].c.id == UUID(again["id"])
        await session.execute(sa.update(metadata.tables["executions"]).where(mine).values(ended))
    await yard.report(run, "theirs", status="success", meta={"note": 1})
    return [UUID(first), UUID(again["id"])]


async def leave_traces(yard: Yard, executions: list[UUID]) -> None:
    """Let every execution have attempts, a journal and an artifact."""
    async with unit_of_work(yard.database) as session:
        for id_ in executions:
            times: dict[str, Any] = {"started_at": clock.now(), "finished_at": clock.now()}
            session.add(Attempt(execution_id=id_, number=1, worker=None, state=State.FAILED, **times))
            session.add(Journal(execution_id=id_))
            task: dict[str, Any] = {"attempt": 1, "state": TaskState.LEFT}
            session.add(ExternalTask(execution_id=id_, kind=TaskKind.EARTHENGINE, task_id="one", **task))
            size: dict[str, Any] = {"last_sequence": 1, "attempt": 1, "lines": 1, "size_bytes": 1}
            session.add(JournalChunk(execution_id=id_, first_sequence=1, body="", **size))
            await keep_artifact(session, id_)


async def tell_people(yard: Yard, execution_id: UUID) -> None:
    """Tell of the execution of a job (others are not told of), in inboxes and by mails; some wait, and one is sent."""
    messages = metadata.tables["messages"]
    async with unit_of_work(yard.database) as session:
        for number in range(3):
            about = About(execution_id=execution_id)
            notice = Notice(Topic.JOB_FAILED, "title", "text", dedupe_key=f"{number}:{execution_id}", about=about)
            await notifications.tell(session, notice, users=[yard.owner.id], emails=["someone@example.com"])
        notices = messages.c.kind == "notice"
        tomorrow = clock.now() + timedelta(days=1)
        await session.execute(sa.update(messages).where(notices).values(available_at=tomorrow))
        sent = sa.select(sa.func.min(messages.c.dedupe_key)).where(notices).scalar_subquery()
        await session.execute(sa.update(messages).where(messages.c.dedupe_key == sent).values(state="sent"))


async def keep_artifact(session: AsyncSession, id_: UUID) -> None:
    source = BytesSource(id_.bytes)
    stored = await blobs.measure(source)
    await blobs.store(session, source, stored)
    facts: dict[str, Any] = {"attempt": 1, "media_type": "text/plain", "size_bytes": stored.size_bytes}
    session.add(Artifact(execution_id=id_, name="report", digest=stored.digest, **facts))


async def read_everything(database: Database) -> dict[str, list[str]]:
    """Read every row of every table."""
    async with read_only(database) as session:
        return {
            name: sorted(map(repr, (await session.execute(sa.select(table))).all()))
            for name, table in metadata.tables.items()
        }


async def find_marks(database: Database, mark: str) -> dict[str, int]:
    """Count the rows of each table in which a mark stands."""
    counts = {name: sum(mark in row for row in rows) for name, rows in (await read_everything(database)).items()}
    return {name: number for name, number in counts.items() if number}


def find_files(database: Database, folder: Path, mark: str) -> list[str]:
    """Return the files that hold the bytes of a mark: those of the service, and those of SQLite."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    if database.is_sqlite:
        file = Path(make_url(database.url).database or "")
        paths += [path for path in (file, file.with_name(f"{file.name}-wal")) if path.exists()]
    return [path.name for path in paths if mark.encode() in path.read_bytes()]


@asynccontextmanager
async def sweeping(database: Database, folder: Path) -> AsyncIterator[None]:
    """Let the files of executions be looked after, as beside a runner."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(FileSweeper(database, folder).run())
        yield
        task.cancel()


async def read_figures(yard: Yard, person: Person) -> list[Any]:
    """Read what is said of all runs and executions together."""
    dashboard = await yard.ask("GET", f"/dashboard/processes/{person.process['id']}")
    executions = await yard.ask("GET", "/executions/statistics", by=yard.admin)
    return [dashboard["statistics"], dashboard["steps"], dashboard["trend"], executions]


async def test_a_planted_person_is_gone(yard: Yard) -> None:
    data = Path(yard.app.state.settings.data_dir)
    files = JournalFiles(data / "logs", 1 << 20)
    person = await make_person(yard)
    async with unit_of_work(yard.database) as session:
        for name, rows in person.rows().items():
            await person.planter.plant(session, metadata.tables[name], rows)
    for id_ in person.executions:
        path = files.path_of(id_)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(person.planter.next())
    await yard.ask("DELETE", f"/runs/{person.runs[1]['id']}")
    mark, body, path_ = person.planter.mark, {"entity_id": person.entity_id}, "/admin/entities/erase"
    before, figures = await read_everything(yard.database), await read_figures(yard, person)

    preview = await yard.ask("POST", path_, body, by=yard.admin)

    assert before == await read_everything(yard.database)
    assert LEFT_BY_WORK == (await find_marks(yard.database, mark)).keys()
    assert len(person.planter.planted) >= 100
    assert find_files(yard.database, data, mark)
    async with sweeping(yard.database, files.folder):
        erased = await yard.ask("POST", path_, body, params={"dry_run": False}, by=yard.admin)
        assert preview | {"dry_run": False} == erased
        assert {} == await find_marks(yard.database, mark)
        await write_anew(yard.database)
        await eventually(lambda: is_clean(yard.database, data, mark))
    assert figures == await read_figures(yard, person)
    assert {"sent", "failed"} == await read_states(yard.database)


async def write_anew(database: Database) -> None:
    """Do what privacy.md says for the last bytes: pages that SQLite once divided may hold copies of their rows."""
    if database.is_sqlite:
        await asyncio.to_thread(_vacuum, make_url(database.url).database or "")


def _vacuum(path: str) -> None:
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
        connection.execute("VACUUM")


async def is_clean(database: Database, folder: Path, mark: str) -> bool:
    return await scrub(database) and not find_files(database, folder, mark)


async def read_states(database: Database) -> set[str]:
    """Return where the messages stand: what waited does not go out."""
    messages = metadata.tables["messages"]
    async with read_only(database) as session:
        states = await session.scalars(sa.select(messages.c.state).where(messages.c.kind == "notice"))
        return {state.value for state in states}


async def test_a_key_that_names_the_execution_of_others_erases_nothing_of_it(yard: Yard) -> None:
    [other] = await store(yard.database, make_spec(), params={"kept": True})
    run = await yard.begin(await yard.make_process("a"), key=f"execution:{other}")

    await yard.ask("POST", f"/runs/{run['id']}/neutralize")

    async with read_only(yard.database) as session:
        assert {"kept": True} == (await session.get_one(Execution, other)).params
