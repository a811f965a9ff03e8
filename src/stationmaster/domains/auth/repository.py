"""The statements about sessions, refresh tokens, mailed tokens and failed logins."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.db.base import table_of
from stationmaster.db.statements import insert_into
from stationmaster.domains.auth.models import (
    AccountToken,
    EndReason,
    LoginFailures,
    MailRequest,
    Purpose,
    RefreshToken,
    UserSession,
)
from stationmaster.domains.users.models import User


async def find_session(session: AsyncSession, session_id: UUID) -> UserSession | None:
    return await session.get(UserSession, session_id)


async def find_session_locked(session: AsyncSession, session_id: UUID) -> UserSession | None:
    """Return the session as it is now, and keep others from using it until the transaction ends."""
    return await session.get(UserSession, session_id, with_for_update={"key_share": True}, populate_existing=True)


async def end_session(session: AsyncSession, session_id: UUID, *, now: datetime, reason: EndReason) -> bool:
    """End a session; say whether it was still going."""
    statement = (
        sa.update(UserSession)
        .where(col(UserSession.id) == session_id, col(UserSession.ended_at).is_(None))
        .values(ended_at=now, end_reason=reason)
        .returning(col(UserSession.id))
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def find_token(session: AsyncSession, token_hash: str) -> RefreshToken | None:
    found: RefreshToken | None = await session.scalar(
        select(RefreshToken).where(RefreshToken.token_hash == token_hash).execution_options(populate_existing=True)
    )
    return found


async def find_successor(session: AsyncSession, token: RefreshToken) -> RefreshToken | None:
    """Return the link that was given for `token` last and not taken back."""
    found: RefreshToken | None = await session.scalar(
        select(RefreshToken)
        .where(RefreshToken.session_id == token.session_id, RefreshToken.predecessor_id == token.id)
        .where(col(RefreshToken.voided_at).is_(None))
    )
    return found


async def find_lock(session: AsyncSession, subject: str) -> datetime | None:
    """Return until when tries are refused."""
    found: datetime | None = await session.scalar(
        select(LoginFailures.locked_until).where(LoginFailures.subject == subject)
    )
    return found


async def count_failure(session: AsyncSession, subject: str, *, now: datetime, forget_before: datetime) -> int:
    """Add one failure and return how many there are in a row; older rows than `forget_before` begin anew.

    One statement: failures at the same instant are all counted.
    """
    failures = table_of(LoginFailures)
    is_recent = failures.c.last_failed_at > forget_before
    statement = (
        insert_into(session, failures)
        .values(subject=subject, count=1, last_failed_at=now)
        .on_conflict_do_update(
            index_elements=[failures.c.subject],
            set_={"count": sa.case((is_recent, failures.c.count + 1), else_=1), "last_failed_at": now},
        )
        .returning(failures.c.count)
    )
    return int((await session.execute(statement)).scalar_one())


async def lock(session: AsyncSession, subject: str, until: datetime) -> None:
    statement = sa.update(LoginFailures).where(col(LoginFailures.subject) == subject).values(locked_until=until)
    await session.execute(statement)


async def delete_failures(session: AsyncSession, subject: str) -> None:
    await session.execute(sa.delete(LoginFailures).where(col(LoginFailures.subject) == subject))


async def delete_account_tokens(session: AsyncSession, user_id: UUID, purpose: Purpose) -> None:
    await session.execute(
        sa.delete(AccountToken).where(col(AccountToken.user_id) == user_id, col(AccountToken.purpose) == purpose)
    )


def _is_usable(token_hash: str, purposes: Collection[Purpose], now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(
        col(AccountToken.token_hash) == token_hash,
        col(AccountToken.purpose).in_(purposes),
        col(AccountToken.used_at).is_(None),
        col(AccountToken.expires_at) > now,
    )


async def find_account_token(
    session: AsyncSession, token_hash: str, purposes: Collection[Purpose], *, now: datetime
) -> AccountToken | None:
    found: AccountToken | None = await session.scalar(select(AccountToken).where(_is_usable(token_hash, purposes, now)))
    return found


async def use_account_token(
    session: AsyncSession, token_hash: str, purposes: Collection[Purpose], *, now: datetime
) -> AccountToken | None:
    """Mark a usable token used, in one statement, and return it."""
    statement = (
        sa.update(AccountToken).where(_is_usable(token_hash, purposes, now)).values(used_at=now).returning(AccountToken)
    )
    found: AccountToken | None = await session.scalar(statement)
    return found


async def note_mail_request(session: AsyncSession, request: MailRequest, *, not_since: datetime) -> bool:
    """Write that a mail is asked for; False, and nothing written, when one was after `not_since`."""
    requests = table_of(MailRequest)
    facts = request.model_dump()
    statement = (
        insert_into(session, requests)
        .values(facts)
        .on_conflict_do_update(
            index_elements=[requests.c.subject],
            set_={"requested_at": request.requested_at, "email": request.email},
            where=requests.c.requested_at <= not_since,
        )
        .returning(requests.c.subject)
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def list_waiting_requests(session: AsyncSession, *, limit: int) -> list[MailRequest]:
    """Lock requests that wait, oldest first; those that another replica works off are left out."""
    statement = (
        select(MailRequest)
        .where(col(MailRequest.email).is_not(None))
        .order_by(col(MailRequest.requested_at), col(MailRequest.subject))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(await session.scalars(statement))


def list_sessions_statement(user: User, now: datetime) -> sa.Select[UserSession]:
    """Make the SELECT of an account's sessions that count, newest first."""
    return (
        sa.select(UserSession)
        .where(
            col(UserSession.user_id) == user.id,
            col(UserSession.user_version) == user.version,
            col(UserSession.ended_at).is_(None),
            col(UserSession.expires_at) > now,
        )
        .order_by(col(UserSession.created_at).desc(), col(UserSession.id).desc())
    )


async def list_all_sessions(session: AsyncSession, user_id: UUID) -> list[UserSession]:
    statement = select(UserSession).where(UserSession.user_id == user_id).order_by(col(UserSession.id))
    return list(await session.scalars(statement))
