"""Mails to people about their own account."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.outbox.service import Outbox
from stationmaster.domains.users.models import User
from stationmaster.domains.users.preferences import preferences_of

# Switched off by the preference `email_on_account_activity`. All others are about who controls the account: those always go.
OPTIONAL = frozenset({"api_key_created", "approval_needed", "role_changed"})


async def tell(
    session: AsyncSession,
    outbox: Outbox,
    user: User,
    kind: str,
    *,
    about: UUID,
    recipient: str | None = None,
    **facts: object,
) -> None:
    """Queue a mail to somebody unless their preferences say no.

    `about` names what it tells of (a token, a key, a new version): the same thing is told once. `recipient` differs from the
    account's address only while that changes.
    """
    if kind in OPTIONAL and not (await preferences_of(session, user.id)).email_on_account_activity:
        return
    await outbox.enqueue_mail(
        session,
        kind,
        recipient=recipient or user.email,
        dedupe_key=f"{kind}:{about}:{user.id}",
        facts=facts,
        user_id=user.id,
    )
