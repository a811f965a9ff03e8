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
from stationmaster.domains.executions.schemas import ExecutionOut
from stationmaster.domains.executions.visibility import may_see_inside
from stationmaster.domains.scripts import service as scripts
from stationmaster.domains.users import directory
from stationmaster.identity.actor import Actor
from stationmaster.web.items import make_item

NEWEST = 10
"""Executions that a script in a list shows on demand."""


async def show_newest_of_scripts(
    session: AsyncSession, script_ids: Collection[UUID], actor: Actor
) -> dict[UUID, list[dict[str, Any]]]:
    """Show the newest executions of each script that were asked for by the caller, all of them to admins."""
    owner_id = None if actor.is_admin else actor.user_id
    shown: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in await service.newest_by_script(session, script_ids, NEWEST, owner_id=owner_id):
        if row.script_id is not None:
            shown[row.script_id].append(ExecutionOut.of(row, actor).model_dump(mode="json"))
    return shown


async def show_detail(session: AsyncSession, id_: UUID, actor: Actor) -> ExecutionDetail:
    """Show one execution with what it began elsewhere, which is for those who may see what it said.

    Raises:
        ExecutionNotFound
    """
    execution = await service.get_execution(session, id_)
    tasks = await _find_tasks(session, [execution], actor)
    return ExecutionDetail.of(execution, actor).model_copy(update={"external_tasks": tasks.get(id_)})


async def show_items(
    session: AsyncSession, rows: Sequence[Execution], actor: Actor, fields: frozenset[str]
) -> list[ExecutionItem]:
    """Show executions to a caller, with one statement for each further thing that `fields` ask for."""
    owners = await directory.find_owners(session, (row.owner_id for row in rows), fields)
    attempts = await service.list_attempts_of(session, rows if "attempts" in fields else ())
    lines = await _find_last_lines(session, rows if "logs" in fields else (), actor)
    tasks = await _find_tasks(session, rows if "external_tasks" in fields else (), actor)
    names = await _find_script_names(session, rows if "script_name" in fields else (), actor)
    return [
        make_item(
            ExecutionItem,
            ExecutionOut.of(row, actor),
            fields,
            job_name=row.job_name,
            attempts=attempts.get(row.id),
            script_name=names.get(row.script_id) if row.script_id else None,
            external_tasks=tasks.get(row.id),
            logs=lines.get(row.id),
            **directory.describe_owner(owners.get(row.owner_id), actor),
        )
        for row in rows
    ]


async def _find_script_names(session: AsyncSession, rows: Sequence[Execution], actor: Actor) -> dict[UUID, str]:
    ids = {row.script_id for row in rows if row.script_id is not None}
    return await scripts.find_names(session, ids, actor) if ids else {}


async def _find_last_lines(
    session: AsyncSession, rows: Sequence[Execution], actor: Actor
) -> dict[UUID, list[LogLineOut]]:
    ids = [row.id for row in rows if may_see_inside(row, actor)]
    found = await logs.last_lines(session, ids) if ids else {}
    return {id_: [LogLineOut.of(entry) for entry in found.get(id_, ())] for id_ in ids}


async def _find_tasks(
    session: AsyncSession, rows: Sequence[Execution], actor: Actor
) -> dict[UUID, list[ExternalTaskOut]]:
    ids = [row.id for row in rows if may_see_inside(row, actor)]
    found = await external_tasks.list_of(session, ids)
    return {id_: [ExternalTaskOut.model_validate(task) for task in found.get(id_, ())] for id_ in ids}
