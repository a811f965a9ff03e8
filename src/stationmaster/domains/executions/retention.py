"""Forgetting what executions said and left, before they are forgotten themselves.

What was done for a step may have to be kept for longer than its age says; a higher room knows, and says so by `Kept`.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
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

Kept = Callable[[sa.ColumnElement[Any]], sa.ColumnElement[bool]]
"""From the id of a step run to the condition that what was done for it must be kept."""


def rules(settings: RetentionSettings, is_kept: Kept) -> Iterator[Rule]:
    """Offer the rules of the logs and of the artifacts."""
    yield _rule("logs", "What ended executions said.", settings.logs, is_kept, _journals, _chunks)
    # The contents of files go with the sweep of what nobody points to.
    yield _rule("artifacts", "Files of ended executions.", settings.artifacts, is_kept, _artifacts)


def _rule(name: str, text: str, keep: timedelta, is_kept: Kept, table: sa.Table, *others: sa.Table) -> Rule:
    """Make the rule of tables whose rows belong to executions, the first of which says whose there are."""

    async def count(session: AsyncSession, before: datetime, limit: int) -> int:
        return await count_some(session, _old(table, before, is_kept), limit)

    async def remove(session: AsyncSession, before: datetime, limit: int) -> int:
        ids = list(await session.scalars(_old(table, before, is_kept).limit(limit)))
        for each in (*others, table):
            await session.execute(sa.delete(each).where(each.c.execution_id.in_(ids)))
        return len(ids)

    return Rule(name, text, count, remove, keep=keep)


def _old(table: sa.Table, before: datetime, is_kept: Kept) -> sa.Select[tuple[UUID]]:
    # Keys tell when they were made: the oldest rows are found without an index on the end of their executions.
    return (
        sa.select(table.c.execution_id)
        .join(_executions, _executions.c.id == table.c.execution_id)
        .where(table.c.execution_id < first_id_at(before), _executions.c.finished_at < before)
        .where(~is_kept(_executions.c.step_run_id))
        .order_by(table.c.execution_id)
        .distinct()
    )
