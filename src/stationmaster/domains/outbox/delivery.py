"""Sending what is due: claim, send, write down what became of it."""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.errors import AWAY
from stationmaster.db.notify import Wake, waiting_for
from stationmaster.db.session import unit_of_work
from stationmaster.domains.outbox import repository
from stationmaster.domains.outbox.carrier import Carrier, NotDelivered, Parcel
from stationmaster.domains.outbox.models import MessageState
from stationmaster.domains.outbox.repository import Claimed
from stationmaster.domains.outbox.service import Outbox
from stationmaster.kit.sealing import CannotOpen
from stationmaster.telemetry import metrics

logger = logging.getLogger(__name__)

POLL_SECONDS = 5.0
LONGEST_REST = timedelta(hours=1)
"""The most that a receiver's `Retry-After` is heeded."""
MAX_ERROR = 500


@dataclass
class Courier:
    """Takes the messages of one channel to where they belong; an outage of one channel does not touch the others."""

    database: Database
    outbox: Outbox
    carrier: Carrier
    max_attempts: int
    _rests_until: float = field(default=0.0, init=False)
    """On the monotonic clock: until then the receiver wants nothing."""

    async def run(self) -> None:
        """Deliver whenever something is due, until cancelled."""
        async with waiting_for(self.database, Wake.OUTBOX) as woken:
            while True:
                woken.clear()
                await asyncio.sleep(self.rest_seconds())
                if await self._deliver_or_log() < self.carrier.pace.batch:
                    await _wait(woken, POLL_SECONDS)
                await asyncio.sleep(self.carrier.pace.interval_seconds)

    def rest_seconds(self) -> float:
        """Return how long the receiver still wants nothing at all."""
        return max(0.0, self._rests_until - time.monotonic())

    async def deliver_due(self) -> int:
        """Send one batch of due messages side by side; return how many were claimed."""
        token, pace = uuid4(), self.carrier.pace
        async with unit_of_work(self.database) as session:
            now = await database_now(session)
            claimed = await repository.claim(
                session, self.carrier.channel, token=token, now=now, lease=pace.lease, limit=pace.batch
            )
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
            logger.warning("outbox.failed", extra=self._facts(message) | {"error": type(error).__name__})

    async def _deliver(self, message: Claimed, token: UUID) -> None:
        try:
            await self.carrier.deliver(self._wrap(message))
        except CannotOpen as error:
            await self._give_up(message, token, str(error))
        except NotDelivered as error:
            await self._not_delivered(message, token, error)
        else:
            metrics.deliveries.labels(self.carrier.channel, "sent").inc()
            await self._settle(message, token, state=MessageState.SENT, content=None, last_error=None)

    def _wrap(self, message: Claimed) -> Parcel:
        sealed = message.content
        return Parcel(
            id=message.id,
            key=message.dedupe_key,
            kind=message.kind,
            recipient=message.recipient,
            created_at=message.created_at,
            content=None if sealed is None else self.outbox.open_content(message.id, sealed),
            facts=message.facts or {},
        )

    async def _not_delivered(self, message: Claimed, token: UUID, error: NotDelivered) -> None:
        if error.is_final or message.attempts >= self.max_attempts:
            await self._give_up(message, token, str(error))
            return
        delay = self._delay(message, error)
        if error.is_busy:
            self._rests_until = time.monotonic() + delay.total_seconds()
        metrics.deliveries.labels(self.carrier.channel, "delayed").inc()
        logger.warning("outbox.delayed", extra=self._facts(message) | {"seconds": delay.total_seconds()})
        await self._settle(message, token, state=MessageState.QUEUED, delay=delay, last_error=str(error)[:MAX_ERROR])

    def _delay(self, message: Claimed, error: NotDelivered) -> timedelta:
        if error.retry_after is not None:
            return min(error.retry_after, LONGEST_REST)
        return timedelta(seconds=self.carrier.pace.backoff.delay_after(message.attempts))

    async def _give_up(self, message: Claimed, token: UUID, reason: str) -> None:
        metrics.deliveries.labels(self.carrier.channel, "given_up").inc()
        logger.error("outbox.given_up", extra=self._facts(message))
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

    def _facts(self, message: Claimed) -> dict[str, object]:
        return {
            "message_id": str(message.id),
            "channel": self.carrier.channel,
            "kind": message.kind,
            "attempts": message.attempts,
        }


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
