"""Working off what strangers asked for: a mail to an address that may or may not have an account.

The endpoints only write the address down. Whether there is an account, and a token and a mail to make, is found out here,
later: so the time of an answer tells nothing. Measured, making the mail at once took 4 ms longer for known addresses.
"""

import asyncio
import logging
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.engine import Database
from stationmaster.db.errors import AWAY
from stationmaster.db.notify import Wake, waiting_for
from stationmaster.db.session import unit_of_work
from stationmaster.domains.auth import recovery, registration, repository
from stationmaster.domains.auth.models import MailRequest, Purpose
from stationmaster.domains.outbox.service import Outbox
from stationmaster.domains.users import service as users

logger = logging.getLogger(__name__)

BATCH = 20
POLL_SECONDS = 5.0


@dataclass(frozen=True)
class MailClerk:
    """Works requests off for one replica."""

    database: Database
    outbox: Outbox

    async def run(self) -> None:
        """Work off whenever something waits, until cancelled."""
        async with waiting_for(self.database, Wake.OUTBOX) as woken:
            while True:
                woken.clear()
                if await self._work_off_or_log() < BATCH:
                    await _wait(woken)

    async def _work_off_or_log(self) -> int:
        try:
            async with unit_of_work(self.database) as session:
                return await work_off(session, self.outbox)
        except AWAY as error:
            logger.warning("mail_requests.failed", extra={"error": type(error).__name__})
            return 0


async def work_off(session: AsyncSession, outbox: Outbox) -> int:
    """Make the mails of one batch of requests, and forget the addresses; return how many requests there were."""
    requests = await repository.list_waiting_requests(session, limit=BATCH)
    for request in requests:
        await _answer(session, request, outbox)
        request.email = None
    return len(requests)


async def _answer(session: AsyncSession, request: MailRequest, outbox: Outbox) -> None:
    user = await users.find_by_login(session, request.email or "")
    if user is None or not user.is_active:
        return
    if request.purpose is Purpose.RESET_PASSWORD:
        await recovery.mail_link(session, user, outbox=outbox)
    else:
        await registration.mail_link_if_unverified(session, user, outbox=outbox)


async def _wait(woken: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(POLL_SECONDS):
            await woken.wait()
    except TimeoutError:
        return
