"""The limit of an attempt stands still while it waits for its turn."""

import asyncio

import pytest

from stationmaster.domains.executions.stopwatch import Stopwatch


async def wait_and_work(*, is_stopped: bool, work_seconds: float) -> None:
    """Wait longer than the limit of a tenth of a second, and then work."""
    watch = Stopwatch()
    async with asyncio.timeout(0.1) as limit:
        watch.govern(limit)
        if is_stopped:
            with watch.stopped():
                await asyncio.sleep(0.2)
        else:
            await asyncio.sleep(0.2)
        await asyncio.sleep(work_seconds)


async def test_waiting_is_not_counted() -> None:
    await wait_and_work(is_stopped=True, work_seconds=0)


async def test_what_was_left_before_is_left_afterwards() -> None:
    with pytest.raises(TimeoutError):
        await wait_and_work(is_stopped=True, work_seconds=1)


async def test_without_it_waiting_counts() -> None:
    with pytest.raises(TimeoutError):
        await wait_and_work(is_stopped=False, work_seconds=0)


async def test_it_needs_no_limit() -> None:
    with Stopwatch().stopped():
        await asyncio.sleep(0)
