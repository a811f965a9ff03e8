"""The duty that watches: it collects the ends of our own jobs, and compares every check with the clock."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db import leases
from stationmaster.db.clock import database_now
from stationmaster.domains.checks import alerts, repository
from stationmaster.domains.checks.models import Check
from stationmaster.domains.checks.signs import take_ends
from stationmaster.domains.executions import service as executions

BATCH = 100
NEWEST = 20
"""Executions of a watched job that are looked at each time; a job that ends more often than that does live."""
LISTENING = "checks"
PAUSE = timedelta(seconds=60)
"""The longest time without a look after which the service still counts as having listened."""


async def watch(session: AsyncSession) -> int:
    """Look at all checks once; return how many went down."""
    since = await listening_since(session)
    await _collect_ends(session)
    now = await database_now(session)
    await repository.mark_late(session, now)
    silent = await repository.mark_down(session, now, heard_seconds=(now - since).total_seconds(), limit=BATCH)
    for check in silent:
        await alerts.tell_change(session, check, alerts.describe_silence(check))
    for check in await repository.mark_reminded(session, now, limit=BATCH):
        await alerts.remind(session, check)
    return len(silent)


async def listening_since(session: AsyncSession) -> datetime:
    """Note that the service listens, and return since when it has done so without a pause.

    It is a lease that nobody contends for: renewed in time it keeps its beginning, after a pause it begins anew.
    """
    await leases.acquire(session, name=LISTENING, holder=LISTENING, ttl=PAUSE)
    lease = await leases.find_lease(session, LISTENING)
    assert lease is not None
    return lease.acquired_at


async def _collect_ends(session: AsyncSession) -> None:
    watching: Sequence[Check] = await repository.lock_of_jobs(session)
    job_ids = {check.job_id for check in watching if check.job_id}
    newest = await executions.newest_by_job(session, list(job_ids), NEWEST)
    for check in watching:
        assert check.job_id is not None
        await take_ends(session, check, newest.get(check.job_id, ()))
