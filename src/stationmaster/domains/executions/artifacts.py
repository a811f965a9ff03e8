"""The files that executions make and that are kept: put by the program itself, or collected by its executor."""

import mimetypes
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db import blobs
from stationmaster.db.base import table_of
from stationmaster.db.blobs import Source
from stationmaster.db.statements import insert_into
from stationmaster.domains.executions.artifact_models import Artifact
from stationmaster.domains.executions.errors import ArtifactNotFound, ArtifactTooLarge, NotRunning, TooManyArtifacts
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from stationmaster.setting_groups import JournalSettings

LONGEST_NAME = 255
OCTETS = "application/octet-stream"

artifacts = table_of(Artifact)


@dataclass(frozen=True)
class Owner:
    """The attempt that makes an artifact."""

    execution_id: UUID
    attempt: int


def check_name(name: str) -> None:
    """Refuse what is no plain relative path: it is shown to people and programs, who may make a file of it.

    Raises:
        ValueError
    """
    parts = name.split("/")
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable() or "\\" in name or {"", ".", ".."} & {*parts}:
        raise ValueError(f"a name has 1 to {LONGEST_NAME} printable characters, and is a plain relative path")


async def keep(session: AsyncSession, settings: JournalSettings, owner: Owner, name: str, source: Source) -> Artifact:
    """Keep a file of a running attempt; a name that is taken gets the new content.

    Raises:
        ValueError: the name is none.
        ArtifactTooLarge, TooManyArtifacts, NotRunning
    """
    check_name(name)
    measured = await blobs.measure(source)
    if measured.size_bytes > settings.max_artifact_bytes:
        raise ArtifactTooLarge(settings.max_artifact_bytes)
    await _lock(session, owner)
    others, used = await _sum_up(session, owner.execution_id, name)
    if others >= settings.max_artifacts or used + measured.size_bytes > settings.max_artifacts_bytes:
        raise TooManyArtifacts(settings.max_artifacts, settings.max_artifacts_bytes)
    await blobs.store(session, source, measured)
    artifact = Artifact(
        execution_id=owner.execution_id,
        name=name,
        attempt=owner.attempt,
        media_type=mimetypes.guess_type(name)[0] or OCTETS,
        size_bytes=measured.size_bytes,
        digest=measured.digest,
    )
    row = artifact.model_dump()
    statement = insert_into(session, artifacts).values(row)
    await session.execute(statement.on_conflict_do_update(index_elements=["execution_id", "name"], set_=row))
    return artifact


def list_statement(execution_id: UUID) -> Any:
    """Select the artifacts of an execution by name."""
    return select(Artifact).where(Artifact.execution_id == execution_id).order_by(col(Artifact.name))


async def get_artifact(session: AsyncSession, execution_id: UUID, name: str) -> Artifact:
    """Return an artifact.

    Raises:
        ArtifactNotFound
    """
    artifact = await session.get(Artifact, (execution_id, name))
    if artifact is None:
        raise ArtifactNotFound(name)
    return artifact


async def find_kept(session: AsyncSession, wanted: Collection[tuple[UUID, str]]) -> set[tuple[UUID, str]]:
    """Return which of these are there, each named by its execution and its name."""
    if not wanted:
        return set()
    statement = sa.select(artifacts.c.execution_id, artifacts.c.name).where(
        sa.tuple_(artifacts.c.execution_id, artifacts.c.name).in_(list(wanted))
    )
    return {(execution_id, name) for execution_id, name in await session.execute(statement)}


async def _lock(session: AsyncSession, owner: Owner) -> None:
    """Hold the execution as it is until the artifact is stored; two at once do not both fit under the cap."""
    statement = (
        sa.select(col(Execution.id))
        .where(
            col(Execution.id) == owner.execution_id,
            col(Execution.attempt) == owner.attempt,
            col(Execution.state) == State.RUNNING,
        )
        .with_for_update(key_share=True)
    )
    if await session.scalar(statement) is None:
        raise NotRunning(owner.execution_id)


async def _sum_up(session: AsyncSession, execution_id: UUID, name: str) -> tuple[int, int]:
    """Count the other artifacts of the execution, and their bytes."""
    statement = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(artifacts.c.size_bytes), 0)).where(
        artifacts.c.execution_id == execution_id, artifacts.c.name != name
    )
    count, size = (await session.execute(statement)).one()
    return int(count), int(size)
