"""The state of jobs, for executors: what a run finds in its STATE_FILE, and what it leaves there."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions import service as executions
from stationmaster.domains.jobs.models import Job
from stationmaster.domains.jobs.state import MOST_BYTES
from stationmaster.domains.jobs.state_models import JobState, JobStateDraft


@dataclass(frozen=True, slots=True)
class StateBook:
    """Reads and drafts states in short transactions of its own."""

    database: Database

    async def read(self, job_id: UUID) -> dict[str, Any]:
        """Return what a job keeps; empty when it keeps nothing."""
        async with read_only(self.database) as session:
            kept = await session.get(JobState, job_id)
        return dict(kept.document) if kept else {}

    async def leave(self, job_id: UUID, execution_id: UUID, document: dict[str, Any]) -> str | None:
        """Draft a document, which counts when the execution ends well; return why it is not taken, if so."""
        if len(json.dumps(document, ensure_ascii=False).encode()) > MOST_BYTES:
            return f"The state of a job has at most {MOST_BYTES} bytes."
        async with unit_of_work(self.database) as session:
            if await session.get(Job, job_id) is None:
                return "The job is gone."
            await session.execute(sa.delete(JobStateDraft).where(col(JobStateDraft.execution_id) == execution_id))
            session.add(JobStateDraft(execution_id=execution_id, job_id=job_id, document=document))
            await executions.watch(session, execution_id)
        return None
