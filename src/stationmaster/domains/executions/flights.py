"""What this replica is working on right now."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from uuid import UUID

from stationmaster.domains.executions.queue import Claimed
from stationmaster.domains.executions.specs import Order

MOST_ASIDE = 10_000
"""Flights of one replica that may wait for work elsewhere without a place."""


class Stop(Enum):
    """Why a flight was told to stop."""

    REQUESTED = auto()
    """Somebody asked for its end: record it as cancelled."""
    DISOWNED = auto()
    """It is no longer ours: say nothing."""


@dataclass(slots=True, eq=False)
class Flight:
    """One attempt under way. `is_over` once the outside world has answered; it stays listed until that is recorded."""

    claimed: Claimed
    order: Order
    is_probe: bool = False
    """Sent to a shut host, to see whether it answers again."""
    launched: float = field(default_factory=time.monotonic)
    """When it was claimed, on our monotonic clock."""
    task: asyncio.Task[None] | None = None
    """Once it has begun: a task that is cancelled before its first step never runs, and could not end its flight."""
    stop: Stop | None = None
    is_over: bool = False
    is_aside: bool = False
    """It only waits for work elsewhere, and holds no place."""


@dataclass
class Flights:
    """The register of flights, with the counts by which places are given."""

    capacity: int
    per_host: int
    own_limits: Mapping[str, int] = field(default_factory=dict)
    """Hosts with another limit than the rest."""
    on_free: asyncio.Event | None = None
    """Set when a place becomes free, while somebody waits for one."""
    _is_empty: asyncio.Event = field(default_factory=asyncio.Event)
    _by_id: dict[UUID, Flight] = field(default_factory=dict)
    _hosts: Counter[str] = field(default_factory=Counter)
    _busy: int = 0
    _aside: int = 0

    @property
    def busy(self) -> int:
        """How many places are taken."""
        return self._busy

    @property
    def free(self) -> int:
        return self.capacity - self._busy

    @property
    def unrecorded(self) -> int:
        """How many flights are over and not yet written down."""
        return len(self._by_id) - self._busy - self._aside

    def add(self, flight: Flight) -> None:
        self._by_id[flight.claimed.id] = flight
        self._busy += 1
        if flight.claimed.host:
            self._hosts[flight.claimed.host] += 1

    def set_aside(self, flight: Flight) -> None:
        """Free the place of a flight that goes on: it costs a task and a share of the heartbeat, no more.

        There are bounds even for that; beyond them a flight keeps its place.
        """
        if flight.is_aside or flight.is_over or self._aside >= MOST_ASIDE:
            return
        flight.is_aside = True
        self._aside += 1
        self._leave(flight)
        self._note_if_empty()

    def end(self, flight: Flight) -> None:
        """Free the flight's place; it stays ours until `forget`."""
        flight.is_over = True
        if flight.is_aside:
            self._aside -= 1
        else:
            self._leave(flight)

    def _leave(self, flight: Flight) -> None:
        self._busy -= 1
        host = flight.claimed.host
        if host:
            self._hosts[host] -= 1
            if not self._hosts[host]:
                del self._hosts[host]
        if self.on_free:
            self.on_free.set()

    def forget(self, ids: Iterable[UUID]) -> None:
        """Take flights off the register: recorded, or not ours any more."""
        for id_ in ids:
            self._by_id.pop(id_, None)
        self._note_if_empty()

    async def empty(self) -> None:
        """Wait until nothing is under way and all is recorded; what was set aside can be handed over at any time."""
        self._is_empty.clear()
        self._note_if_empty()
        await self._is_empty.wait()

    def _note_if_empty(self) -> None:
        if len(self._by_id) <= self._aside:
            self._is_empty.set()

    def room_at(self, host: str | None) -> int:
        """Return how many more attempts may go to this host."""
        return self._limit(host) - self._hosts[host] if host else self.capacity

    def full_hosts(self) -> list[str]:
        return [host for host, count in self._hosts.items() if count >= self._limit(host)]

    def _limit(self, host: str) -> int:
        return self.own_limits.get(host, self.per_host)

    def tokens(self) -> set[UUID]:
        return {flight.claimed.token for flight in self._by_id.values()}

    def all(self) -> list[Flight]:
        return list(self._by_id.values())

    def find(self, ids: Iterable[UUID]) -> list[Flight]:
        """Return those of these executions that are ours."""
        return [self._by_id[id_] for id_ in ids if id_ in self._by_id]


def stop(flights: Iterable[Flight], why: Stop) -> None:
    """Tell flights to stop; those that are over already are left alone, and those to begin see it then."""
    for flight in flights:
        if flight.is_over or flight.stop:
            continue
        flight.stop = why
        if flight.task:
            flight.task.cancel()
