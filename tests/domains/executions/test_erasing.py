"""What is forgotten with the executions of step runs."""

from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db import blobs
from stationmaster.db.blobs import Blob, BlobPiece, BytesSource
from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions.artifact_models import Artifact
from stationmaster.domains.executions.erasing import erase
from stationmaster.domains.executions.external import tasks
from stationmaster.domains.executions.external.models import ExternalTask, TaskState
from stationmaster.domains.executions.external.reference import TaskKind, TaskReference
from stationmaster.kit.ids import new_id
from tests.support.executions import make_spec, queue_up


async def keep(session: AsyncSession, execution_id: UUID, name: str, content: bytes) -> str:
    source = BytesSource(content)
    stored = await blobs.measure(source)
    await blobs.store(session, source, stored)
    session.add(
        Artifact(
            execution_id=execution_id,
            name=name,
            attempt=1,
            media_type="text/plain",
            size_bytes=stored.size_bytes,
            digest=stored.digest,
        )
    )
    await session.flush()
    return stored.digest


async def test_artifacts_go_and_their_contents_with_them(database: Database) -> None:
    """But for a content that somebody else has too."""
    step_run = new_id()
    async with unit_of_work(database) as session:
        [own] = await queue_up(session, make_spec(), step_run_id=step_run)
        [other] = await queue_up(session, make_spec(), step_run_id=new_id())
        await keep(session, own, "report.txt", b"Ada Lovelace")
        shared = await keep(session, own, "shared.txt", b"said of nobody")
        await keep(session, other, "shared.txt", b"said of nobody")

    async with unit_of_work(database) as session:
        await erase(session, [step_run])

    async with read_only(database) as session:
        artifacts = list(await session.scalars(select(Artifact)))
        assert [(other, shared)] == [(one.execution_id, one.digest) for one in artifacts]
        assert [shared] == list(await session.scalars(select(Blob.digest)))
        assert [b"said of nobody"] == list(await session.scalars(select(BlobPiece.data)))


async def test_work_elsewhere_is_forgotten_unless_it_is_being_cancelled(database: Database) -> None:
    step_run = new_id()
    async with unit_of_work(database) as session:
        [own] = await queue_up(session, make_spec(), step_run_id=step_run)
        [other] = await queue_up(session, make_spec(), step_run_id=new_id())
        for id_ in (own, other):
            await tasks.add(session, id_, 1, [TaskReference(TaskKind.EARTHENGINE, name) for name in ("T1", "T2")])
        is_second = col(ExternalTask.task_id) == "T2"
        await session.execute(update(ExternalTask).where(is_second).values(state=TaskState.CANCELLING))

    async with unit_of_work(database) as session:
        await erase(session, [step_run])

    async with read_only(database) as session:
        left = {(task.execution_id, task.task_id) for task in await session.scalars(select(ExternalTask))}
    assert {(own, "T2"), (other, "T1"), (other, "T2")} == left
