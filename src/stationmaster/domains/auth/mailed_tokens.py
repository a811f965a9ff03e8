"""Single-use tokens that prove who reads an address, and how often mails may be asked for."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.notify import Wake, notify
from stationmaster.domains.auth import repository
from stationmaster.domains.auth.models import AccountToken, MailRequest, Purpose
from stationmaster.domains.users.models import User
from stationmaster.kit import clock, tokens

PREFIX = "smm_"
LIFE = {
    Purpose.VERIFY_EMAIL: timedelta(hours=24),
    Purpose.CHANGE_EMAIL: timedelta(hours=24),
    Purpose.RESET_PASSWORD: timedelta(hours=1),
}
PAGE = {
    Purpose.VERIFY_EMAIL: "/verify-email",
    Purpose.CHANGE_EMAIL: "/verify-email",
    Purpose.RESET_PASSWORD: "/reset-password",
}
# One address gets one mail of a kind in this time, whoever asks how often.
COOL_DOWN = timedelta(minutes=1)


@dataclass(frozen=True)
class Issued:
    """A token that was just made; `text` is nowhere else in clear."""

    token: AccountToken
    text: str

    @property
    def hours(self) -> int:
        return int(LIFE[self.token.purpose].total_seconds() // 3600)

    def url(self, public_url: str) -> str:
        """Make the link of the mail. The token stands behind `#`: browsers send that to nobody, not even as referrer."""
        return f"{public_url}{PAGE[self.token.purpose]}#{urlencode({'token': self.text})}"


async def issue(session: AsyncSession, user: User, purpose: Purpose, *, email: str) -> Issued:
    """Make a token for the mail to `email`; older ones of the same purpose die."""
    now = clock.now()
    text = tokens.new_token(PREFIX)
    await repository.delete_account_tokens(session, user.id, purpose)
    token = AccountToken(
        user_id=user.id,
        purpose=purpose,
        email=email,
        token_hash=tokens.digest(text),
        created_at=now,
        expires_at=now + LIFE[purpose],
    )
    session.add(token)
    await session.flush()
    return Issued(token, text)


async def find(session: AsyncSession, text: str, purposes: Collection[Purpose]) -> AccountToken | None:
    """Return the token that can be used now, without using it."""
    if not tokens.is_well_formed(text, PREFIX):
        return None
    return await repository.find_account_token(session, tokens.digest(text), purposes, now=clock.now())


async def use(session: AsyncSession, text: str, purposes: Collection[Purpose]) -> AccountToken | None:
    """Use a token up and return it; of several parallel uses one gets it."""
    if not tokens.is_well_formed(text, PREFIX):
        return None
    return await repository.use_account_token(session, tokens.digest(text), purposes, now=clock.now())


async def ask_for_mail(session: AsyncSession, purpose: Purpose, email: str) -> None:
    """Ask for a mail to an address that strangers typed; the clerk (`mail_clerk`) finds out whether it gets one.

    One write, whoever the address belongs to: neither answer nor time tells whether it has an account.
    """
    await _note(session, purpose, email, waiting_for=email)
    notify(session, Wake.OUTBOX)


async def may_send(session: AsyncSession, purpose: Purpose, email: str) -> bool:
    """Note that a mail is sent, and say whether the last time is long enough ago."""
    return await _note(session, purpose, email, waiting_for=None)


async def _note(session: AsyncSession, purpose: Purpose, email: str, *, waiting_for: str | None) -> bool:
    now = clock.now()
    subject = tokens.digest(f"{purpose} {email}")
    request = MailRequest(subject=subject, purpose=purpose, requested_at=now, email=waiting_for)
    return await repository.note_mail_request(session, request, not_since=now - COOL_DOWN)


def at(instant: datetime) -> str:
    """Write an instant for the text of a mail."""
    return instant.strftime("%Y-%m-%d %H:%M UTC")
