"""Scripts as the API shows them: to those who may change them whole, to others without whom else they are open to."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.scripts import repository
from stationmaster.domains.scripts.access import Access, Action
from stationmaster.domains.scripts.listing import ScriptItem
from stationmaster.domains.scripts.manifest import Manifest
from stationmaster.domains.scripts.models import Script, Status, Version
from stationmaster.domains.scripts.schemas import (
    AccessOut,
    Catalog,
    CatalogCategory,
    CatalogEntry,
    ScriptOut,
    VersionOut,
)
from stationmaster.domains.users import directory
from stationmaster.domains.users.listing import OwnedScriptOut
from stationmaster.identity.actor import Actor
from stationmaster.web.items import make_item

LINES = 20
OF_OWNER = 50
_OF_SCRIPT = {"id", "slug", "name", "description", "category", "owner_id", "status", "created_at", "updated_at"}
_OF_MANIFEST = set(ScriptOut.model_fields) & set(Manifest.model_fields) - _OF_SCRIPT
_ENVIRONMENT = ("runtime", "image", "network", "cpu_reservation", "cpu_limit", "memory_reservation", "memory_limit")

ReadExecutions = Callable[[AsyncSession, Collection[UUID], Actor], Awaitable[dict[UUID, list[dict[str, Any]]]]]
"""Reads the newest executions of scripts; handed in, since executions stand in a room above."""


async def show_script(session: AsyncSession, script: Script, actor: Actor) -> ScriptOut:
    """Show one script to a caller."""
    return (await show_scripts(session, [script], actor))[0]


async def show_scripts(session: AsyncSession, scripts: Sequence[Script], actor: Actor) -> list[ScriptOut]:
    """Show scripts to a caller, with four statements for all of them."""
    accesses = await repository.read_accesses(session, scripts)
    current = await repository.list_current(session, scripts)
    errors = await _read_errors(session, [script for script in scripts if script.status is Status.FAILED])
    return [
        _show(script, current[script.id], accesses[script.id], errors.get(script.id), actor=actor) for script in scripts
    ]


async def _read_errors(session: AsyncSession, failed: Sequence[Script]) -> dict[UUID, str | None]:
    newest = await repository.list_newest(session, failed)
    return {script_id: version.error for script_id, version in newest.items()}


def _show(script: Script, version: Version, access: Access, error: str | None, *, actor: Actor) -> ScriptOut:
    manifest = Manifest.model_validate(version.manifest)
    is_open = access.may(actor, Action.CHANGE)
    return ScriptOut(
        **script.model_dump(include=_OF_SCRIPT),
        **manifest.model_dump(mode="json", by_alias=True, exclude_unset=False, include=_OF_MANIFEST - {"parameters"}),
        parameters=manifest.parameters.model_dump(mode="json", by_alias=True, exclude_unset=True) | {"type": "object"},
        version=script.current_version,
        newest_version=script.version_count,
        error=error if is_open else None,
        image=version.image if is_open else None,
        public=access.is_public,
        restricted=access.is_restricted,
        allowed_roles=sorted(access.roles) if is_open else None,
        allowed_users=sorted(access.users) if is_open else None,
    )


async def show_items(
    session: AsyncSession,
    scripts: Sequence[Script],
    actor: Actor,
    fields: frozenset[str],
    read_executions: ReadExecutions,
) -> list[ScriptItem]:
    """Show the scripts of a list, with one statement for each further thing that `fields` ask for."""
    ids = [script.id for script in scripts]
    owners = await directory.find_owners(session, (script.owner_id for script in scripts), fields)
    logs = await _read_logs(session, [one for one in scripts if actor.may_change(one.owner_id)], fields)
    executions = await read_executions(session, ids, actor) if "executions" in fields else {}
    return [
        make_item(
            ScriptItem,
            shown,
            fields,
            logs=logs.get(shown.id),
            environment={name: getattr(shown, name) for name in _ENVIRONMENT},
            executions=executions.get(shown.id, []),
            **directory.describe_owner(owners.get(shown.owner_id), actor),
        )
        for shown in await show_scripts(session, scripts, actor)
    ]


async def _read_logs(session: AsyncSession, scripts: Sequence[Script], fields: frozenset[str]) -> dict[UUID, list[str]]:
    if "logs" not in fields:
        return {}
    newest = await repository.list_newest(session, scripts)
    lines = await repository.list_newest_lines(session, [version.id for version in newest.values()], LINES)
    return {script_id: lines.get(version.id, []) for script_id, version in newest.items()}


async def show_catalog(session: AsyncSession, actor: Actor) -> Catalog:
    """Show all scripts that a caller may see, by category; those without one come last."""
    scripts = list(await session.scalars(repository.catalog_statement(actor)))
    accesses = await repository.read_accesses(session, scripts)
    current = await repository.list_current(session, scripts)
    return Catalog(
        categories=[
            CatalogCategory(
                category=category,
                scripts=[_show_entry(one, current[one.id], accesses[one.id], actor) for one in members],
            )
            for category, members in groupby(scripts, key=lambda script: script.category)
        ]
    )


def _show_entry(script: Script, version: Version, access: Access, actor: Actor) -> CatalogEntry:
    manifest = Manifest.model_validate(version.manifest)
    return CatalogEntry(
        **script.model_dump(include={"id", "slug", "name", "description"}),
        parameters=manifest.parameters.model_dump(mode="json", by_alias=True, exclude_unset=True) | {"type": "object"},
        estimated_duration_seconds=manifest.estimated_duration_seconds,
        destructive=manifest.destructive,
        may_run=script.current_version is not None and access.may(actor, Action.RUN),
    )


async def show_newest_of_owners(session: AsyncSession, owner_ids: Collection[UUID]) -> dict[UUID, list[OwnedScriptOut]]:
    """Show the newest scripts of each account, for administrators."""
    shown: dict[UUID, list[OwnedScriptOut]] = defaultdict(list)
    for script in await repository.list_newest_of_owners(session, owner_ids, OF_OWNER):
        if script.owner_id is not None:
            shown[script.owner_id].append(_show_owned(script))
    return shown


def _show_owned(script: Script) -> OwnedScriptOut:
    return OwnedScriptOut(
        **script.model_dump(include=_OF_SCRIPT & set(OwnedScriptOut.model_fields)),
        public=script.is_public,
        version=script.current_version,
    )


def show_version(script: Script, version: Version) -> VersionOut:
    """Show one version of a script."""
    facts = version.model_dump(include=set(VersionOut.model_fields))
    return VersionOut(**facts, is_current=version.number == script.current_version)


def show_access(access: Access) -> AccessOut:
    """Show whom a script is open to."""
    return AccessOut(
        access_type=access.type,
        public=access.is_public,
        restricted=access.is_restricted,
        allowed_roles=sorted(access.roles),
        allowed_users=sorted(access.users),
    )
