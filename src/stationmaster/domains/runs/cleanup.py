"""Neutralising by hand: what is due, in batches, and everything about one entity."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.domains.audit import service as audit
from stationmaster.domains.executions import erasing
from stationmaster.domains.runs import due, neutralising, repository
from stationmaster.domains.runs.models import Run
from stationmaster.web.schema import Input, Output, ShortText

MOST_OF_ENTITY = 10_000
"""Runs of one entity that are exported or erased by one call."""


class CleanupStatsOut(Output):
    """How much is due to be neutralised."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "total_due_for_neutralization": 12,
                    "sample_run_ids": ["019aa1c0-6666-7aaa-8bbb-0123456789ab"],
                }
            ]
        }
    )

    total_due_for_neutralization: int
    sample_run_ids: list[UUID] = Field(description="The oldest of them.")


class CleanupOut(Output):
    """What was neutralised, or would be."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "dry_run": True,
                    "neutralized_count": 1,
                    "failed_count": 0,
                    "neutralized_run_ids": ["019aa1c0-6666-7aaa-8bbb-0123456789ab"],
                    "failed_run_ids": [],
                }
            ]
        }
    )

    dry_run: bool
    neutralized_count: int
    failed_count: int
    neutralized_run_ids: list[UUID]
    failed_run_ids: list[UUID] = Field(description="Not now: they are being worked on, or under legal hold.")


class EntityIn(Input):
    """Whom it is about."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"entity_id": "case-4711"}]})

    entity_id: ShortText


class EntityOut(Output):
    """Everything that is held about one entity."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "entity_id": "case-4711",
                    "exported_at": "2026-11-21T08:30:00.000Z",
                    "runs": [{"id": "019aa1c0-6666-7aaa-8bbb-0123456789ab", "entity_name": "Ada Lovelace"}],
                    "step_runs": [],
                    "executions": [],
                }
            ]
        }
    )

    entity_id: str
    exported_at: datetime
    runs: list[dict[str, Any]]
    step_runs: list[dict[str, Any]]
    executions: list[dict[str, Any]]


async def show_stats(session: AsyncSession, *, limit: int) -> CleanupStatsOut:
    """Say how much is due; the count is whole, whatever the limit of the sample."""
    now = await database_now(session)
    return CleanupStatsOut(
        total_due_for_neutralization=await due.count_due(session, now),
        sample_run_ids=list(await due.list_due(session, now, limit=limit)),
    )


async def neutralize_due(session: AsyncSession, *, limit: int) -> CleanupOut:
    """Neutralise the oldest runs that are due."""
    runs = await due.lock_due(session, await database_now(session), limit=limit)
    return await _neutralize(session, runs, "due")


async def preview_due(session: AsyncSession, *, limit: int) -> CleanupOut:
    """Say what `neutralize_due` would do; nothing is written, not even in the audit log."""
    audit.leave_out()
    ids = await due.list_due(session, await database_now(session), limit=limit)
    return await _preview(session, [await _get(session, id_) for id_ in ids])


async def _get(session: AsyncSession, id_: UUID) -> Run:
    return await session.get_one(Run, id_)


async def erase_entity(session: AsyncSession, entity_id: str) -> CleanupOut:
    """Neutralise every run of an entity, in all processes, deleted ones included."""
    found = await repository.list_of_entity(session, entity_id, limit=MOST_OF_ENTITY)
    return await _neutralize(session, await repository.lock_runs(session, [run.id for run in found]), "entity")


async def preview_entity(session: AsyncSession, entity_id: str) -> CleanupOut:
    """Say what `erase_entity` would do; nothing is written, not even in the audit log."""
    audit.leave_out()
    return await _preview(session, await repository.list_of_entity(session, entity_id, limit=MOST_OF_ENTITY))


async def _neutralize(session: AsyncSession, runs: list[Run], what: str) -> CleanupOut:
    done = await neutralising.neutralize(session, runs)
    audit.note(session, "cleanup", what, after={"neutralized_run_ids": done})
    return _show(done, [run.id for run in runs if run.id not in done], dry_run=False)


async def _preview(session: AsyncSession, runs: list[Run]) -> CleanupOut:
    able = await neutralising.find_able(session, runs)
    return _show([run.id for run in able], [run.id for run in runs if run not in able], dry_run=True)


def _show(done: list[UUID], failed: list[UUID], *, dry_run: bool) -> CleanupOut:
    return CleanupOut(
        dry_run=dry_run,
        neutralized_count=len(done),
        failed_count=len(failed),
        neutralized_run_ids=done,
        failed_run_ids=failed,
    )


async def export_entity(session: AsyncSession, entity_id: str) -> EntityOut:
    """Return all that the runs of an entity, and the work for them, hold."""
    runs = await repository.list_of_entity(session, entity_id, limit=MOST_OF_ENTITY)
    step_runs = await repository.list_all_step_runs(session, [run.id for run in runs])
    audit.note(session, "entity", "export", after={"run_ids": [run.id for run in runs]})
    return EntityOut(
        entity_id=entity_id,
        exported_at=await database_now(session),
        runs=[run.model_dump(mode="json") for run in runs],
        step_runs=[step_run.model_dump(mode="json") for step_run in step_runs],
        executions=await erasing.export_of_step_runs(session, [step_run.id for step_run in step_runs]),
    )
