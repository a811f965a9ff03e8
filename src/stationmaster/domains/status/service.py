"""Looking at the house, and writing down what has changed."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psutil
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.domains.executions import service as executions
from stationmaster.domains.executions.states import State
from stationmaster.domains.scripts import service as scripts
from stationmaster.domains.status import repository
from stationmaster.domains.status.models import StatusEntry
from stationmaster.domains.users import service as users

AT_LEAST_EVERY = timedelta(minutes=2)
SHARE_OF_TIME = 50
"""A look that took a second is followed by none for this many."""

COUNTED = tuple(name for name in StatusEntry.model_fields if name.endswith("_count") or name.startswith("executions_"))
"""A change in one of these is a change; how busy the machine is changes always."""


def list_statement(start: datetime | None, end: datetime | None) -> Any:
    """Return the statement of a list of entries, for paging."""
    return repository.list_statement(start, end)


class StatusLog:
    """Writes the log of one replica while it leads; made once by the lifespan."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._rest_until = 0.0

    async def look(self, session: AsyncSession) -> bool:
        """Write an entry if there is something to tell; say whether there was. Done by a duty."""
        began = self._monotonic()
        if began < self._rest_until:
            return False
        entry, last = await take(session), await repository.find_last(session)
        ended = self._monotonic()
        self._rest_until = ended + SHARE_OF_TIME * (ended - began)
        is_news = last is None or _has_changed(last, entry) or _is_long_ago(last, entry.timestamp)
        if is_news:
            session.add(entry)
            await session.flush()
        return is_news


async def take(session: AsyncSession) -> StatusEntry:
    """Count what there is now."""
    states = await executions.count_states(session)
    return StatusEntry(
        timestamp=await database_now(session),
        executions_active=_sum(states, State.QUEUED, State.RUNNING),
        executions_ready=await executions.count_due(session),
        executions_running=_sum(states, State.RUNNING),
        executions_finished=_sum(states, State.SUCCEEDED),
        executions_failed=_sum(states, State.FAILED, State.TIMED_OUT, State.LOST),
        executions_cancelled=_sum(states, State.CANCELLED),
        executions_count=sum(states.values()),
        users_count=await users.count_users(session),
        scripts_count=await scripts.count_scripts(session),
        memory_available_percent=_memory_available(),
        cpu_usage_percent=psutil.cpu_percent(),
    )


def _sum(states: dict[State, int], *wanted: State) -> int:
    return sum(states.get(state, 0) for state in wanted)


def _memory_available() -> float:
    memory = psutil.virtual_memory()
    return round(100 * memory.available / memory.total, 1)


def _has_changed(last: StatusEntry, entry: StatusEntry) -> bool:
    return any(getattr(last, name) != getattr(entry, name) for name in COUNTED)


def _is_long_ago(last: StatusEntry, now: datetime) -> bool:
    return now - last.timestamp >= AT_LEAST_EVERY
