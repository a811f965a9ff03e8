"""Running slots of the past: those that were missed, that failed, or all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.domains.audit import service as audit
from stationmaster.domains.executions import intake, ledger
from stationmaster.domains.executions.models import OverlapPolicy, Spec
from stationmaster.domains.executions.overlap import Proposal
from stationmaster.domains.executions.policies import Overlap
from stationmaster.domains.executions.states import ACTIVE, State, Trigger
from stationmaster.domains.jobs import ending, fire_time, repository, versions
from stationmaster.domains.jobs.action_schemas import BackfillIn, BackfillOut, BackfillSlot
from stationmaster.domains.jobs.errors import JobEnded
from stationmaster.domains.jobs.models import Job, Schedule
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.jobs.service import get_own_job
from stationmaster.domains.jobs.timetables import find_timetable
from stationmaster.errors import FieldError, Invalid
from stationmaster.identity.actor import Actor
from stationmaster.kit.timetable import RESOLUTION, list_next

MOST_SLOTS = 1000


@dataclass(frozen=True)
class _Slot:
    schedule: Schedule
    at: datetime


async def fill(session: AsyncSession, rules: JobRules, id_: UUID, wanted: BackfillIn, actor: Actor) -> BackfillOut:
    """Queue an execution for each slot of a range that is wanted, or only tell which those are.

    Raises:
        JobNotFound, Forbidden, JobEnded, Invalid
    """
    job = await get_own_job(session, id_, actor)
    now = await database_now(session)
    if not wanted.dry_run and ending.has_ended(job, now):
        raise JobEnded(job.end_date)
    slots = await _list_slots(session, job, wanted, now)
    states = await ledger.list_slot_states(session, job.id, wanted.start, wanted.end)
    chosen = [slot for slot in slots if _is_wanted(states.get(slot.at, frozenset()), wanted.only)]
    if wanted.newest_first:
        chosen.reverse()
    if wanted.dry_run:
        audit.leave_out()
        return _tell(slots, chosen, [])
    made = await _queue(session, rules, job, chosen, wanted, actor=actor)
    audit.note(
        session,
        "job",
        job.id,
        after={"backfill": wanted.model_dump(mode="json", by_alias=True), "executions": len(made)},
    )
    return _tell(slots, chosen, made)


async def _list_slots(session: AsyncSession, job: Job, wanted: BackfillIn, now: datetime) -> list[_Slot]:
    """Return all slots of the range in the order of time."""
    if wanted.end > now:
        raise Invalid(FieldError("lies in the future: only slots of the past can be filled", pointer="/to"))
    schedules = await repository.list_schedules(session, job.id)
    if wanted.schedule_id is not None:
        schedules = [schedule for schedule in schedules if schedule.id == wanted.schedule_id]
        if not schedules:
            raise Invalid(FieldError("the job has no such schedule", pointer="/schedule_id"))
    slots: list[_Slot] = []
    for schedule in schedules:
        timetable = find_timetable(schedule)
        if timetable is None:
            continue
        if len(slots) + timetable.count_between(wanted.start, wanted.end) > MOST_SLOTS:
            raise Invalid(FieldError(f"the range has more than {MOST_SLOTS} slots; take a part of it", pointer="/to"))
        count = timetable.count_between(wanted.start, wanted.end)
        slots += [_Slot(schedule, at) for at in list_next(timetable, wanted.start - RESOLUTION, count)]
    return sorted(slots, key=lambda slot: (slot.at, slot.schedule.id))


def _is_wanted(states: frozenset[State], only: str) -> bool:
    """Say whether a slot is wanted, by how the executions for it stand."""
    if states & ACTIVE:
        return False
    ran = states - {State.SKIPPED}
    match only:
        case "missing":
            return not ran
        case "failed":
            return State.SUCCEEDED not in ran
    return True


async def _queue(
    session: AsyncSession,
    rules: JobRules,
    job: Job,
    chosen: Sequence[_Slot],
    wanted: BackfillIn,
    *,
    actor: Actor,
) -> list[UUID]:
    now = await database_now(session)
    last_success = (await ledger.find_last_successes(session, [job.id])).get(job.id)
    specs: dict[UUID | None, Spec] = {}
    proposals: list[Proposal] = []
    for slot in chosen:
        key = slot.schedule.id if slot.schedule.params else None
        if key not in specs:
            specs[key] = await _make_spec(session, rules, job, slot.schedule, wanted)
        spec = specs[key]
        proposals.append(
            intake.propose(
                spec,
                spec.id,
                trigger=Trigger.BACKFILL,
                now=now,
                job_id=job.id,
                job_name=job.name,
                owner_id=job.owner_id,
                requested_by=actor.user_id,
                scheduled_for=slot.at,
                params=fire_time.resolve(
                    slot.schedule.params,
                    own=spec.target.get("params"),
                    at=slot.at,
                    job_name=job.name,
                    zone=slot.schedule.timezone,
                    last_success=last_success,
                ),
                is_watched=job.is_watched,
            )
        )
    await intake.take_in(session, proposals)
    return [proposal.row["id"] for proposal in proposals]


async def _make_spec(session: AsyncSession, rules: JobRules, job: Job, schedule: Schedule, wanted: BackfillIn) -> Spec:
    """Make a version of the job whose executions wait for each other: beside the job's own, if it lets runs overlap."""
    own = Overlap.model_validate(job.overlap)
    is_free = own.policy is OverlapPolicy.ALLOW
    overlap = Overlap(
        policy=OverlapPolicy.QUEUE,
        key=f"backfill:{job.id}" if is_free else own.key,
        max_running=wanted.max_running if is_free else own.max_running,
        queue_max=10_000,
    )
    return await versions.add_spec(session, rules, job, params=schedule.params, overlap=overlap)


def _tell(slots: Sequence[_Slot], chosen: Sequence[_Slot], made: Sequence[UUID]) -> BackfillOut:
    ids: dict[tuple[UUID, datetime], UUID | None] = {(slot.schedule.id, slot.at): None for slot in chosen}
    ids |= {(slot.schedule.id, slot.at): id_ for slot, id_ in zip(chosen, made, strict=False)}
    return BackfillOut(
        slot_count=len(slots),
        chosen_count=len(chosen),
        created_count=len(made),
        slots=[
            BackfillSlot(
                at=slot.at,
                schedule_id=slot.schedule.id,
                is_chosen=(slot.schedule.id, slot.at) in ids,
                execution_id=ids.get((slot.schedule.id, slot.at)),
            )
            for slot in slots
        ],
    )
