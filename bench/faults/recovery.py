"""How long it took until work and leadership went on, from the records and from what was seen of the lease."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg

from bench.faults.cluster import Fault, Kind
from bench.faults.profile import Profile
from bench.faults.witness import Sight

LOST = """
    SELECT lost.execution_id AS id, lost.number, lost.worker, extract(epoch FROM lost.started_at)::float AS began,
           extract(epoch FROM lost.finished_at)::float AS rescued,
           extract(epoch FROM coalesce(following.started_at,
               CASE WHEN x.attempt = lost.number + 1 THEN x.attempt_started_at END))::float AS resumed, x.state
    FROM attempts AS lost
    JOIN executions AS x ON x.id = lost.execution_id
    LEFT JOIN attempts AS following ON following.execution_id = lost.execution_id AND following.number = lost.number + 1
    WHERE lost.state = 'lost'
"""
STARTS = "SELECT extract(epoch FROM started_at)::float FROM attempts ORDER BY 1"
UNDER_WAY_SECONDS = 0.5


@dataclass(frozen=True)
class Complaint:
    """A warning or an error in the log of a replica."""

    replica: str
    at: float
    event: str
    error: str


@dataclass
class Recoveries:
    """Seconds each: of the work of killed and of frozen replicas, from the fault to the next attempt."""

    after_kill: list[float] = field(default_factory=list)
    after_freeze: list[float] = field(default_factory=list)
    poisoned: int = 0
    given_up: int = 0
    """Attempts that a replica gave up by itself: it got too little time from its machine to renew their leases."""
    without_cause: list[str] = field(default_factory=list)
    """Attempts that were declared lost although nothing had been done to their replica."""


async def measure_recoveries(
    connection: "asyncpg.Connection[asyncpg.Record]", faults: Sequence[Fault], complaints: Sequence[Complaint]
) -> Recoveries:
    """Find the fault that cost each lost attempt, and see when the next one began."""
    found = Recoveries()
    for row in await connection.fetch(LOST):
        cause = _find_cause(row, faults)
        if cause is None:
            _note_without_cause(found, row, complaints)
        elif row["resumed"] is None:
            found.poisoned += 1
        elif cause.kind in {"kill", "freeze"}:
            samples = found.after_kill if cause.kind == "kill" else found.after_freeze
            samples.append(row["resumed"] - cause.at)
    return found


def _note_without_cause(found: Recoveries, row: asyncpg.Record, complaints: Sequence[Complaint]) -> None:
    if any(
        one.replica == row["worker"] and "heartbeat.failed" in one.event and row["began"] < one.at < row["rescued"]
        for one in complaints
    ):
        found.given_up += 1
    else:
        found.without_cause.append(f"attempt {row['number']} of {row['id']} on {row['worker']}")


def _find_cause(row: asyncpg.Record, faults: Sequence[Fault]) -> Fault | None:
    """Return the first fault of the attempt's replica, or of the database, while it was under way."""
    near = [
        fault
        for fault in faults
        if fault.name == row["worker"] or fault.kind == "postgres"
        if row["began"] - 0.5 <= fault.at <= row["rescued"]
    ]
    return min(near, key=lambda fault: fault.at, default=None)


@dataclass
class TakeOvers:
    """Seconds from a fault of the leader to the next term, or until the same replica, started again, went on with its own."""

    after: dict[Kind, list[float]] = field(default_factory=lambda: {"kill": [], "freeze": [], "term": []})
    resumed: int = 0


def measure_take_overs(sights: Sequence[Sight], faults: Sequence[Fault], profile: Profile) -> TakeOvers:
    """Find the first sign of life of a leader after each fault of one."""
    found = TakeOvers()
    ttl = profile.leader_ttl
    for fault in faults:
        later = [sight for sight in sights if sight.expires - ttl > fault.at] if fault.was_leader else []
        following = next((sight for sight in later if _is_sign_of_life(sight, fault, sights, ttl)), None)
        if following is not None:
            found.after[fault.kind].append(following.expires - ttl - fault.at)
            found.resumed += following.holder == fault.name
    return found


def _is_sign_of_life(sight: Sight, fault: Fault, sights: Sequence[Sight], ttl: float) -> bool:
    """A new term, or the old one renewed so late that it was not under way at the fault: by the replica started again."""
    before = max((one.epoch for one in sights if one.acquired <= fault.at), default=0)
    return sight.epoch > before or sight.expires - ttl > fault.at + UNDER_WAY_SECONDS


async def measure_returns(connection: "asyncpg.Connection[asyncpg.Record]", faults: Sequence[Fault]) -> list[float]:
    """Return, for each restart of the database, the seconds from its readiness to the next claim of work."""
    starts = [row[0] for row in await connection.fetch(STARTS)]
    backs = [fault.until for fault in faults if fault.kind == "postgres" and fault.until is not None]
    following = [next((start for start in starts if start > back), None) for back in backs]
    return [start - back for start, back in zip(following, backs, strict=True) if start is not None]
