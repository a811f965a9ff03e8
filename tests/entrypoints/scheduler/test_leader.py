"""Who leads: one at a time, taken over when it must be, and trusted no longer than it may be."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path
from subprocess import PIPE
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from stationmaster.config import LEADER_SAFETY, LeaderSettings
from stationmaster.db import leases
from stationmaster.db.clock import database_now
from stationmaster.db.engine import Database
from stationmaster.db.leases import Lease, Term
from stationmaster.db.notify import Wake, waiting_for
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.entrypoints.scheduler import leader
from stationmaster.entrypoints.scheduler.leader import LEASE, Elector, FileLock

LONG = LeaderSettings(ttl=timedelta(minutes=1))


def stand_for(database: Database, name: str, settings: LeaderSettings = LONG) -> Elector:
    return Elector(database, settings, name=name, lock_file=None)


async def expire(database: Database) -> None:
    """Let the lease run out, as when its holder is dead, frozen or cut off."""
    async with unit_of_work(database) as session:
        await session.execute(sa.update(Lease).values(expires_at=await database_now(session)))


async def read_lease(database: Database) -> Lease | None:
    async with read_only(database) as session:
        return await leases.find_lease(session, LEASE)


@pytest.fixture
def now_is(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Put the elector's monotonic clock into the test's hands."""
    reading = [1000.0]
    monkeypatch.setattr(leader, "time", SimpleNamespace(monotonic=lambda: reading[0]))
    return reading


async def test_the_first_one_to_stand_leads(database: Database) -> None:
    first, second = stand_for(database, "a"), stand_for(database, "b")

    await first.stand()
    await second.stand()

    assert (Term(LEASE, "a", 1), None) == (first.term(), second.term())


async def test_of_many_that_stand_at_once_one_leads(database: Database) -> None:
    electors = [stand_for(database, str(number)) for number in range(6)]

    await asyncio.gather(*(elector.stand() for elector in electors))

    assert 1 == sum(elector.term() is not None for elector in electors)


async def test_renewing_keeps_the_term(database: Database) -> None:
    elector = stand_for(database, "a")
    await elector.stand()
    before = elector.term()

    await elector.stand()

    assert before == elector.term() == Term(LEASE, "a", 1)


async def test_an_expired_term_is_taken_over_with_a_higher_epoch(database: Database) -> None:
    first, second = stand_for(database, "a"), stand_for(database, "b")
    await first.stand()
    await expire(database)

    await second.stand()
    await first.stand()

    assert (None, Term(LEASE, "b", 2)) == (first.term(), second.term())


async def test_a_term_that_ran_out_unnoticed_is_another_term(database: Database) -> None:
    """Who was frozen must not go on with an epoch under which somebody else may have led in between."""
    elector = stand_for(database, "a")
    await elector.stand()
    await expire(database)

    await elector.stand()

    assert Term(LEASE, "a", 2) == elector.term()


async def test_who_resigns_is_followed_at_once(database: Database) -> None:
    first, second = stand_for(database, "a"), stand_for(database, "b")
    await first.stand()

    await first.resign()
    await second.stand()

    assert (None, Term(LEASE, "b", 2)) == (first.term(), second.term())


async def test_resigning_wakes_the_others(database: Database) -> None:
    elector = stand_for(database, "a")
    await elector.stand()

    async with waiting_for(database, Wake.TICK) as woken:
        await elector.resign()

        assert woken.is_set()


async def test_a_renewal_under_way_does_not_undo_a_resignation(database: Database) -> None:
    first, second = stand_for(database, "a"), stand_for(database, "b")
    await first.stand()

    await asyncio.gather(*(first.stand() for _ in range(5)), first.resign())
    await second.stand()

    assert Term(LEASE, "b", 2) == second.term()


async def test_who_never_led_resigns_without_harm(database: Database) -> None:
    first, second = stand_for(database, "a"), stand_for(database, "b")
    await first.stand()
    await second.stand()

    await second.resign()

    lease = await read_lease(database)
    assert lease is not None
    assert "a" == lease.holder
    assert Term(LEASE, "a", 1) == first.term()


async def test_who_sees_another_lead_stops_at_once(database: Database) -> None:
    elector = stand_for(database, "a")
    await elector.stand()

    elector.demote()

    assert elector.term() is None


@pytest.mark.parametrize(("passed", "leads"), [(0.0, True), (58.9, True), (59.0, False), (3600.0, False)])
async def test_the_trust_window_ends_by_our_own_clock(
    database: Database, now_is: list[float], passed: float, leads: bool
) -> None:
    """F08: cut off from the database, a leader stops a second before anybody could take over."""
    elector = stand_for(database, "a")
    await elector.stand()

    now_is[0] += passed

    assert leads == (elector.term() is not None)
    assert timedelta(seconds=1) == LEADER_SAFETY


async def test_the_trust_window_begins_when_the_renewal_begins(database: Database, now_is: list[float]) -> None:
    """An answer that comes late proves no more than that the lease was ours when it was asked for."""
    elector = stand_for(database, "a")
    async with unit_of_work(database) as blocker:
        await blocker.execute(sa.text("SELECT 1"))
        if not database.is_sqlite:
            await leases.acquire(blocker, name=LEASE, holder="a", ttl=timedelta(minutes=1))
        standing = asyncio.ensure_future(elector.stand())
        await asyncio.sleep(0)
        now_is[0] += 58
    await standing

    now_is[0] += 1.5

    assert elector.term() is None


async def test_a_renewal_that_fails_leaves_the_rest_of_the_window(database: Database, now_is: list[float]) -> None:
    elector = stand_for(database, "a")
    await elector.stand()
    async with unit_of_work(database) as session:
        await session.execute(sa.text("ALTER TABLE leases RENAME TO leases_away"))

    now_is[0] += 30
    await elector.stand()
    in_time = elector.term()
    now_is[0] += 30

    assert (Term(LEASE, "a", 1), None) == (in_time, elector.term())


def test_a_file_lock_is_held_by_one(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "locks" / "lock"), FileLock(tmp_path / "locks" / "lock")

    assert [True, True, False] == [first.acquire(), first.acquire(), second.acquire()]
    first.release()
    assert second.acquire()
    second.release()


HOLD = """
import sys
from pathlib import Path
from stationmaster.entrypoints.scheduler.leader import FileLock
lock = FileLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
sys.stdin.read()
"""


async def test_a_file_lock_is_freed_when_its_process_is_killed(tmp_path: Path) -> None:
    """F31: the kernel frees it, however the holder dies; no stale lock file stands in the way."""
    path = tmp_path / "lock"
    holder = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLD, str(path), stdin=PIPE, stdout=PIPE)
    assert holder.stdout is not None
    assert b"True\n" == await holder.stdout.readline()
    lock = FileLock(path)

    while_it_lives = lock.acquire()
    holder.kill()
    await holder.wait()

    assert [False, True] == [while_it_lives, lock.acquire()]
    lock.release()


async def test_without_the_file_lock_nobody_stands(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "lock"
    other = FileLock(path)
    other.acquire()
    elector = Elector(database, LONG, name="a", lock_file=path)

    await elector.stand()
    blocked = (elector.term(), await read_lease(database))
    other.release()
    await elector.stand()

    assert (None, None) == blocked
    assert Term(LEASE, "a", 1) == elector.term()
    await elector.resign()
    assert other.acquire()
    other.release()
