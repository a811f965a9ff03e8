"""Removes what ended attempts left behind: containers, services and networks with our label, and nothing else.

An attempt that is under way in the database keeps what it has; so a result is always kept before its container goes. What
the database does not know (a trial, a database that was restored) goes when its time is up. Every replica does it, each on
the engine that it reaches; two at once do no harm.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from stationmaster.db.base import table_of
from stationmaster.db.engine import Database
from stationmaster.db.errors import AWAY
from stationmaster.db.session import read_only
from stationmaster.domains.executions.containers.naming import ENDS_AT, INSTALLATION, AttemptName
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from stationmaster.kit import clock
from stationmaster.outbound.docker.engine import Engine
from stationmaster.outbound.docker.errors import EngineError, EngineRefused
from stationmaster.outbound.docker.swarm import Swarm
from stationmaster.setting_groups import DockerSettings
from stationmaster.telemetry import metrics

logger = logging.getLogger(__name__)

GRACE_SECONDS = 60
"""What the database does not know is left this long after its time is up."""
SWARM_TASK = "com.docker.swarm.task"
"""The swarm's own label: it removes the containers of a service with the service."""

executions = table_of(Execution)

Labels = Mapping[str, str]
Remove = Callable[[str], Awaitable[None]]


@dataclass
class Reaper:
    """Looks after the leftovers on one engine."""

    database: Database
    engine: Engine
    settings: DockerSettings
    installation: str

    async def run(self) -> None:
        """Look again and again, for ever."""
        while True:
            try:
                await self.reap()
            except (EngineError, *AWAY) as error:
                logger.debug("docker.not_reaped", extra={"error": type(error).__name__})
            await asyncio.sleep(self.settings.reap_every.total_seconds())

    async def reap(self) -> int:
        """Remove what nobody needs any more; return how much that was."""
        ours = f"{INSTALLATION}={self.installation}"
        removed = 0
        if self.settings.mode == "swarm":
            swarm = Swarm(self.engine)
            removed += await self._remove(await swarm.list_services(ours), swarm.remove_service)
            removed += await self._remove(await swarm.list_networks(ours), swarm.remove_network)
        containers = await self.engine.list_containers(ours)
        alone = {id_: labels for id_, labels in containers.items() if SWARM_TASK not in labels}
        return removed + await self._remove(alone, self.engine.remove_container)

    async def _remove(self, found: Mapping[str, Labels], remove: Remove) -> int:
        attempts = {id_: attempt for id_, labels in found.items() if (attempt := AttemptName.of(labels))}
        under_way, known = await self._ask(attempts.values())
        over = [
            id_
            for id_, attempt in attempts.items()
            if attempt not in under_way and (attempt.execution_id in known or _is_out_of_time(found[id_]))
        ]
        return sum([await _try(remove, id_) for id_ in over])

    async def _ask(self, attempts: Collection[AttemptName]) -> tuple[set[AttemptName], set[object]]:
        """Return which attempts are under way, and the ids of the executions that are known at all."""
        if not attempts:
            return set(), set()
        columns = (executions.c[name] for name in ("id", "attempt", "state", "handle"))
        statement = sa.select(*columns).where(executions.c.id.in_({attempt.execution_id for attempt in attempts}))
        async with read_only(self.database) as session:
            rows = (await session.execute(statement)).all()
        # One that is queued with a handle waits for a replica that takes it over.
        active = (row for row in rows if row.state is State.RUNNING or (row.state is State.QUEUED and row.handle))
        return {AttemptName(row.id, row.attempt) for row in active}, {row.id for row in rows}


def _is_out_of_time(labels: Labels) -> bool:
    try:
        return clock.now().timestamp() > int(labels[ENDS_AT]) + GRACE_SECONDS
    except (KeyError, ValueError):
        return True


async def _try(remove: Remove, id_: str) -> bool:
    """Remove one thing; what is still in use is left for the next time."""
    try:
        await remove(id_)
    except EngineRefused as error:
        logger.debug("docker.not_removed", extra={"id": id_, "answer": str(error)})
        return False
    metrics.containers_reaped.inc()
    return True
