"""The life of one service of a swarm: an attempt that the swarm places on one of its nodes.

As `container_run`, with what is different there: a service starts when it is made, its log has no end (so its task is looked
at once a second), and its files are out of reach (so a result is printed, and there are no outputs).
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from stationmaster.domains.executions.containers import verdict
from stationmaster.domains.executions.containers.hardening import service_spec
from stationmaster.domains.executions.containers.run_facts import RunFacts
from stationmaster.domains.executions.containers.work import ContainerWork
from stationmaster.domains.executions.executor import Desk, Outcome
from stationmaster.domains.executions.journal import Journal, Stream
from stationmaster.domains.executions.states import Reason, State
from stationmaster.outbound.docker.engine import Json
from stationmaster.outbound.docker.errors import Conflict, EngineAway, NotThere
from stationmaster.outbound.docker.swarm import Swarm

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
QUIET_SECONDS = 1.5
"""When its task has ended, the log is over once nothing has come for this long."""
ENDED = frozenset({"complete", "failed", "rejected", "shutdown", "orphaned", "remove"})
NOT_PLACED = frozenset({"new", "allocated", "pending"})
NEVER_RAN = frozenset({"rejected", "orphaned"})
LOST = Outcome(State.LOST, Reason.LOST, error=verdict.LOST)


class NotPlaced(Exception):
    """No node took the task in time; says what the swarm says."""


@dataclass
class ServiceRun:
    """One attempt in one service."""

    swarm: Swarm
    facts: RunFacts
    desk: Desk
    journal: Journal
    taken_lines: int = field(default=0, init=False)
    """A log that broke off is read on from here. One that is taken over is read again: the journal leaves out what it has."""
    times_away: int = field(default=0, init=False)
    heard: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    @property
    def name(self) -> str:
        return str(self.facts.name)

    async def carry_out(self, work: ContainerWork, handle: Mapping[str, Any] | None) -> Outcome:
        """Run the service, or take over the one that an earlier replica began, and judge its end.

        Raises:
            EngineAway: it was away for longer than our patience.
            EngineRefused: it does not want to run this, or is no manager of a swarm.
            Disowned: somebody else has the attempt.
        """
        if await self._look() is None:
            if handle is not None and handle["is_started"]:
                return LOST
            await self._begin(work)
        try:
            task = await self._follow()
        except NotPlaced as failure:
            return Outcome(State.FAILED, Reason.SERVER_ERROR, error=str(failure))
        return LOST if task is None else await self._judge(task)

    async def stop(self) -> None:
        """End the service: its task is asked to end, and killed after its grace."""
        await self.swarm.remove_service(self.name)

    async def _begin(self, work: ContainerWork) -> None:
        facts = self.facts
        await self.desk.save_handle(facts.handle(is_started=False))
        network = facts.settings.network if work.has_network else self.name
        if not work.has_network:
            await self.swarm.create_closed_network(network, facts.labels)
        spec = service_spec(work, name=self.name, network=network, labels=facts.labels, settings=facts.settings)
        with suppress(Conflict):  # made by ourselves, in a call whose answer was lost
            await self.swarm.create_service(spec, work.login)
        await self.desk.save_handle(facts.handle(is_started=True))
        self.times_away = 0

    async def _follow(self) -> Json | None:
        """Take the log in until the task has ended; return the task, None when the service is gone."""
        try:
            async with asyncio.TaskGroup() as group:
                log = group.create_task(self._take_log())
                task = await self._wait_for_end()
                await self._wait_for_quiet()
                log.cancel()
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        return task

    async def _wait_for_quiet(self) -> None:
        """Come back when the log has said nothing for a while."""
        try:
            while True:
                self.heard.clear()
                async with asyncio.timeout(QUIET_SECONDS):
                    await self.heard.wait()
        except TimeoutError:
            return

    async def _take_log(self) -> None:
        while True:
            try:
                async for block in self.swarm.follow_log(self.name, skip_lines=self.taken_lines):
                    await self.journal.feed(block.data, Stream(block.stream))
                    self.taken_lines += block.lines
                    self.heard.set()
            except EngineAway:
                logger.info("docker.log_broke_off", extra={"service": self.name})
            except NotThere:
                return
            await asyncio.sleep(POLL_SECONDS)

    async def _wait_for_end(self) -> Json | None:
        """Look at the task until it has ended; the first one that has counts, should there be several."""
        begun = time.monotonic()
        while (tasks := await self._look()) is not None:
            ended = [task for task in tasks if task["Status"]["State"] in ENDED]
            if ended:
                return ended[0]
            self._check_placed(tasks, waited_seconds=time.monotonic() - begun)
            await asyncio.sleep(POLL_SECONDS)
        return None

    async def _look(self) -> Sequence[Json] | None:
        """Ask for the tasks, and wait for an engine that is away, as long as our patience lasts; None without a service."""
        deadline = time.monotonic() + self.facts.settings.patience.total_seconds()
        while True:
            try:
                tasks = await self.swarm.list_tasks(self.name)
                is_there = tasks or await self.swarm.find_service(self.name)
            except NotThere:
                return None
            except EngineAway:
                self.times_away += 1
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(POLL_SECONDS)
            else:
                return tasks if is_there else None

    def _check_placed(self, tasks: Sequence[Json], *, waited_seconds: float) -> None:
        """Give up on a task that no node takes."""
        waiting = [task["Status"] for task in tasks if task["Status"]["State"] in NOT_PLACED]
        if waiting and waited_seconds > self.facts.settings.place_within.total_seconds():
            why = waiting[0].get("Err") or waiting[0].get("Message") or "the swarm does not say why"
            raise NotPlaced(f"No node of the swarm took the task within {waited_seconds:.0f} s: {why}.")

    async def _judge(self, task: Json) -> Outcome:
        status = task["Status"]
        if status["State"] in NEVER_RAN:
            return Outcome(State.FAILED, Reason.SERVER_ERROR, error=f"The swarm did not run it: {status.get('Err')}.")
        container = status.get("ContainerStatus") or {}
        code = int(container.get("ExitCode", 0 if status["State"] == "complete" else verdict.KILLED))
        return verdict.judge(
            code,
            is_oom=code == verdict.KILLED and await self._was_oom(container.get("ContainerID")),
            was_engine_away=bool(self.times_away),
            result=None,
        )

    async def _was_oom(self, container: str | None) -> bool:
        """Ask the container itself; only its own node can say, so elsewhere it is a plain kill."""
        found = await self.swarm.engine.find_container(container) if container else None
        return bool(found and found["State"]["OOMKilled"])
