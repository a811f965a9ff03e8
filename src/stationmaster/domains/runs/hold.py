"""Legal hold: a run that must be kept as it is, whatever the retention says."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.domains.audit import service as audit
from stationmaster.domains.runs import service
from stationmaster.domains.runs.errors import NotHeld, RunIsHeld, RunIsNeutralized
from stationmaster.domains.runs.models import Run


async def hold_run(session: AsyncSession, id_: UUID, reason: str) -> Run:
    """Keep a run as it is.

    Raises:
        RunNotFound, RunIsHeld, RunIsNeutralized
    """
    run = await service.lock_run(session, id_)
    if run.held_at is not None:
        raise RunIsHeld
    if run.neutralized_at is not None:
        raise RunIsNeutralized
    before = service.tell_run(run)
    run.held_at, run.hold_reason = await database_now(session), reason
    await session.flush()
    audit.note(session, "run", run.id, before=before, after=service.tell_run(run))
    return run


async def release_run(session: AsyncSession, id_: UUID) -> Run:
    """Let the retention have a run again.

    Raises:
        RunNotFound, NotHeld
    """
    run = await service.lock_run(session, id_)
    if run.held_at is None:
        raise NotHeld
    before = service.tell_run(run)
    run.held_at = run.hold_reason = None
    await session.flush()
    audit.note(session, "run", run.id, before=before, after=service.tell_run(run))
    return run
