"""Forgetting what executions said and left, before they are forgotten themselves."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.retention import Rule, count_some
from stationmaster.domains.executions.artifact_models import Artifact
from stationmaster.domains.executions.journals.models import Journal, JournalChunk
from stationmaster.domains.executions.models import Execution
from stationmaster.kit.ids import first_id_at
from stationmaster.retention_settings import RetentionSettings

_artifacts = table_of(Artifact)
_chunks = table_of(JournalChunk)
_executions = table_of(Execution)
_journals = table_of(Journal)


def rules(settings: RetentionSettings) -> Iterator[Rule]:
    """Offer the rules of the logs and of the artifacts."""
    yield Rule("logs", "What ended executions said.", _count, _remove, keep=settings.logs)
    yield Rule("artifacts", "Files of ended executions.", _count_artifacts, _remove_artifacts, keep=settings.artifacts)


def _old(before: datetime) -> sa.Select[tuple[UUID]]:
    # Keys tell when they were made: the oldest journals are found without an index on their end.
    return (
        sa.select(_journals.c.execution_id)
        .join(_executions, _executions.c.id == _journals.c.execution_id)
        .where(_journals.c.execution_id < first_id_at(before), _executions.c.finished_at < before)
        .order_by(_journals.c.execution_id)
    )


async def _count(session: AsyncSession, before: datetime, limit: int) -> int:
    return await count_some(session, _old(before), limit)


async def _remove(session: AsyncSession, before: datetime, limit: int) -> int:
    ids = list(await session.scalars(_old(before).limit(limit)))
    await session.execute(sa.delete(_chunks).where(_chunks.c.execution_id.in_(ids)))
    await session.execute(sa.delete(_journals).where(_journals.c.execution_id.in_(ids)))
    return len(ids)


def _with_old_artifacts(before: datetime) -> sa.Select[tuple[UUID]]:
    """Select the executions whose files are old; the contents go with the sweep of what nobody points to."""
    return (
        sa.select(_artifacts.c.execution_id)
        .join(_executions, _executions.c.id == _artifacts.c.execution_id)
        .where(_artifacts.c.execution_id < first_id_at(before), _executions.c.finished_at < before)
        .order_by(_artifacts.c.execution_id)
        .distinct()
    )


async def _count_artifacts(session: AsyncSession, before: datetime, limit: int) -> int:
    return await count_some(session, _with_old_artifacts(before), limit)


async def _remove_artifacts(session: AsyncSession, before: datetime, limit: int) -> int:
    ids = list(await session.scalars(_with_old_artifacts(before).limit(limit)))
    await session.execute(sa.delete(_artifacts).where(_artifacts.c.execution_id.in_(ids)))
    return len(ids)
