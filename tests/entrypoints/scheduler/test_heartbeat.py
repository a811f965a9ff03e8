"""The outside hears of us after good ticks, and of nothing else."""

import asyncio

import pytest

from stationmaster.config import Settings
from stationmaster.db.engine import Database
from stationmaster.entrypoints.scheduler.heartbeat import Heartbeat
from tests.entrypoints.scheduler.replicas import QUICK, make_scheduler, running
from tests.support.executions import eventually
from tests.support.hook import Hook, open_hook


async def beating(hook: Hook, ticks: list[float], *, until: int) -> None:
    """Beat until so many calls came."""

    async def have_come() -> bool:
        ticks[0] += 1
        return len(hook.calls) >= until

    async with asyncio.TaskGroup() as group:
        beat = group.create_task(Heartbeat(hook.url, 0.01, lambda: ticks[0]).run())
        await eventually(have_come, seconds=10)
        beat.cancel()


async def test_it_beats_after_ticks_and_goes_on_after_failures() -> None:
    async with open_hook() as hook:
        hook.answers = [(500, None), (404, None)]
        await beating(hook, [1.0], until=4)

        assert {"GET"} == {call.method for call in hook.calls}


async def test_it_is_silent_without_a_tick() -> None:
    async with open_hook() as hook:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await Heartbeat(hook.url, 0.01, lambda: 1.0).run()

        assert hook.calls == []


async def test_a_leader_has_good_ticks_and_a_follower_none(database: Database, settings: Settings) -> None:
    leading = settings.model_copy(update={"scheduler_enabled": True, "leader": QUICK})
    leader, follower = make_scheduler(database, leading, "a"), make_scheduler(database, settings, "b")

    async def has_ticked() -> bool:
        return leader.last_good_tick > 0

    async with running(leader), running(follower):
        await eventually(has_ticked, seconds=10)

    assert follower.last_good_tick == 0
