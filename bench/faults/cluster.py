"""The replicas of one service, each a process of its own."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bench.replica import Replica

Condition = Literal["up", "starting", "frozen"]
Kind = Literal["kill", "freeze", "term", "postgres"]


@dataclass
class Fault:
    """Something that was done, at an instant of the machine's clock."""

    kind: Kind
    name: str
    at: float
    was_leader: bool = False
    until: float | None = None
    """When it was over: thawed, stopped, or back."""


@dataclass
class Member:
    """A replica of the cluster, and how it is as far as we know."""

    name: str
    replica: Replica
    condition: Condition = "starting"
    starts: list[float] = field(default_factory=list)
    """Seconds from each start to readiness."""


@dataclass
class Cluster:
    """All members, and what was done to them."""

    members: list[Member]
    group: asyncio.TaskGroup
    faults: list[Fault] = field(default_factory=list)
    own_ends: list[str] = field(default_factory=list)
    """Replicas that ended although nobody ended them."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def up(self) -> list[Member]:
        return [member for member in self.members if member.condition == "up"]

    def find(self, name: str) -> Member:
        return next(member for member in self.members if member.name == name)

    async def enough_up(self, count: int) -> list[Member]:
        """Wait until so many members are ready; return those that are."""
        while len(self.up()) < count:
            self.changed.clear()
            await self.changed.wait()
        return self.up()

    def kill(self, member: Member, *, was_leader: bool) -> None:
        """End a process without any warning, and start it again at once."""
        self.note_own_end(member)
        member.condition = "starting"
        self.faults.append(Fault("kill", member.name, time.time(), was_leader))
        member.replica.send(signal.SIGKILL)
        self.group.create_task(self._restart(member))

    def freeze(self, member: Member, seconds: float, *, was_leader: bool) -> None:
        """Stop a process in the middle of whatever it does, and let it go on later."""
        self.note_own_end(member)
        member.condition = "frozen"
        fault = Fault("freeze", member.name, time.time(), was_leader)
        self.faults.append(fault)
        member.replica.send(signal.SIGSTOP)
        self.group.create_task(self._thaw(member, fault, seconds))

    async def restart_politely(self, member: Member, *, was_leader: bool) -> None:
        """End a process by SIGTERM, as a deployment does, and start it again."""
        self.note_own_end(member)
        member.condition = "starting"
        fault = Fault("term", member.name, time.time(), was_leader)
        self.faults.append(fault)
        await member.replica.stop(signal.SIGTERM)
        fault.until = time.time()
        await self.start(member)

    async def start(self, member: Member) -> None:
        """Start the process and wait until it is ready."""
        await member.replica.start()
        member.starts.append(await member.replica.ready())
        self._is_up(member)

    def _is_up(self, member: Member) -> None:
        member.condition = "up"
        self.changed.set()

    async def _restart(self, member: Member) -> None:
        await member.replica.ended()
        await self.start(member)

    async def _thaw(self, member: Member, fault: Fault, seconds: float) -> None:
        await asyncio.sleep(seconds)
        fault.until = time.time()
        member.replica.send(signal.SIGCONT)
        await member.replica.ready()
        self._is_up(member)

    def note_own_end(self, member: Member) -> None:
        """Notice when a replica has ended although nobody ended it."""
        if not member.replica.is_running:
            self.own_ends.append(member.name)


@asynccontextmanager
async def running_cluster(settings: Mapping[str, str], names: list[str], folder: Path) -> AsyncIterator[Cluster]:
    """Run replicas of these names for as long as the context lasts; at its end they are stopped politely."""
    members = [Member(name, Replica({**settings, "REPLICA_NAME": name}, folder / f"{name}.log")) for name in names]
    try:
        async with asyncio.TaskGroup() as group:
            cluster = Cluster(members, group)
            for member in members:  # the first one migrates
                await cluster.start(member)
            yield cluster
            await cluster.enough_up(len(members))
        for member in members:
            cluster.note_own_end(member)
            await member.replica.stop()
    finally:
        for member in members:
            member.replica.send(signal.SIGKILL)
