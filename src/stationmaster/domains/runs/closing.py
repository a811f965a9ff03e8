"""What becomes of the runs of a process when it is deleted, and when it is restored.

Deleting stops the work for them; while the process is deleted no step of them begins. Restoring takes on all that have not
been completed, in the order of their ids: some at once, the others by a duty, a batch at a time. How far that is stands in
the process, so no crash loses any of it, and a process that is deleted again meanwhile begins anew.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.executions import service as executions
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.processes import service as processes
from stationmaster.domains.processes.models import Process
from stationmaster.domains.runs import repository, workflow
from stationmaster.identity.actor import Actor

BATCH = 100
"""Runs at a time: on SQLite nobody else writes meanwhile."""
START = UUID(int=0)


async def close_process(session: AsyncSession, id_: UUID, actor: Actor) -> None:
    """Delete a process and stop the work for its runs.

    Raises:
        ProcessNotFound, Forbidden
    """
    await processes.delete_process(session, id_, actor)
    at_work = await executions.list_step_runs_at_work(session)
    await executions.stop_of_step_runs(session, await repository.list_of_process(session, at_work, id_))


async def reopen_process(session: AsyncSession, rules: JobRules, id_: UUID, actor: Actor) -> Process:
    """Restore a process, and take its runs on.

    Raises:
        ProcessNotFound, Forbidden, NotDeleted, ProcessNameTaken
    """
    process = await processes.restore_process(session, id_, actor)
    process.reopening_after = START
    await _take_on(session, rules, process)
    return process


async def take_on(session: AsyncSession, rules: JobRules) -> int:
    """Take on some of the runs of a process that was restored; return how many. Done by a duty."""
    process = await processes.find_reopening(session)
    return 0 if process is None else await _take_on(session, rules, process)


async def _take_on(session: AsyncSession, rules: JobRules, process: Process) -> int:
    assert process.reopening_after is not None
    ids = await repository.list_open(session, process.id, after=process.reopening_after, limit=BATCH)
    for run in await repository.lock_runs(session, ids):
        await workflow.advance(session, rules, run)
    process.reopening_after = ids[-1] if len(ids) == BATCH else None
    await session.flush()
    return len(ids)
