"""The steps of a process: each change makes a new version of it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.domains.audit import service as audit
from stationmaster.domains.audit.facts import snapshot
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.processes import building, repository, step_work, versions
from stationmaster.domains.processes.errors import (
    NotDeleted,
    ProcessNotFound,
    StepIsNeeded,
    StepNameTaken,
    StepNotFound,
)
from stationmaster.domains.processes.graph import check_graph
from stationmaster.domains.processes.models import Process, Step
from stationmaster.domains.processes.step_schemas import StepIn, StepPatch
from stationmaster.domains.processes.step_scripts import check_scripts
from stationmaster.errors import FieldError, Forbidden, Invalid
from stationmaster.identity.actor import Actor


def tell_step(step: Step) -> dict[str, Any]:
    """Describe a step for the audit log."""
    return snapshot(step, but={"work", "rerun_config"}) | {
        "work": step_work.mask(step.work),
        "rerun_config": step_work.mask(step.rerun_config),
    }


def steps_statement(process_id: UUID, *, is_rerunnable: bool | None) -> Any:
    """Return the statement of a list of a process's steps, in their order, for paging."""
    return repository.steps_statement(process_id, is_rerunnable=is_rerunnable)


async def get_step(session: AsyncSession, id_: UUID) -> Step:
    """Return a step that is not deleted, nor its process.

    Raises:
        StepNotFound
    """
    step = await repository.find_step(session, id_)
    process = await repository.find_process(session, step.process_id) if step else None
    if step is None or step.deleted_at is not None or process is None or process.deleted_at is not None:
        raise StepNotFound(id_)
    return step


async def get_own_step(
    session: AsyncSession, id_: UUID, actor: Actor, *, is_deleted: bool = False
) -> tuple[Process, Step]:
    """Return a step that the caller may change, and its process, locked.

    Raises:
        StepNotFound, Forbidden, NotDeleted
    """
    step = await repository.find_step(session, id_)
    process = await repository.find_process(session, step.process_id, for_update=True) if step else None
    if step is None or process is None or process.deleted_at is not None:
        raise StepNotFound(id_)
    await session.refresh(step)
    if step.deleted_at is not None and not is_deleted:
        raise StepNotFound(id_)
    if not actor.may_change(process.owner_id):
        raise Forbidden("Only the owner of the process and admins may do this.")
    if is_deleted and step.deleted_at is None:
        raise NotDeleted("step")
    return process, step


async def add_steps(session: AsyncSession, rules: JobRules, process: Process, wanted: Sequence[StepIn]) -> list[Step]:
    """Add the steps that a new process brings; the caller makes the version."""
    made = [
        building.make_step(rules, process, one, one.index if one.index is not None else place, f"/steps/{place}")
        for place, one in enumerate(wanted)
    ]
    indexes = [step.index for step in made]
    if len(set(indexes)) < len(indexes):
        raise Invalid(FieldError("give an index to all steps, or to none", pointer="/steps"))
    for place, (step, one) in enumerate(zip(made, wanted, strict=True)):
        building.set_dependencies(step, one.depends_on, made, f"/steps/{place}")
        await check_scripts(session, process, step, pointer=f"/steps/{place}")
    check_graph(sorted(made, key=lambda step: step.index))
    session.add_all(made)
    await session.flush()
    return made


async def create_step(session: AsyncSession, rules: JobRules, process_id: UUID, wanted: StepIn, actor: Actor) -> Step:
    """Add a step to a process; runs that began already do not get it.

    Raises:
        ProcessNotFound, Forbidden, StepNameTaken, Invalid
    """
    process = await _get_own_process(session, process_id, actor)
    own = await repository.list_steps(session, process.id)
    _refuse_taken(own, wanted.name)
    index = wanted.index if wanted.index is not None else max((step.index for step in own), default=-1) + 1
    await _make_room(session, own, index)
    step = building.make_step(rules, process, wanted, index, "")
    building.set_dependencies(step, wanted.depends_on, own, "")
    await check_scripts(session, process, step)
    session.add(step)
    await _renew(session, process)
    audit.note(session, "step", step.id, after=tell_step(step))
    return step


