"""What people do with their own account."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.auth import mailed_tokens
from stationmaster.domains.auth.models import Purpose
from stationmaster.domains.outbox.service import Outbox
from stationmaster.domains.users import service as users
from stationmaster.domains.users.models import User
from stationmaster.domains.users.notices import tell


async def update_profile(session: AsyncSession, user_id: UUID, changes: Mapping[str, Any], *, outbox: Outbox) -> User:
    """Change the named fields of one's own account; a new address waits until it is confirmed.

    Raises:
        NotFound: the account is gone.
        AlreadyExists: the user name is taken.
    """
    user = await users.get_locked(session, user_id)
    facts = dict(changes)
    new_email = facts.pop("email", user.email)
    await users.change(session, user, facts)
    if new_email != user.email:
        await _ask_to_confirm(session, user, new_email, outbox)
    return user


async def _ask_to_confirm(session: AsyncSession, user: User, new_email: str, outbox: Outbox) -> None:
    """Mail a link to the new address and a warning to the old one; a taken address gets nothing, and the same answer."""
    is_due = await mailed_tokens.may_send(session, Purpose.CHANGE_EMAIL, new_email)
    if not is_due or await users.find_by_login(session, new_email) is not None:
        return
    issued = await mailed_tokens.issue(session, user, Purpose.CHANGE_EMAIL, email=new_email)
    await tell(
        session,
        outbox,
        user,
        "change_email",
        about=issued.token.id,
        recipient=new_email,
        url=issued.url(outbox.public_url),
        hours=issued.hours,
    )
    way_back = await mailed_tokens.issue(session, user, Purpose.RESET_PASSWORD, email=user.email)
    url = way_back.url(outbox.public_url)
    await tell(session, outbox, user, "email_change_requested", about=way_back.token.id, new_email=new_email, url=url)
