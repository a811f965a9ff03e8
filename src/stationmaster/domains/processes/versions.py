"""The versions of a process: what its steps were, kept for the runs that began then."""

from typing import Any
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.processes import repository
from stationmaster.domains.processes.models import Process, ProcessVersion, Step


async def renew_version(session: AsyncSession, process: Process) -> ProcessVersion:
    """Write down the steps as they are now as the process's next version; the process is locked."""
    await session.flush()
    steps = await repository.list_steps(session, process.id)
    process.version += 1
    version = ProcessVersion(process_id=process.id, number=process.version, steps=[_describe(step) for step in steps])
    session.add(version)
    await session.flush()
    return version


def _describe(step: Step) -> dict[str, Any]:
    described: dict[str, Any] = to_jsonable_python(step.model_dump())
    return described


async def get_version(session: AsyncSession, process: Process) -> ProcessVersion:
    """Return the present version of a process."""
    return await get_version_of(session, process.id, process.version)


async def get_version_of(session: AsyncSession, process_id: UUID, number: int) -> ProcessVersion:
    """Return a version that a process or a run names."""
    version = await repository.find_version(session, process_id, number)
    assert version is not None, "versions are never deleted before their process"
    return version


def steps_of(version: ProcessVersion) -> list[Step]:
    """Return the steps of a version in their order, apart from any session."""
    return [Step.model_validate(described) for described in version.steps]
