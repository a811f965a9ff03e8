"""Does harm at random, by a seed: the same seed draws the same faults, the same victims and the same pauses."""

import asyncio
import random
import time
from dataclasses import dataclass

from bench.faults.cluster import Cluster, Fault, Member
from bench.faults.profile import Profile
from bench.faults.witness import Witness
from bench.postgres import PostgresServer, StopMode


@dataclass
class Nemesis:
    """The three kinds of harm, one phase each."""

    cluster: Cluster
    witness: Witness
    server: PostgresServer
    profile: Profile

    def __post_init__(self) -> None:
        self._random = random.Random(self.profile.seed)

    async def kill_and_freeze(self) -> None:
        """Kill and freeze leader and workers. One replica is always left alone, or there would be nobody to take over."""
        for _ in range(self.profile.faults):
            await asyncio.sleep(self._random.expovariate(1 / self.profile.gap))
            is_freeze = self._random.random() < self.profile.freezes_share
            victim = await self._choose()
            was_leader = victim.name == self.witness.leader
            if is_freeze:
                seconds = self.profile.lease + self.profile.frozen_beyond_lease * (0.5 + self._random.random())
                self.cluster.freeze(victim, seconds, was_leader=was_leader)
            else:
                self.cluster.kill(victim, was_leader=was_leader)
        await self.cluster.enough_up(self.profile.replicas)

    async def _choose(self) -> Member:
        wants_leader = self._random.random() < self.profile.leader_share
        pick = self._random.random()
        up = await self.cluster.enough_up(2)
        leading = [member for member in up if member.name == self.witness.leader]
        others = [member for member in up if member not in leading]
        chosen = leading if wants_leader and leading else others
        return chosen[int(pick * len(chosen))]

    async def restart_postgres(self) -> None:
        """Restart the database under load, in turn politely and as if it had crashed."""
        for number in range(self.profile.postgres_restarts):
            mode: StopMode = "immediate" if number % 2 else "fast"
            fault = Fault("postgres", mode, time.time())
            self.cluster.faults.append(fault)
            await self.server.restart(mode)
            fault.until = time.time()
            await asyncio.sleep(6 + self._random.random() * 4)

    async def deploy(self) -> None:
        """Restart all replicas politely, one after the other, the leader among them each time."""
        for _ in range(self.profile.rolling_restarts):
            for member in self.cluster.members:
                await self.cluster.restart_politely(member, was_leader=member.name == self.witness.leader)
                await asyncio.sleep(0.5)
