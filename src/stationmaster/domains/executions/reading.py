"""Executions as lists show them: with the fields that the caller chose, read a page at a time."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.executions import logs, service
from stationmaster.domains.executions.detail_schemas import ExecutionDetail, ExternalTaskOut
from stationmaster.domains.executions.external import tasks as external_tasks
from stationmaster.domains.executions.listing import ExecutionItem
from stationmaster.domains.executions.log_schemas import LogLineOut
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.schemas import ExecutionOut, find_script_name
from stationmaster.domains.executions.sight import Sight, read_sight
from stationmaster.domains.users import directory
from stationmaster.identity.actor import Actor
from stationmaster.web.items import make_item

NEWEST = 10
"""Executions that a script in a list shows on demand."""


async def show_execution(session: AsyncSession, execution: Execution, actor: Actor) -> ExecutionOut:
    """Show one execution to a caller."""
    return ExecutionOut.of(execution, await read_sight(session, [execution], actor))


async def show_newest_of_scripts(
    session: AsyncSession, script_ids: Collection[UUID], actor: Actor
) -> dict[UUID, list[dict[str, Any]]]:
    """Show the newest executions of each script, of those that the caller sees."""
    rows = await service.newest_by_script(session, script_ids, NEWEST, actor)
    sight = await read_sight(session, rows, actor)
    shown: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row.script_id is not None:
            shown[row.script_id].append(ExecutionOut.of(row, sight).model_dump(mode="json"))
    return shown


async def show_detail(session: AsyncSession, execution: Execution, actor: Actor) -> ExecutionDetail:
    """Show one execution with what it began elsewhere, which is for those who may see what it said."""
    sight = await read_sight(session, [execution], actor)
    tasks = await _find_tasks(session, [execution], sight)
    return ExecutionDetail.of(execution, sight).model_copy(update={"external_tasks": tasks.get(execution.id)})


async def show_items(
    session: AsyncSession, rows: Sequence[Execution], actor: Actor, fields: frozenset[str]
) -> list[ExecutionItem]:
    """Show executions to a caller, with one statement for each further thing that `fields` ask for."""
    owners = await directory.find_owners(session, (row.owner_id for row in rows), fields)
    attempts = await service.list_attempts_of(session, rows if "attempts" in fields else ())
    sight = await read_sight(session, rows, actor)
    lines = await _find_last_lines(session, rows if "logs" in fields else (), sight)
    tasks = await _find_tasks(session, rows if "external_tasks" in fields else (), sight)
    return [
        make_item(
            ExecutionItem,
            ExecutionOut.of(row, sight),
            fields,
            job_name=row.job_name,
            attempts=attempts.get(row.id),
            script_name=find_script_name(row, sight),
            external_tasks=tasks.get(row.id),
            logs=lines.get(row.id),
            **directory.describe_owner(owners.get(row.owner_id), actor),
        )
        for row in rows
    ]


async def _find_last_lines(
    session: AsyncSession, rows: Sequence[Execution], sight: Sight
) -> dict[UUID, list[LogLineOut]]:
    ids = [row.id for row in rows if sight.may_look_inside(row)]
    found = await logs.last_lines(session, ids) if ids else {}
    return {id_: [LogLineOut.of(entry) for entry in found.get(id_, ())] for id_ in ids}


async def _find_tasks(
    session: AsyncSession, rows: Sequence[Execution], sight: Sight
) -> dict[UUID, list[ExternalTaskOut]]:
    ids = [row.id for row in rows if sight.may_look_inside(row)]
    found = await external_tasks.list_of(session, ids)
    return {id_: [ExternalTaskOut.model_validate(task) for task in found.get(id_, ())] for id_ in ids}
