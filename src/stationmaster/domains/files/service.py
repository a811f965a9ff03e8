"""Keeping files, and finding those that work refers to."""

import re
from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db import blobs
from stationmaster.db.blobs import Source
from stationmaster.domains.audit import service as audit
from stationmaster.domains.audit.facts import snapshot
from stationmaster.domains.files import repository
from stationmaster.domains.files.errors import FileNotFound, FileTooLarge, QuotaUsedUp
from stationmaster.domains.files.models import File
from stationmaster.domains.users import service as users
from stationmaster.errors import FieldError, Invalid
from stationmaster.identity.actor import Actor
from stationmaster.setting_groups import FileSettings

OCTETS = "application/octet-stream"
LONGEST_NAME = 255

# RFC 6838, section 4.2; parameters are dropped, nobody here looks at them.
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,10}\Z")


def list_statement(actor: Actor) -> Any:
    """Return the statement of the list of a caller's files, of all for admins."""
    return repository.list_statement(owner_id=None if actor.is_admin else actor.user_id)


async def list_of_person(session: AsyncSession, user_id: UUID) -> list[File]:
    """Return all files of one person, newest first."""
    return list(await session.scalars(repository.list_statement(owner_id=user_id)))


async def get_file(session: AsyncSession, id_: UUID, actor: Actor) -> File:
    """Return a file of the caller's, any for admins.

    Raises:
        FileNotFound: there is none, or it is somebody else's.
    """
    file = await repository.find_file(session, id_)
    if file is None or not actor.may_change(file.owner_id):
        raise FileNotFound(id_)
    return file


async def find_files(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, File]:
    """Return those of the files that are there, whoever owns them; the caller decides about that."""
    return await repository.list_by_id(session, ids) if ids else {}


async def create_file(
    session: AsyncSession, settings: FileSettings, source: Source, *, name: str, media_type: str | None, actor: Actor
) -> File:
    """Store an upload.

    Raises:
        Invalid: the name is none.
        FileTooLarge, QuotaUsedUp
    """
    _check_name(name)
    measured = await blobs.measure(source)
    if measured.size_bytes > settings.max_bytes:
        raise FileTooLarge(settings.max_bytes)
    # Uploads of one person wait for each other here, so that two at once do not both fit.
    await users.lock_user(session, actor.user_id)
    used = await repository.sum_sizes(session, actor.user_id)
    if used + measured.size_bytes > settings.quota_bytes:
        raise QuotaUsedUp(settings.quota_bytes, used)
    await blobs.store(session, source, measured)
    file = File(
        owner_id=actor.user_id,
        name=name,
        media_type=_read_media_type(media_type),
        size_bytes=measured.size_bytes,
        digest=measured.digest,
    )
    session.add(file)
    await session.flush()
    audit.note(session, "file", file.id, after=snapshot(file))
    return file


async def delete_file(session: AsyncSession, id_: UUID, actor: Actor) -> None:
    """Delete a file; its content goes when nothing else has the same.

    Raises:
        FileNotFound: there is none, or it is somebody else's.
    """
    file = await get_file(session, id_, actor)
    audit.note(session, "file", file.id, before=snapshot(file))
    await session.delete(file)
    await session.flush()


def suffix_of(name: str) -> str:
    """Return the ending of a file's name, such as `.csv`, in lower case; empty when it has none that is plain."""
    found = _SUFFIX.search(name.lower())
    return found.group() if found else ""


def _check_name(name: str) -> None:
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise Invalid(FieldError("Give the file a name of 1 to 255 printable characters.", pointer="/file"))


def _read_media_type(declared: str | None) -> str:
    plain = (declared or "").partition(";")[0].strip().lower()
    return plain if _MEDIA_TYPE.fullmatch(plain) else OCTETS
