"""Processes as the API shows them: with their steps, read a page at a time."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.processes import repository, step_work, versions
from stationmaster.domains.processes.listing import ProcessItem
from stationmaster.domains.processes.metadata_schema import read_schema
from stationmaster.domains.processes.models import Process, ProcessVersion, Step
from stationmaster.domains.processes.schemas import ProcessOut, ProcessVersionOut
from stationmaster.domains.processes.step_schemas import StepOut
from stationmaster.domains.processes.work_schemas import Approval, RerunConfig, Work
from stationmaster.domains.users import directory
from stationmaster.identity.actor import Actor
from stationmaster.web.items import make_item

_STEP_FIELDS = set(StepOut.model_fields) - set(Work.model_fields) - {"depends_on", "approval", "rerun_config"}
_FIELDS = set(ProcessOut.model_fields) - {"steps", "run_metadata_schema"}


async def show_process(session: AsyncSession, process: Process) -> ProcessOut:
    """Show one process."""
    return (await show_processes(session, [process]))[0]


async def show_processes(session: AsyncSession, processes: Sequence[Process]) -> list[ProcessOut]:
    """Show processes with their steps, with one statement for all of them."""
    steps = await repository.list_steps_of(session, [process.id for process in processes])
    return [_show(process, steps.get(process.id, [])) for process in processes]


def _show(process: Process, steps: Sequence[Step]) -> ProcessOut:
    return ProcessOut(
        **process.model_dump(include=_FIELDS),
        run_metadata_schema=dict(read_schema(process.run_metadata_schema)),
        steps=show_steps(steps),
    )


async def show_items(
    session: AsyncSession, processes: Sequence[Process], actor: Actor, fields: frozenset[str]
) -> list[ProcessItem]:
    """Show the processes of a list to a caller."""
    owners = await directory.find_owners(session, (process.owner_id for process in processes), fields)
    return [
        make_item(ProcessItem, shown, fields, **directory.describe_owner(owners.get(shown.owner_id), actor))
        for shown in await show_processes(session, processes)
    ]


def show_steps(steps: Sequence[Step]) -> list[StepOut]:
    """Show the steps of one process, given all of them."""
    names = {str(step.id): step.name for step in steps}
    return [_show_step(step, names) for step in steps]


def _show_step(step: Step, names: Mapping[str, str]) -> StepOut:
    work = Work.model_validate(step_work.mask(step.work))
    rerun = RerunConfig.model_validate(step_work.mask(step.rerun_config)) if step.rerun_config is not None else None
    return StepOut(
        **step.model_dump(include=_STEP_FIELDS),
        **dict(work),
        depends_on=None if step.depends_on is None else [names[id_] for id_ in step.depends_on if id_ in names],
        approval=Approval.model_validate(step.approval) if step.approval else None,
        rerun_config=rerun,
    )


async def show_some_steps(session: AsyncSession, process_id: UUID, some: Sequence[Step]) -> list[StepOut]:
    """Show some of the steps of a process."""
    ids = {step.id for step in some}
    return [shown for shown in show_steps(await repository.list_steps(session, process_id)) if shown.id in ids]


async def show_step(session: AsyncSession, step: Step) -> StepOut:
    """Show one step."""
    own = await repository.list_steps(session, step.process_id)
    others = [other for other in own if other.id != step.id]
    return next(shown for shown in show_steps([*others, step]) if shown.id == step.id)


def show_version(version: ProcessVersion) -> ProcessVersionOut:
    """Show a version."""
    return ProcessVersionOut(
        number=version.number, created_at=version.created_at, steps=show_steps(versions.steps_of(version))
    )
