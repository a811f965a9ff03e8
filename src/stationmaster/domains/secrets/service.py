"""Keeping secrets, and handing them to work that was granted them."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.domains.audit import service as audit
from stationmaster.domains.audit.facts import snapshot
from stationmaster.domains.secrets import repository
from stationmaster.domains.secrets.errors import (
    SecretNameTaken,
    SecretNotFound,
    SecretsNotGranted,
    SecretsUnreadable,
)
from stationmaster.domains.secrets.models import Secret
from stationmaster.domains.secrets.schemas import SecretIn, SecretOut, SecretPut
from stationmaster.domains.secrets.subjects import Subjects
from stationmaster.identity.actor import Actor
from stationmaster.kit.ids import new_id
from stationmaster.kit.sealing import CannotOpen, Sealer


def list_statement(actor: Actor) -> Any:
    """Return the statement of the list of a caller's secrets, of all for admins."""
    return repository.list_statement(owner_id=None if actor.is_admin else actor.user_id)


async def get_secret(session: AsyncSession, name: str, actor: Actor, *, for_update: bool = False) -> Secret:
    """Return a secret that the caller owns, any for admins.

    Raises:
        SecretNotFound: there is none, or it is somebody else's.
    """
    secret = await repository.find_secret(session, name, for_update=for_update)
    if secret is None or not actor.may_change(secret.owner_id):
        raise SecretNotFound(name)
    return secret


async def create_secret(
    session: AsyncSession, sealer: Sealer, subjects: Subjects, wanted: SecretIn, actor: Actor
) -> Secret:
    """Store a secret.

    Raises:
        SecretNameTaken: names are unique, also among those of others.
        Invalid: it is granted to what is not there.
    """
    await subjects.check(session, actor, scripts=wanted.scripts, jobs=wanted.jobs)
    if await repository.find_secret(session, wanted.name) is not None:
        raise SecretNameTaken(wanted.name)
    id_ = new_id()
    secret = Secret(
        id=id_,
        name=wanted.name,
        description=wanted.description,
        owner_id=actor.user_id,
        value=sealer.seal(wanted.value.get_secret_value(), row=str(id_)),
        value_set_at=await database_now(session),
    )
    session.add(secret)
    await session.flush()
    await repository.replace_grants(session, id_, scripts=wanted.scripts, jobs=wanted.jobs)
    audit.note(session, "secret", id_, after=await _tell(session, secret))
    return secret


async def put_secret(
    session: AsyncSession, sealer: Sealer, subjects: Subjects, name: str, wanted: SecretPut, *, actor: Actor
) -> Secret:
    """Replace what a secret is; its value too, when one is given.

    Raises:
        SecretNotFound, Invalid
    """
    secret = await get_secret(session, name, actor, for_update=True)
    await subjects.check(session, actor, scripts=wanted.scripts, jobs=wanted.jobs)
    before = await _tell(session, secret)
    secret.description = wanted.description
    if wanted.value is not None:
        secret.value = sealer.seal(wanted.value.get_secret_value(), row=str(secret.id))
        secret.value_set_at = await database_now(session)
    await session.flush()
    await repository.replace_grants(session, secret.id, scripts=wanted.scripts, jobs=wanted.jobs)
    audit.note(session, "secret", secret.id, before=before, after=await _tell(session, secret))
    return secret


async def delete_secret(session: AsyncSession, name: str, actor: Actor) -> None:
    """Delete a secret; work that names it fails from now on.

    Raises:
        SecretNotFound: there is none, or it is somebody else's.
    """
    secret = await get_secret(session, name, actor, for_update=True)
    audit.note(session, "secret", secret.id, before=await _tell(session, secret))
    await session.delete(secret)
    await session.flush()


async def show(session: AsyncSession, secrets: Sequence[Secret]) -> list[SecretOut]:
    """Show secrets with their grants, read with one statement for each kind."""
    ids = [secret.id for secret in secrets]
    scripts = await repository.list_script_grants(session, ids)
    jobs = await repository.list_job_grants(session, ids)
    return [
        SecretOut(**secret.model_dump(include=_SHOWN), scripts=scripts.get(secret.id, []), jobs=jobs.get(secret.id, []))
        for secret in secrets
    ]


async def find_usable(
    session: AsyncSession,
    names: Collection[str],
    *,
    owner_id: UUID | None,
    script_id: UUID | None = None,
    job_id: UUID | None = None,
) -> set[str]:
    """Return those of these secrets that `open_granted` would open, to refuse the others when work is defined."""
    found = await repository.list_usable(session, names, owner_id=owner_id, script_id=script_id, job_id=job_id)
    return {secret.name for secret in found}


async def open_granted(
    session: AsyncSession,
    sealer: Sealer,
    names: Collection[str],
    *,
    owner_id: UUID | None,
    script_id: UUID | None = None,
    job_id: UUID | None = None,
) -> dict[str, str]:
    """Return the values of these secrets by name, and note the use; needs a transaction that may write.

    Open are the secrets that `owner_id` owns and those granted to the script or job. Whoever runs a script of somebody
    else's must not lend it all their secrets: leave `owner_id` out for what the script itself asks for.

    Raises:
        SecretsNotGranted: some are not there or not for this use; nothing is opened.
        SecretsUnreadable: some were sealed with another key.
    """
    if not names:
        return {}
    found = await repository.list_usable(session, names, owner_id=owner_id, script_id=script_id, job_id=job_id)
    missing = {*names} - {secret.name for secret in found}
    if missing:
        raise SecretsNotGranted(missing)
    opened = _open_all(sealer, found)
    await repository.note_use(session, [secret.id for secret in found], await database_now(session))
    return opened


def _open_all(sealer: Sealer, secrets: Sequence[Secret]) -> dict[str, str]:
    opened, unreadable = {}, set()
    for secret in secrets:
        try:
            opened[secret.name] = sealer.open(secret.value, row=str(secret.id))
        except CannotOpen:
            unreadable.add(secret.name)
    if unreadable:
        raise SecretsUnreadable(unreadable)
    return opened


async def _tell(session: AsyncSession, secret: Secret) -> dict[str, Any]:
    """Describe a secret for the audit log; that its value changed shows in `value_set_at`."""
    [shown] = await show(session, [secret])
    return {**snapshot(secret, but={"value", "last_used_at"}), "scripts": shown.scripts, "jobs": shown.jobs}


_SHOWN = set(SecretOut.model_fields) - {"scripts", "jobs"}
