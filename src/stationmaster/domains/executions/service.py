"""What others may ask of executions."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.db.notify import Wake, notify
from stationmaster.domains.audit import service as audit
from stationmaster.domains.executions import intake, overlap, repository, workers
from stationmaster.domains.executions import rescue as rescuing
from stationmaster.domains.executions.errors import AlreadyEnded, ExecutionNotFound, NotEnded, NothingToRetry
from stationmaster.domains.executions.models import Execution, Spec, Worker
from stationmaster.domains.executions.repository import Filters
from stationmaster.domains.executions.schemas import AttemptOut, StatisticsOut
from stationmaster.domains.executions.sight import read_sight
from stationmaster.domains.executions.states import TERMINAL, State, Trigger
from stationmaster.errors import Forbidden
from stationmaster.identity.actor import Actor
from stationmaster.telemetry import metrics

UNSUCCESSFUL = (State.FAILED, State.TIMED_OUT, State.LOST)


async def get_execution(session: AsyncSession, id_: UUID) -> Execution:
    """Return an execution.

    Raises:
        ExecutionNotFound: there is none with this id.
    """
    execution = await repository.find_execution(session, id_)
    if execution is None:
        raise ExecutionNotFound(id_)
    return execution


async def get_seen(session: AsyncSession, id_: UUID, actor: Actor) -> Execution:
    """Return an execution that the caller sees.

    Raises:
        ExecutionNotFound: there is none, or it is a run of somebody else's: the two look the same.
    """
    execution = await get_execution(session, id_)
    if not (await read_sight(session, [execution], actor)).may_see(execution):
        raise ExecutionNotFound(id_)
    return execution


def list_statement(filters: Filters) -> Any:
    """Return the statement of a list of executions, newest first, for paging."""
    return repository.list_statement(filters)


def ledger_statement(job_id: UUID, start: datetime | None, end: datetime | None) -> Any:
    """Return the statement of a job's decided slots, newest first, for paging."""
    return repository.ledger_statement(job_id, start, end)


async def find_slot(session: AsyncSession, job_id: UUID, at: datetime) -> Execution | None:
    """Return the record that decided a job's slot at this instant, if one did."""
    return await repository.find_slot(session, job_id, at)


async def last_by_job(session: AsyncSession, job_ids: Collection[UUID]) -> dict[UUID, Execution]:
    """Return the newest execution of each job that has one."""
    return await repository.last_by_job(session, job_ids)


async def newest_by_job(session: AsyncSession, job_ids: Collection[UUID], count: int) -> dict[UUID, list[Execution]]:
    """Return up to `count` newest executions of each job, newest first."""
    return await repository.newest_by_job(session, job_ids, count)


async def newest_by_script(
    session: AsyncSession, script_ids: Collection[UUID], count: int, viewer: Actor
) -> Sequence[Execution]:
    """Return up to `count` newest executions of each script that somebody sees, newest first."""
    return await repository.newest_by_script(session, script_ids, count, viewer)


async def list_attempts(session: AsyncSession, execution: Execution) -> list[AttemptOut]:
    """Return the attempts of an execution, the one under way included, oldest first."""
    return (await list_attempts_of(session, [execution]))[execution.id]


async def list_attempts_of(session: AsyncSession, several: Collection[Execution]) -> dict[UUID, list[AttemptOut]]:
    """Return the attempts of several executions, those under way included, oldest first."""
    ended = await repository.list_attempts_of(session, [execution.id for execution in several])
    shown = {id_: [AttemptOut.of(attempt) for attempt in attempts] for id_, attempts in ended.items()}
    for execution in several:
        if execution.state is State.RUNNING:
            shown[execution.id].append(AttemptOut.under_way(execution))
    return shown


async def enqueue(session: AsyncSession, spec: Spec, *, trigger: Trigger, actor: Actor, **facts: Any) -> Execution:
    """Queue one execution on request; the overlap rule may make it wait or end it as skipped."""
    now = await database_now(session)
    proposal = intake.propose(spec, spec.id, trigger=trigger, now=now, requested_by=actor.user_id, **facts)
    await intake.take_in(session, [proposal])
    execution = await get_execution(session, proposal.row["id"])
    audit.note(session, "execution", execution.id, after=_tell(execution))
    return execution


async def dispatch(session: AsyncSession, spec: Spec, *, trigger: Trigger, **facts: Any) -> Execution:
    """Queue one execution of a spec of its own, for a room that keeps its own record of why (`facts` are columns).

    With `is_watched=True` the followers are told when it has ended, also if the overlap rule ends it here as skipped.
    """
    session.add(spec)
    await session.flush()
    proposal = intake.propose(spec, spec.id, trigger=trigger, now=await database_now(session), **facts)
    await intake.take_in(session, [proposal])
    return await get_execution(session, proposal.row["id"])


def _tell(execution: Execution) -> dict[str, Any]:
    """Describe an execution for the audit log."""
    names = (
        "job_id",
        "job_name",
        "owner_id",
        "trigger",
        "state",
        "reason",
        "params",
        "retry_of",
        "cancel_requested_at",
    )
    return {name: getattr(execution, name) for name in names}


async def watch(session: AsyncSession, id_: UUID) -> None:
    """Let the followers be told when an execution that goes on has ended."""
    await repository.watch(session, id_)