async def _renew(session: AsyncSession, process: Process) -> None:
    """Check how the steps hang together now, and make a version of them."""
    await session.flush()
    check_graph(await repository.list_steps(session, process.id))
    await versions.renew_version(session, process)


async def _get_own_process(session: AsyncSession, id_: UUID, actor: Actor) -> Process:
    process = await repository.find_process(session, id_, for_update=True)
    if process is None or process.deleted_at is not None:
        raise ProcessNotFound(id_)
    if not actor.may_change(process.owner_id):
        raise Forbidden("Only the owner of the process and admins may do this.")
    return process


def _refuse_taken(own: Sequence[Step], name: str) -> None:
    if any(step.name == name for step in own):
        raise StepNameTaken(name)


async def _make_room(session: AsyncSession, others: Sequence[Step], index: int) -> None:
    """Move the steps up that stand in the way: the one at this place, and who it would push, and so on."""
    moved: list[tuple[UUID, int]] = []
    taken = index
    for step in others:
        if step.index == taken:
            taken += 1
            moved.append((step.id, taken))
    if moved:
        await repository.renumber(session, moved)
        for step in others:
            await session.refresh(step, ["index"])


async def update_step(session: AsyncSession, rules: JobRules, id_: UUID, patch: StepPatch, actor: Actor) -> Step:
    """Change a step; runs that began already keep it as it was.

    Raises:
        StepNotFound, Forbidden, StepNameTaken, Invalid
    """
    process, step = await get_own_step(session, id_, actor)
    before = tell_step(step)
    others = [other for other in await repository.list_steps(session, process.id) if other.id != step.id]
    if patch.name is not None:
        _refuse_taken(others, patch.name)
    if patch.index is not None:
        await _make_room(session, others, patch.index)
    building.change_step(rules, step, patch, others)
    await check_scripts(session, process, step)
    await _renew(session, process)
    audit.note(session, "step", step.id, before=before, after=tell_step(step))
    return step


async def delete_step(session: AsyncSession, id_: UUID, actor: Actor) -> None:
    """Take a step out of the process; runs that began already keep it.

    Raises:
        StepNotFound, Forbidden, StepIsNeeded, Invalid
    """
    process, step = await get_own_step(session, id_, actor)
    before = tell_step(step)
    own = await repository.list_steps(session, process.id)
    needing = [other.name for other in own if str(step.id) in (other.depends_on or ())]
    if needing:
        raise StepIsNeeded(step.name, needing)
    step.deleted_at = await database_now(session)
    await _renew(session, process)
    audit.note(session, "step", step.id, before=before)


async def restore_step(session: AsyncSession, id_: UUID, actor: Actor) -> Step:
    """Put a deleted step back in its place.

    Raises:
        StepNotFound, Forbidden, NotDeleted, StepNameTaken
    """
    process, step = await get_own_step(session, id_, actor, is_deleted=True)
    before = tell_step(step)
    own = await repository.list_steps(session, process.id)
    _refuse_taken(own, step.name)
    await _make_room(session, own, step.index)
    step.deleted_at = None
    live = {str(other.id) for other in own}
    step.depends_on = step.depends_on and [id_ for id_ in step.depends_on if id_ in live]
    await _renew(session, process)
    audit.note(session, "step", step.id, before=before, after=tell_step(step))
    return step


async def reorder_steps(session: AsyncSession, process_id: UUID, ids: Sequence[UUID], actor: Actor) -> Process:
    """Put all steps of a process into this order.

    Raises:
        ProcessNotFound, Forbidden
        Invalid: these are not all its steps, each once.
    """
    process = await _get_own_process(session, process_id, actor)
    own = await repository.list_steps(session, process.id)
    before = [step.name for step in own]
    if sorted(ids) != sorted(step.id for step in own):
        raise Invalid(FieldError("name all steps of the process, each once", pointer="/steps"))
    await repository.renumber(session, [(id_, place) for place, id_ in enumerate(ids)])
    for step in own:
        await session.refresh(step, ["index"])
    await _renew(session, process)
    after = [step.name for step in await repository.list_steps(session, process.id)]
    audit.note(session, "process", process.id, before={"order": before}, after={"order": after})
    return process
