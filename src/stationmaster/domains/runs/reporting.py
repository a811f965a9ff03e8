"""Reports by names: process, step and entity, in one call, whether or not the run is there yet."""

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.processes import service as processes
from stationmaster.domains.processes.errors import ProcessNotFound, StepNotFound
from stationmaster.domains.processes.models import Process
from stationmaster.domains.runs import repository, service, step_runs
from stationmaster.domains.runs.models import Run, StepRun
from stationmaster.domains.runs.schemas import ReportIn, RunIn
from stationmaster.identity.actor import Actor


async def report(session: AsyncSession, rules: JobRules, wanted: ReportIn, actor: Actor) -> tuple[Run, StepRun, bool]:
    """Find or make the run and report the step; say whether the run was made.

    Raises:
        ProcessNotFound, StepNotFound, RunIsCancelled, IllegalMove, Invalid
    """
    process = await processes.find_by_id_or_name(session, wanted.process)
    if process is None:
        raise ProcessNotFound(wanted.process)
    run, is_new = await _find_or_begin(session, rules, process, wanted, actor)
    run = await service.lock_run(session, run.id)
    found = await repository.list_current(session, run.id)
    named = [one for one in found if wanted.step in {one.name, str(one.step_id)}]
    if not named:
        raise StepNotFound(wanted.step)
    step_run = await step_runs.report_locked(session, rules, run, named[0], wanted=wanted, actor=actor)
    await session.refresh(run)
    return run, step_run, is_new


async def _find_or_begin(
    session: AsyncSession, rules: JobRules, process: Process, wanted: ReportIn, actor: Actor
) -> tuple[Run, bool]:
    if wanted.key is None:
        await repository.lock_entity(session, process.id, wanted.entity_id)
        found = await repository.find_newest(session, process.id, wanted.entity_id)
    else:
        found = await repository.find_by_key(session, process.id, wanted.key)
    if found is not None:
        return found, False
    new = RunIn(
        process_id=process.id,
        entity_id=wanted.entity_id,
        entity_name=wanted.entity_name,
        key=wanted.key,
        meta=wanted.run_meta,
    )
    return await service.begin_run(session, rules, process, new, actor_id=actor.id)
