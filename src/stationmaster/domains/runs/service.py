"""What others may ask of runs."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.domains.audit import service as audit
from stationmaster.domains.audit.facts import snapshot
from stationmaster.domains.executions import service as executions
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.processes import service as processes
from stationmaster.domains.processes import versions
from stationmaster.domains.processes.metadata_schema import check_metadata, read_schema
from stationmaster.domains.processes.models import Process, Step
from stationmaster.domains.runs import deriving, repository, workflow
from stationmaster.domains.runs.errors import (
    KeyTaken,
    NotCancelled,
    NotDeleted,
    RunHasEnded,
    RunIsNeutralized,
    RunNotFound,
)
from stationmaster.domains.runs.models import Run, StepRun
from stationmaster.domains.runs.schemas import MetadataPatch, RunIn
from stationmaster.domains.runs.status import ENDED_RUNS
from stationmaster.errors import FieldError, Invalid
from stationmaster.identity.actor import Actor


async def get_run(session: AsyncSession, id_: UUID) -> Run:
    """Return a run that is there for callers.

    Raises:
        RunNotFound
    """
    run = await repository.find_run(session, id_)
    if run is None or not await repository.is_seen(session, run):
        raise RunNotFound(id_)
    return run


async def lock_run(session: AsyncSession, id_: UUID) -> Run:
    """Return a run, locked until the transaction ends.

    Raises:
        RunNotFound
    """
    found = await repository.lock_runs(session, [id_])
    if not found or not await repository.is_seen(session, found[0]):
        raise RunNotFound(id_)
    return found[0]


async def lock_own_run(session: AsyncSession, id_: UUID, actor: Actor, *, is_deleted: bool = False) -> Run:
    """Return a run, locked, to the owner of its process and to admins.

    Raises:
        RunNotFound, Forbidden
        NotDeleted: a deleted one is wanted, and it is not.
    """
    found = await repository.lock_runs(session, [id_])
    process = await processes.find_process(session, found[0].process_id) if found else None
    is_there = found and (is_deleted or found[0].deleted_at is None)
    if process is None or process.deleted_at is not None or not is_there:
        raise RunNotFound(id_)
    processes.require_owner(process, actor)
    if is_deleted and found[0].deleted_at is None:
        raise NotDeleted
    return found[0]


async def create_run(session: AsyncSession, rules: JobRules, wanted: RunIn, actor: Actor) -> tuple[Run, bool]:
    """Make a run with its step runs, or find the one that has this key; say whether it was made.

    Raises:
        ProcessNotFound, Invalid
    """
    process = await processes.get_process(session, wanted.process_id)
    run, is_new = await begin_run(session, rules, process, wanted, actor_id=actor.id)
    if not is_new:
        audit.leave_out()
    return run, is_new


async def begin_run(
    session: AsyncSession, rules: JobRules, process: Process, wanted: RunIn, *, actor_id: UUID | None
) -> tuple[Run, bool]:
    """Make a run of a process that was found already, or find the one that has this key.

    Raises:
        Invalid
    """
    check_metadata(read_schema(process.run_metadata_schema), wanted.meta)
    run = Run(**wanted.model_dump(), version=process.version, created_by=actor_id)
    if not await repository.insert_run(session, run):
        found = await repository.find_by_key(session, process.id, wanted.key or "")
        assert found is not None, "only a key that is taken keeps a run out"
        return found, False
    version = await versions.get_version(session, process)
    session.add_all(_make_step_run(run, step) for step in versions.steps_of(version))
    await session.flush()
    [made] = await repository.lock_runs(session, [run.id])
    await workflow.advance(session, rules, made)
    audit.note(session, "run", made.id, after=tell_run(made))
    return made, True


def _make_step_run(run: Run, step: Step) -> StepRun:
    return StepRun(
        run_id=run.id, step_id=step.id, index=step.index, name=step.name, is_optional=step.is_optional, meta={}
    )


def tell_run(run: Run) -> dict[str, Any]:
    """Describe a run for the audit log; what may be personal gets its mask."""
    return snapshot(run)


async def change_metadata(session: AsyncSession, id_: UUID, patch: MetadataPatch) -> Run:
    """Set fields of a run's metadata.

    Raises:
        RunNotFound, RunIsNeutralized
        Invalid: a field is neither there nor declared, or of another type than declared.
    """
    run = await lock_run(session, id_)
    if run.neutralized_at is not None:
        raise RunIsNeutralized
    process = await processes.get_process(session, run.process_id)
    schema = read_schema(process.run_metadata_schema)
    known = schema.keys() | run.meta.keys()
    _refuse_unknown(patch.meta, known)
    check_metadata(schema, patch.meta, is_whole=False)
    before = tell_run(run)
    run.meta = run.meta | patch.meta
    await session.flush()
    audit.note(session, "run", run.id, before=before, after=tell_run(run))
    return run


def _refuse_unknown(meta: dict[str, Any], known: set[str]) -> None:
    unknown = sorted(meta.keys() - known)
    there_is = f"there are {', '.join(sorted(known))}" if known else "there are none"
    detail = f"is neither in the run nor declared by its process; {there_is}"
    if unknown:
        raise Invalid(*(FieldError(detail, f"/meta/{name}") for name in unknown))


async def cancel_run(session: AsyncSession, id_: UUID) -> Run:
    """End a run; its steps keep their status, and what is being done for them is stopped.

    Raises:
        RunNotFound, RunHasEnded
    """
    run = await lock_run(session, id_)
    if run.status in ENDED_RUNS:
        raise RunHasEnded(run.status)
    before = tell_run(run)
    run.cancelled_at = await database_now(session)
    await _stop_work(session, run)
    await deriving.derive(session, [run.id])
    await session.refresh(run)
    audit.note(session, "run", run.id, before=before, after=tell_run(run))
    return run


async def _stop_work(session: AsyncSession, run: Run) -> None:
    ids = (await repository.list_step_run_ids(session, [run.id])).get(run.id, [])
    await executions.stop_of_step_runs(session, ids)


async def uncancel_run(session: AsyncSession, rules: JobRules, id_: UUID) -> Run:
    """Take a cancellation back: the status follows from the steps again, and steps whose turn it is begin.

    Raises:
        RunNotFound, NotCancelled
    """
    run = await lock_run(session, id_)
    if run.cancelled_at is None:
        raise NotCancelled
    before = tell_run(run)
    run.cancelled_at = None
    await workflow.advance(session, rules, run)
    audit.note(session, "run", run.id, before=before, after=tell_run(run))
    return run


async def delete_run(session: AsyncSession, id_: UUID, actor: Actor) -> None:
    """Mark a run as deleted; its step runs go and come with it.

    Raises:
        RunNotFound, Forbidden
    """
    run = await lock_own_run(session, id_, actor)
    run.deleted_at = await database_now(session)
    await _stop_work(session, run)
    await session.flush()
    audit.note(session, "run", run.id, before=tell_run(run))


async def restore_run(session: AsyncSession, rules: JobRules, id_: UUID, actor: Actor) -> Run:
    """Take the mark of a deleted run away.

    Raises:
        RunNotFound, NotDeleted, Forbidden, KeyTaken
    """
    run = await lock_own_run(session, id_, actor, is_deleted=True)
    before = tell_run(run)
    if run.key is not None and await repository.find_by_key(session, run.process_id, run.key):
        raise KeyTaken
    run.deleted_at = None
    await workflow.advance(session, rules, run)
    audit.note(session, "run", run.id, before=before, after=tell_run(run))
    return run
