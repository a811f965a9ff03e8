"""What others may ask of checks."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.domains.audit import service as audit
from stationmaster.domains.audit.facts import snapshot
from stationmaster.domains.checks import repository
from stationmaster.domains.checks.errors import AlreadyPaused, CheckNotFound, NotPaused
from stationmaster.domains.checks.expectation import next_due
from stationmaster.domains.checks.models import Check, CheckState, Ping
from stationmaster.domains.checks.schemas import KINDS, CheckIn, CheckOut, CheckPatch
from stationmaster.domains.checks.states import expect, move
from stationmaster.domains.jobs import service as jobs
from stationmaster.domains.jobs.errors import JobNotFound
from stationmaster.domains.taxonomy import service as taxonomy
from stationmaster.errors import FieldError, Forbidden, Invalid
from stationmaster.identity.actor import Actor

UNTOLD = frozenset({"ping_key", "badge_key"})
"""Whoever knows the keys can speak for the check, or look at it."""


def list_statement(*, owner_id: UUID | None, state: CheckState | None, job_id: UUID | None) -> sa.Select[Check]:
    """Make the SELECT of checks, for a page of it."""
    return repository.list_statement(owner_id=owner_id, state=state, job_id=job_id)


def pings_statement(check_id: UUID) -> sa.Select[Ping]:
    """Make the SELECT of a check's signs, for a page of it."""
    return repository.pings_statement(check_id)


async def get_check(session: AsyncSession, id_: UUID, *, for_update: bool = False) -> Check:
    """Return a check.

    Raises:
        CheckNotFound: there is none with this id.
    """
    check = await repository.find(session, id_, for_update=for_update)
    if check is None:
        raise CheckNotFound(id_)
    return check


async def get_own_check(session: AsyncSession, id_: UUID, actor: Actor) -> Check:
    """Return a check that the caller may change, locked.

    Raises:
        CheckNotFound: there is none with this id.
        Forbidden: it belongs to somebody else.
    """
    return _own(await get_check(session, id_, for_update=True), actor)


async def get_readable_check(session: AsyncSession, id_: UUID, actor: Actor) -> Check:
    """Return a check whose signs the caller may read.

    Raises:
        CheckNotFound: there is none with this id.
        Forbidden: it belongs to somebody else.
    """
    return _own(await get_check(session, id_), actor)


def _own(check: Check, actor: Actor) -> Check:
    if not actor.may_change(check.owner_id):
        raise Forbidden("Only the owner of the check and admins may do this.")
    return check


async def get_by_badge_key(session: AsyncSession, key: str) -> Check:
    """Return the check that a badge shows.

    Raises:
        CheckNotFound: there is none with this key.
    """
    check = await repository.find_by_badge_key(session, key)
    if check is None:
        raise CheckNotFound("with this badge")
    return check


async def show_checks(
    session: AsyncSession, checks: Sequence[Check], actor: Actor, *, public_url: str
) -> list[CheckOut]:
    """Show checks to a caller; addresses and keys only to who may change them."""
    teams = (await taxonomy.find_slugs(session, (), {check.team_id for check in checks if check.team_id})).teams
    return [
        CheckOut.of(
            check,
            team=teams[check.team_id] if check.team_id else None,
            public_url=public_url,
            is_open=actor.may_change(check.owner_id),
        )
        for check in checks
    ]


async def create_check(session: AsyncSession, wanted: CheckIn, actor: Actor) -> Check:
    """Store a check.

    Raises:
        Invalid: there is no such job or team, or the job has no schedule.
    """
    facts = wanted.model_dump(exclude={"team", "timezone"})
    check = Check(**facts, owner_id=actor.user_id, timezone=wanted.timezone or "UTC")
    check.team_id = await taxonomy.choose_team(session, wanted.team, pointer="/team")
    await _begin(session, check, await database_now(session))
    session.add(check)
    await session.flush()
    audit.note(session, "check", check.id, after=snapshot(check, but=UNTOLD))
    return check


async def update_check(session: AsyncSession, id_: UUID, patch: CheckPatch, actor: Actor) -> Check:
    """Change a check; what was expected is expected anew from its last sign, or from now.

    Raises:
        CheckNotFound, Forbidden, Invalid
    """
    check = await get_own_check(session, id_, actor)
    before = snapshot(check, but=UNTOLD)
    if set(KINDS) & patch.model_fields_set:
        for name in KINDS:
            setattr(check, name, None)
    for name, value in patch.model_dump(exclude_unset=True, exclude={"team"}).items():
        setattr(check, name, value)
    if "team" in patch.model_fields_set:
        check.team_id = await taxonomy.choose_team(session, patch.team, pointer="/team")
    if {*KINDS, "timezone", "grace_seconds"} & patch.model_fields_set:
        await _expect_anew(session, check)
    await session.flush()
    audit.note(session, "check", id_, before=before, after=snapshot(check, but=UNTOLD))
    return check


async def delete_check(session: AsyncSession, id_: UUID, actor: Actor) -> None:
    """Delete a check and its signs.

    Raises:
        CheckNotFound, Forbidden
    """
    check = await get_own_check(session, id_, actor)
    audit.note(session, "check", id_, before=snapshot(check, but=UNTOLD))
    await session.delete(check)


async def pause_check(session: AsyncSession, id_: UUID, actor: Actor) -> Check:
    """Expect nothing of a check until it is resumed.

    Raises:
        CheckNotFound, Forbidden, AlreadyPaused
    """
    check = await get_own_check(session, id_, actor)
    if check.state is CheckState.PAUSED:
        raise AlreadyPaused
    move(check, CheckState.PAUSED, await database_now(session))
    check.due_at = check.down_at = check.last_start_at = None
    await session.flush()
    audit.note(session, "check", id_, after={"state": check.state})
    return check


async def resume_check(session: AsyncSession, id_: UUID, actor: Actor) -> Check:
    """Let a check begin anew: it waits for its next sign.

    Raises:
        CheckNotFound, Forbidden, NotPaused
    """
    check = await get_own_check(session, id_, actor)
    if check.state is not CheckState.PAUSED:
        raise NotPaused
    await _begin(session, check, await database_now(session))
    await session.flush()
    audit.note(session, "check", id_, after={"state": check.state})
    return check


async def _begin(session: AsyncSession, check: Check, now: datetime) -> None:
    """Let a check wait: an outside one for its first sign, one of our own jobs for its next slot."""
    move(check, CheckState.NEW, now)
    if check.job_id is None:
        expect(check, None)
        return
    await _check_job(session, check.job_id)
    due = await next_due(session, check, now)
    if due is None:
        raise Invalid(FieldError("has no schedule by which it could be missed", pointer="/job_id"))
    move(check, CheckState.UP, now)
    expect(check, due)


async def _expect_anew(session: AsyncSession, check: Check) -> None:
    if check.state in {CheckState.PAUSED, CheckState.DOWN}:
        return
    now = await database_now(session)
    if check.job_id is not None or check.state is CheckState.NEW:
        await _begin(session, check, now)
        return
    expect(check, await next_due(session, check, check.last_ping_at or now))
    move(check, CheckState.UP, now)


async def _check_job(session: AsyncSession, job_id: UUID) -> None:
    try:
        await jobs.get_job(session, job_id)
    except JobNotFound as error:
        raise Invalid(FieldError("there is no such job", pointer="/job_id")) from error
