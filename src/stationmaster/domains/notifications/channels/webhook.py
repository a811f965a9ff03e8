"""A webhook of the place, signed by Standard Webhooks 1.0: receivers verify it with the public libraries.

`webhook-id` is the same at each try, so a receiver that keeps the ids takes each notice once.
"""

import json
import logging
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.notifications import place
from stationmaster.domains.notifications.audience import Telling
from stationmaster.domains.notifications.channels.calling import call, pace_of, refusal
from stationmaster.domains.notifications.place import Hook
from stationmaster.domains.outbox import service as outbox
from stationmaster.domains.outbox.carrier import NotDelivered, Pace, Parcel
from stationmaster.domains.outbox.keys import key_of
from stationmaster.domains.outbox.models import Channel
from stationmaster.domains.outbox.service import Post
from stationmaster.kit import clock
from stationmaster.kit.instants import format_instant
from stationmaster.kit.sealing import Sealer
from stationmaster.outbound import signing
from stationmaster.outbound.http import DispatchClient

logger = logging.getLogger(__name__)

RECIPIENT = "webhook"
GONE = 410
GONE_REASON = "The receiver answered 410: it is gone."


async def post(session: AsyncSession, telling: Telling) -> None:
    """Queue one call for the place, if it has a webhook."""
    if not telling.is_for_the_place or not await place.is_enabled(session, place.WEBHOOK):
        return
    notice = telling.notice
    key = key_of(notice.dedupe_key, Channel.WEBHOOK, RECIPIENT)
    await outbox.enqueue(session, [Post(Channel.WEBHOOK, "notice", RECIPIENT, key, notice.facts())])


@dataclass(frozen=True)
class WebhookCarrier:
    """Delivers to the address that is set when a message goes out."""

    database: Database
    sealer: Sealer
    client: DispatchClient
    public_url: str
    timeout_seconds: float
    channel: Channel = Channel.WEBHOOK

    @property
    def pace(self) -> Pace:
        return pace_of(self.timeout_seconds)

    async def deliver(self, parcel: Parcel) -> None:
        async with read_only(self.database) as session:
            hook = await place.read_hook(session, self.sealer, place.WEBHOOK)
        if not hook.is_enabled or hook.url is None or hook.signing_secret is None:
            raise NotDelivered("The webhook is not switched on.", is_final=True)
        body = compose(parcel, self.public_url)
        headers = sign(parcel, hook.signing_secret, body)
        answer = await call(self.client, hook.url, headers=headers, body=body, timeout_seconds=self.timeout_seconds)
        if answer.status == GONE:
            await self._switch_off(hook)
            raise NotDelivered(GONE_REASON, is_final=True)
        if not 200 <= answer.status < 300:
            raise refusal(answer, is_final=False)

    async def _switch_off(self, seen: Hook) -> None:
        """Do what 410 asks for, unless the address was changed meanwhile."""
        async with unit_of_work(self.database) as session:
            hook = await place.read_hook(session, self.sealer, place.WEBHOOK, for_update=True)
            if hook.url != seen.url:
                return
            gone = replace(hook, is_enabled=False, disabled_reason=GONE_REASON)
            await place.store_hook(session, self.sealer, place.WEBHOOK, gone)
        logger.error("webhook.gone")


def compose(parcel: Parcel, public_url: str) -> bytes:
    """Write the payload as Standard Webhooks proposes: `type`, `timestamp`, `data`."""
    data = {**parcel.facts}
    topic, link = str(data.pop("topic")), data.pop("link", None)
    payload = {
        "type": topic.replace("_", ".", 1),
        "timestamp": format_instant(parcel.created_at),
        "data": {**data, "url": f"{public_url}{link}" if link else None},
    }
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def sign(parcel: Parcel, secret: str, body: bytes) -> dict[str, str]:
    """Return the three headers by which the receiver knows that a call is ours."""
    now = clock.now()
    return {
        "webhook-id": str(parcel.id),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signing.sign(secret, message_id=str(parcel.id), at=now, body=body),
    }
