"""Sending what is due: claim, send, write down what became of it."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.errors import AWAY
from stationmaster.db.notify import Wake, waiting_for
from stationmaster.db.session import unit_of_work
from stationmaster.domains.outbox import repository
from stationmaster.domains.outbox.models import MessageState
from stationmaster.domains.outbox.repository import Claimed
from stationmaster.domains.outbox.service import Outbox
from stationmaster.kit.retry import Backoff
from stationmaster.kit.sealing import CannotOpen
from stationmaster.outbound.smtp import Mail, MailNotSent, MailTransport

logger = logging.getLogger(__name__)

BATCH = 10
# Longer than sending can take (`outbound.smtp` bounds it), so that a claim runs out only when its replica is gone.
LEASE = timedelta(minutes=5)
POLL_SECONDS = 5.0
# 30 s, 75 s, 3 min, 8 min ... up to 4 h: twelve tries span about 20 hours.
BACKOFF = Backoff(initial_seconds=30, multiplier=2.5, max_seconds=4 * 3600, jitter=False)
MAX_ERROR = 500


@dataclass(frozen=True)
class Courier:
    """Takes messages of an outbox to where they belong."""

    database: Database
    outbox: Outbox
    transport: MailTransport
    max_attempts: int

    async def run(self) -> None:
        """Deliver whenever something is due, until cancelled."""
        async with waiting_for(self.database, Wake.OUTBOX) as woken:
            while True:
                woken.clear()
                if await self._deliver_or_log() < BATCH:
                    await _wait(woken, POLL_SECONDS)

    async def deliver_due(self) -> int:
        """Send one batch of due messages side by side; return how many were claimed."""
        token = uuid4()
        async with unit_of_work(self.database) as session:
            now = await database_now(session)
            claimed = await repository.claim(session, token=token, now=now, lease=LEASE, limit=BATCH)
        async with asyncio.TaskGroup() as group:
            for message in claimed:
                group.create_task(self._deliver_or_leave(message, token))
        return len(claimed)

    async def _deliver_or_log(self) -> int:
        try:
            return await self.deliver_due()
        except AWAY as error:
            logger.warning("outbox.failed", extra={"error": type(error).__name__})
            return 0

    async def _deliver_or_leave(self, message: Claimed, token: UUID) -> None:
        """Deliver; without a database to write the result to, the claim runs out and the message goes out again."""
        try:
            await self._deliver(message, token)
        except AWAY as error:
            logger.warning("outbox.failed", extra=_facts(message) | {"error": type(error).__name__})

    async def _deliver(self, message: Claimed, token: UUID) -> None:
        try:
            content = self.outbox.open_content(message.id, message.content)
            mail = Mail(message.dedupe_key, message.recipient, content.subject, content.text, content.html)
            await self.transport.send(mail)
        except CannotOpen as error:
            await self._give_up(message, token, str(error))
        except MailNotSent as error:
            await self._not_sent(message, token, error)
        else:
            await self._settle(message, token, state=MessageState.SENT, content=None, last_error=None)

    async def _not_sent(self, message: Claimed, token: UUID, error: MailNotSent) -> None:
        if error.is_final or message.attempts >= self.max_attempts:
            await self._give_up(message, token, str(error))
            return
        delay = timedelta(seconds=BACKOFF.delay_after(message.attempts))
        logger.warning("outbox.delayed", extra=_facts(message) | {"seconds": delay.total_seconds()})
        await self._settle(message, token, state=MessageState.QUEUED, delay=delay, last_error=str(error)[:MAX_ERROR])

    async def _give_up(self, message: Claimed, token: UUID, reason: str) -> None:
        logger.error("outbox.given_up", extra=_facts(message))
        await self._settle(message, token, state=MessageState.FAILED, last_error=reason[:MAX_ERROR])

    async def _settle(
        self, message: Claimed, token: UUID, *, state: MessageState, delay: timedelta | None = None, **facts: object
    ) -> None:
        async with unit_of_work(self.database) as session:
            now = await database_now(session)
            sent_at = now if state is MessageState.SENT else None
            available_at = now + (delay or timedelta(0))
            await repository.settle(
                session, message.id, token=token, state=state, sent_at=sent_at, available_at=available_at, **facts
            )


def _facts(message: Claimed) -> dict[str, object]:
    return {"message_id": str(message.id), "kind": message.kind, "attempts": message.attempts}


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
