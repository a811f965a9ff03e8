"""What others may ask of processes."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.domains.audit import service as audit
from stationmaster.domains.audit.facts import snapshot
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.processes import repository, steps, versions
from stationmaster.domains.processes.errors import NotDeleted, ProcessNameTaken, ProcessNotFound
from stationmaster.domains.processes.models import Process, Step
from stationmaster.domains.processes.schemas import ProcessIn, ProcessPatch
from stationmaster.errors import Forbidden
from stationmaster.identity.actor import Actor


def list_statement(*, owner_id: UUID | None = None, name: str | None = None, is_deleted: bool = False) -> Any:
    """Return the statement of a list of processes, newest first, for paging."""
    return repository.list_statement(owner_id=owner_id, name=name, is_deleted=is_deleted)


def versions_statement(process_id: UUID) -> Any:
    """Return the statement of a list of a process's versions, newest first, for paging."""
    return repository.versions_statement(process_id)


async def get_process(session: AsyncSession, id_: UUID, *, for_update: bool = False) -> Process:
    """Return a process that is not deleted.

    Raises:
        ProcessNotFound: there is none with this id.
    """
    process = await repository.find_process(session, id_, for_update=for_update)
    if process is None or process.deleted_at is not None:
        raise ProcessNotFound(id_)
    return process


async def find_process(session: AsyncSession, id_: UUID) -> Process | None:
    """Return a process, deleted or not."""
    return await repository.find_process(session, id_)


async def find_by_id_or_name(session: AsyncSession, text: str) -> Process | None:
    """Return the process with this id, or else of this name, if there is one that is not deleted."""
    try:
        return await get_process(session, UUID(text))
    except (ValueError, ProcessNotFound):
        return await repository.find_by_name(session, text)


async def get_own_process(session: AsyncSession, id_: UUID, actor: Actor, *, is_deleted: bool = False) -> Process:
    """Return a process that the caller may change, locked.

    Raises:
        ProcessNotFound: there is none with this id.
        NotDeleted: a deleted one is wanted, and it is not.
        Forbidden: it belongs to somebody else.
    """
    process = await repository.find_process(session, id_, for_update=True)
    if process is None or (process.deleted_at is not None and not is_deleted):
        raise ProcessNotFound(id_)
    require_owner(process, actor)
    if is_deleted and process.deleted_at is None:
        raise NotDeleted("process")
    return process


def require_owner(process: Process, actor: Actor) -> None:
    """Let the owner and admins pass.

    Raises:
        Forbidden
    """
    if not actor.may_change(process.owner_id):
        raise Forbidden("Only the owner of the process and admins may do this.")


async def create_process(session: AsyncSession, rules: JobRules, wanted: ProcessIn, actor: Actor) -> Process:
    """Store a process with its steps, as its first version.

    Raises:
        ProcessNameTaken, Invalid
    """
    if await repository.is_name_taken(session, wanted.name):
        raise ProcessNameTaken(wanted.name)
    process = Process(
        name=wanted.name,
        description=wanted.description,
        owner_id=actor.user_id,
        meta=wanted.meta,
        run_metadata_schema=_dump_schema(wanted),
        retention_months=wanted.retention_months,
        version=0,
    )
    session.add(process)
    await session.flush()
    await steps.add_steps(session, rules, process, wanted.steps)
    await versions.renew_version(session, process)
    audit.note(session, "process", process.id, after=await tell_whole_process(session, process))
    return process


def _dump_schema(wanted: ProcessIn | ProcessPatch) -> dict[str, Any]:
    schema = wanted.run_metadata_schema or {}
    return {name: field.model_dump(mode="json", exclude_unset=True) for name, field in schema.items()}


async def tell_whole_process(session: AsyncSession, process: Process) -> dict[str, Any]:
    """Describe a process with its steps for the audit log."""
    own = await repository.list_steps(session, process.id)
    return snapshot(process) | {"steps": [steps.tell_step(step) for step in own]}


async def update_process(session: AsyncSession, id_: UUID, patch: ProcessPatch, actor: Actor) -> Process:
    """Change what is not its steps. Marks in the metadata schema hold for runs of all versions at once.

    Raises:
        ProcessNotFound, Forbidden, ProcessNameTaken
    """
    process = await get_own_process(session, id_, actor)
    before = snapshot(process)
    given = patch.model_fields_set
    if patch.name is not None and await repository.is_name_taken(session, patch.name, except_id=process.id):
        raise ProcessNameTaken(patch.name)
    if "retention_months" in given and not actor.is_admin:
        raise Forbidden("Only admins may change how long runs are kept.")
    for name in given - {"run_metadata_schema"}:
        setattr(process, name, getattr(patch, name))
    if patch.run_metadata_schema is not None:
        process.run_metadata_schema = _dump_schema(patch)
    await session.flush()
    audit.note(session, "process", process.id, before=before, after=snapshot(process))
    return process


async def delete_process(session: AsyncSession, id_: UUID, actor: Actor) -> None:
    """Mark a process as deleted: its steps and runs are not seen any more, and come back with it.

    Raises:
        ProcessNotFound, Forbidden
    """
    process = await get_own_process(session, id_, actor)
    process.deleted_at, process.reopening_after = await database_now(session), None
    await session.flush()
    audit.note(session, "process", process.id, before=await tell_whole_process(session, process))


async def restore_process(session: AsyncSession, id_: UUID, actor: Actor) -> Process:
    """Take the mark of a deleted process away.

    Raises:
        ProcessNotFound, Forbidden, NotDeleted, ProcessNameTaken
    """
    process = await get_own_process(session, id_, actor, is_deleted=True)
    before = snapshot(process)
    if await repository.is_name_taken(session, process.name):
        raise ProcessNameTaken(process.name)
    process.deleted_at = None
    await session.flush()
    audit.note(session, "process", process.id, before=before, after=snapshot(process))
    return process


async def find_reopening(session: AsyncSession) -> Process | None:
    """Return, locked, a restored process whose runs are still being taken on."""
    return await repository.find_reopening(session)


async def list_steps(session: AsyncSession, process_id: UUID) -> list[Step]:
    """Return the steps of a process in their order."""
    return await repository.list_steps(session, process_id)


async def find_retention(session: AsyncSession, process_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the months after which the runs of these processes are neutralised, where there are any."""
    return await repository.find_retention(session, process_ids)


async def find_names(session: AsyncSession) -> list[tuple[UUID, str]]:
    """Return id and name of all processes that are not deleted, by name."""
    return await repository.find_names(session)


async def find_all_retention(session: AsyncSession) -> dict[UUID, int]:
    """Return the months of every process that has them, deleted ones included."""
    return await repository.find_all_retention(session)


async def list_deleted(session: AsyncSession, before: datetime) -> list[UUID]:
    """Return the processes that were deleted before an instant."""
    return await repository.list_deleted(session, before)


async def purge(session: AsyncSession, ids: Collection[UUID], *, but: Collection[UUID]) -> None:
    """Delete processes for good, with their steps and versions, but not those that still have runs."""
    await repository.delete_processes(session, set(ids) - set(but))
