"""Registering, changing and deleting scripts; everything here asks `access` first."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db import blobs
from stationmaster.db.blobs import BytesSource
from stationmaster.db.clock import database_now
from stationmaster.domains.audit import service as audit
from stationmaster.domains.audit.facts import snapshot
from stationmaster.domains.scripts import repository
from stationmaster.domains.scripts.access import Action
from stationmaster.domains.scripts.errors import (
    OnlyOwner,
    ScriptNotFound,
    SlugTaken,
    VersionNotFound,
    VersionNotReady,
)
from stationmaster.domains.scripts.manifest import Manifest
from stationmaster.domains.scripts.models import Origin, Script, Status, Version
from stationmaster.domains.scripts.schemas import ScriptPatch, manifest_facts
from stationmaster.domains.scripts.slug import make_slug
from stationmaster.domains.scripts.sources import Submission
from stationmaster.errors import FieldError, Invalid
from stationmaster.identity.actor import Actor
from stationmaster.kit.ids import new_id
from stationmaster.kit.tokens import random_text

RESERVED = frozenset({"catalog"})
RANDOM_LENGTH = 8
_NUMBERED = 10


def list_statement(actor: Actor, *, status: Status | None, category: str | None, is_public: bool | None) -> Any:
    """Return the statement of the list of scripts that a caller may see, with these properties."""
    return repository.list_statement(actor, status=status, category=category, is_public=is_public)


async def count_scripts(session: AsyncSession) -> int:
    """Count all scripts."""
    return await repository.count(session)


async def get_script(
    session: AsyncSession, id_or_slug: str, actor: Actor, action: Action = Action.SEE, *, for_update: bool = False
) -> Script:
    """Return a script with which the caller may do something.

    Raises:
        ScriptNotFound: there is none, or the caller may not even see it.
        OnlyOwner: the caller may see it and no more.
    """
    script = await repository.find_script(session, read_key(id_or_slug), for_update=for_update)
    access = (await repository.read_accesses(session, [script]))[script.id] if script else None
    if script is None or access is None or not access.may(actor, Action.SEE):
        raise ScriptNotFound(id_or_slug)
    if not access.may(actor, action):
        raise OnlyOwner
    return script


async def find_visible(session: AsyncSession, ids: Collection[UUID], actor: Actor) -> set[UUID]:
    """Return those of the ids that are scripts which the caller may see."""
    return set(await repository.find_visible(session, ids, actor))


async def find_log_access(session: AsyncSession, ids: Collection[UUID], actor: Actor) -> dict[UUID, bool]:
    """Return those of the ids that are scripts which the caller may see, and of each whether its logs are open to them."""
    return await repository.find_visible(session, ids, actor)


def read_key(id_or_slug: str) -> UUID | str:
    """Tell an id from a slug; no slug looks like an id."""
    try:
        return UUID(id_or_slug)
    except ValueError:
        return id_or_slug


async def create_script(session: AsyncSession, submission: Submission, actor: Actor) -> Script:
    """Register a script with its first version.

    Raises:
        SlugTaken, Invalid
    """
    manifest = submission.manifest
    script = Script(
        id=new_id(),
        slug=await _choose_slug(session, manifest),
        name=manifest.name,
        description=manifest.description,
        category=manifest.category,
        owner_id=actor.user_id,
        status=Status.PENDING,
    )
    session.add(script)
    await session.flush()
    version = await _add_version(session, script, submission, actor)
    audit.note(session, "script", script.id, after=_tell(script, version))
    return script


async def add_version(session: AsyncSession, id_or_slug: str, submission: Submission, actor: Actor) -> Version:
    """Add a version; it becomes the current one as soon as it can be run. Name, description and category follow it.

    Raises:
        ScriptNotFound, OnlyOwner
    """
    script = await get_script(session, id_or_slug, actor, Action.CHANGE, for_update=True)
    before = snapshot(script)
    script.name = submission.manifest.name
    script.description = submission.manifest.description
    script.category = submission.manifest.category
    version = await _add_version(session, script, submission, actor)
    audit.note(session, "script", script.id, before=before, after=_tell(script, version))
    return version


async def _add_version(session: AsyncSession, script: Script, submission: Submission, actor: Actor) -> Version:
    is_built_later = submission.manifest.runtime == "docker" and submission.origin is Origin.ARCHIVE
    now = await database_now(session)
    script.version_count += 1
    version = Version(
        script_id=script.id,
        number=script.version_count,
        origin=submission.origin,
        status=Status.PENDING if is_built_later else Status.SUCCESS,
        manifest=manifest_facts(submission.manifest),
        image=submission.image,
        created_by=actor.user_id,
        created_at=now,
        finished_at=None if is_built_later else now,
    )
    if submission.archive is not None:
        version.digest, version.size_bytes = await _store(session, submission.archive)
    script.status = version.status
    if not is_built_later:
        script.current_version = version.number
    session.add(version)
    await session.flush()
    last = "Waits for its image to be built." if is_built_later else f"Version {version.number} is ready."
    await repository.add_lines(session, version.id, [*submission.notes, last])
    return version


async def _store(session: AsyncSession, archive: bytes) -> tuple[str, int]:
    source = BytesSource(archive)
    measured = await blobs.measure(source)
    await blobs.store(session, source, measured)
    return measured.digest, measured.size_bytes


async def update_script(session: AsyncSession, id_or_slug: str, patch: ScriptPatch, actor: Actor) -> Script:
    """Change what a script is called and where it stands, or which version runs.

    Raises:
        ScriptNotFound, OnlyOwner, SlugTaken, VersionNotFound, VersionNotReady, Invalid
    """
    script = await get_script(session, id_or_slug, actor, Action.CHANGE, for_update=True)
    before = snapshot(script)
    if patch.slug is not None and patch.slug != script.slug:
        await _check_slug(session, patch.slug)
    if patch.version is not None:
        script.current_version = await _choose_version(session, script, patch.version)
    for name in patch.model_fields_set & {"name", "slug", "description", "category"}:
        setattr(script, name, getattr(patch, name))
    await session.flush()
    await session.refresh(script)
    audit.note(session, "script", script.id, before=before, after=snapshot(script))
    return script


async def _choose_version(session: AsyncSession, script: Script, number: int) -> int:
    version = await repository.find_version(session, script.id, number)
    if version is None:
        raise VersionNotFound(number)
    if version.status is not Status.SUCCESS:
        raise VersionNotReady(number, version.status.value)
    return number


async def delete_script(session: AsyncSession, id_or_slug: str, actor: Actor) -> None:
    """Delete a script with its versions. Its executions stay; jobs that name it fail from now on.

    Raises:
        ScriptNotFound, OnlyOwner
    """
    script = await get_script(session, id_or_slug, actor, Action.CHANGE, for_update=True)
    audit.note(session, "script", script.id, before=snapshot(script))
    await session.delete(script)
    await session.flush()


async def get_version(session: AsyncSession, script: Script, number: int | None) -> Version:
    """Return a version of a script; without a number the current one, or the newest while there is none.

    Raises:
        VersionNotFound: there is none with this number.
    """
    wanted = number if number is not None else script.current_version or script.version_count
    version = await repository.find_version(session, script.id, wanted)
    if version is None:
        raise VersionNotFound(wanted)
    return version


async def _choose_slug(session: AsyncSession, manifest: Manifest) -> str:
    """Return the slug that is asked for, or one made of the name, with something behind it if that is taken."""
    if manifest.slug is not None:
        await _check_slug(session, manifest.slug)
        return manifest.slug
    plain = make_slug(manifest.name)
    numbered = (plain, *(f"{plain[:90]}-{number}" for number in range(2, _NUMBERED)))
    for slug in numbered:
        if not _is_reserved(slug) and not await repository.is_slug_taken(session, slug):
            return slug
    return f"{plain[:90]}-{random_text(RANDOM_LENGTH).lower()}"


async def _check_slug(session: AsyncSession, slug: str) -> None:
    if _is_reserved(slug):
        raise Invalid(FieldError("This word means something else here.", pointer="/slug"))
    if await repository.is_slug_taken(session, slug):
        raise SlugTaken(slug)


def _is_reserved(slug: str) -> bool:
    return slug in RESERVED or isinstance(read_key(slug), UUID)


def _tell(script: Script, version: Version) -> dict[str, Any]:
    """Describe a script and a new version of it for the audit log."""
    facts = snapshot(version, but={"script_id"})
    return {
        **snapshot(script),
        "version": {name: facts[name] for name in ("number", "origin", "status", "digest", "image")},
    }
