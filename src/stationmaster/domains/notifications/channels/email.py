"""E-mail: to people who want the topic by mail, and to the addresses that a rule names. One mail to one address."""

from dataclasses import dataclass
from datetime import timedelta

from jinja2 import TemplateError
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.notifications.audience import Telling
from stationmaster.domains.outbox import service as outbox
from stationmaster.domains.outbox.carrier import NotDelivered, Pace, Parcel
from stationmaster.domains.outbox.keys import key_of
from stationmaster.domains.outbox.models import Channel
from stationmaster.domains.outbox.rendering import Content, render
from stationmaster.domains.outbox.service import Post
from stationmaster.kit.retry import Backoff
from stationmaster.outbound.smtp import Mail, MailNotSent, MailTransport

# 30 s, 75 s, 3 min, 8 min ... up to 4 h: twelve tries span about 20 hours.
BACKOFF = Backoff(initial_seconds=30, multiplier=2.5, max_seconds=4 * 3600, jitter=False)
# Longer than sending can take (`outbound.smtp` bounds it).
PACE = Pace(lease=timedelta(minutes=5), backoff=BACKOFF)


async def post(session: AsyncSession, telling: Telling) -> None:
    """Queue one mail for each address."""
    notice = telling.notice
    wanted = {person.email: person.user_id for person in telling.people if person.wants_mail(notice.topic)}
    recipients = {**dict.fromkeys(telling.emails), **wanted}
    facts = notice.facts()
    await outbox.enqueue(
        session,
        [
            Post(Channel.EMAIL, "notice", address, key_of(notice.dedupe_key, Channel.EMAIL, address), facts, user_id)
            for address, user_id in recipients.items()
        ],
    )


@dataclass(frozen=True)
class MailCarrier:
    """Delivers mails by a transport."""

    transport: MailTransport
    public_url: str
    channel: Channel = Channel.EMAIL
    pace: Pace = PACE

    async def deliver(self, parcel: Parcel) -> None:
        content = parcel.content or self._write(parcel)
        try:
            await self.transport.send(Mail(parcel.key, parcel.recipient, content.subject, content.text, content.html))
        except MailNotSent as error:
            raise NotDelivered(str(error), is_final=error.is_final) from error

    def _write(self, parcel: Parcel) -> Content:
        url = f"{self.public_url}{parcel.facts['link']}" if parcel.facts.get("link") else None
        try:
            return render(parcel.kind, {"public_url": self.public_url, "url": url, **parcel.facts})
        except TemplateError as error:
            raise NotDelivered(f"it cannot be written: {error}", is_final=True) from error