async def cancel(session: AsyncSession, id_: UUID, actor: Actor) -> Execution:
    """Cancel what is queued; ask what runs to stop.

    Raises:
        ExecutionNotFound, Forbidden, AlreadyEnded
    """
    execution = await get_seen(session, id_, actor)
    _require_insider(execution, actor)
    before = _tell(execution)
    now = await database_now(session)
    if await repository.cancel_queued(session, id_, now):
        notify(session, Wake.TICK)  # others may wait for its place
        notify(session, Wake.ENDED)
    elif await repository.ask_to_stop(session, id_, now):
        notify(session, Wake.CANCEL)
    else:
        raise AlreadyEnded(id_, execution.state)
    await session.refresh(execution)
    audit.note(session, "execution", execution.id, before=before, after=_tell(execution))
    return execution


async def list_step_runs_at_work(session: AsyncSession) -> list[UUID]:
    """Return the step runs for which an execution is queued or running."""
    return await repository.list_step_runs_at_work(session)


async def stop_of_step_runs(session: AsyncSession, step_run_ids: Collection[UUID]) -> None:
    """Cancel what is queued for these step runs, and ask what runs to stop."""
    now = await database_now(session)
    for id_ in await repository.list_active_of_step_runs(session, step_run_ids):
        if not await repository.cancel_queued(session, id_, now):
            await repository.ask_to_stop(session, id_, now)
        for wake in (Wake.TICK, Wake.ENDED, Wake.CANCEL):
            notify(session, wake)


async def retry(session: AsyncSession, id_: UUID, actor: Actor) -> Execution:
    """Queue a new execution that does what an ended one did, or should have done.

    Raises:
        ExecutionNotFound, Forbidden, NotEnded, NothingToRetry
    """
    former = await get_seen(session, id_, actor)
    _require_insider(former, actor)
    if former.state not in TERMINAL:
        raise NotEnded(id_, former.state)
    spec = await repository.find_spec(session, former.spec_id) if former.spec_id else None
    if spec is None:
        raise NothingToRetry(id_)
    return await enqueue(
        session,
        spec,
        trigger=Trigger.RETRY,
        actor=actor,
        job_id=former.job_id,
        job_name=former.job_name,
        owner_id=former.owner_id,
        params=former.params,
        retry_of=former.id,
        is_watched=former.job_id is not None,
    )


def _require_insider(execution: Execution, actor: Actor) -> None:
    if not actor.may_change(execution.owner_id):
        raise Forbidden("Only the owner of the job and admins may do this.")


async def get_statistics(session: AsyncSession, filters: Filters) -> StatisticsOut:
    """Count executions by state and sum up how long they took."""
    return _sum_up(await repository.count_by_state(session, filters))


async def statistics_by_job(session: AsyncSession, job_ids: Collection[UUID]) -> dict[UUID, StatisticsOut]:
    """Count the executions of each job as `get_statistics` does."""
    return {id_: _sum_up(rows) for id_, rows in (await repository.count_by_job(session, job_ids)).items()}


def _sum_up(counted: Sequence[Any]) -> StatisticsOut:
    rows = {row.state: row for row in counted}
    by_state = {state: row.number for state, row in rows.items()}
    succeeded = by_state.get(State.SUCCEEDED, 0)
    failed = sum(by_state.get(state, 0) for state in UNSUCCESSFUL)
    ended = succeeded + failed
    good = rows.get(State.SUCCEEDED)
    return StatisticsOut(
        total=sum(by_state.values()),
        by_state=by_state,
        succeeded=succeeded,
        failed=failed,
        running=by_state.get(State.RUNNING, 0),
        queued=by_state.get(State.QUEUED, 0),
        skipped_slots=rows[State.SKIPPED].slots if State.SKIPPED in rows else 0,
        success_rate=round(100 * succeeded / ended, 2) if ended else None,
        average_duration_seconds=good.average if good else None,
        longest_duration_seconds=max((row.longest for row in rows.values() if row.longest is not None), default=None),
    )


async def rescue(session: AsyncSession) -> int:
    """Take back the work of replicas that went away; return how many executions were touched."""
    return await rescuing.rescue(session)


async def release_held(session: AsyncSession) -> int:
    """Let executions go that waited for others with the same overlap key; return how many."""
    return await overlap.release_held(session)


@dataclass(frozen=True)
class Lateness:
    """How late executions started, in seconds; None when none did."""

    p50: float | None
    p99: float | None


async def measure_lateness(session: AsyncSession) -> Lateness:
    """Measure how late the last thousand scheduled executions started."""
    seconds = sorted(await repository.list_lateness(session))
    if not seconds:
        return Lateness(None, None)
    return Lateness(seconds[len(seconds) // 2], seconds[len(seconds) * 99 // 100])


async def count_due(session: AsyncSession) -> int:
    """Count what is due and waits."""
    return await repository.count_due(session, await database_now(session))


async def count_states(session: AsyncSession) -> dict[State, int]:
    """Count all executions by state."""
    return await repository.count_states(session)


async def list_workers(session: AsyncSession) -> list[Worker]:
    """Return the replicas that execute work."""
    return await workers.list_workers(session)


async def measure_queue(session: AsyncSession) -> None:
    """Publish how much is due and waits."""
    metrics.queue_depth.set(await count_due(session))
