"""Places for containers are given in order, and what runs already does not wait for one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field

import pytest

from stationmaster.domains.executions.containers.places import Places


@dataclass
class House:
    """Two places, and who is in."""

    places: Places = field(default_factory=lambda: Places(2))
    inside: list[str] = field(default_factory=list)
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    waits: list[str] = field(default_factory=list)

    async def enter(self, *names: str, at_once: bool = False) -> None:
        """Let these come, and see who got in."""
        for name in names:
            self.tasks[name] = asyncio.create_task(self._stay(name, at_once=at_once))
        await settle()

    async def leave(self, *names: str) -> None:
        for name in names:
            self.tasks.pop(name).cancel()
        await settle()

    async def _stay(self, name: str, *, at_once: bool) -> None:
        async with self.places.one(self._noted(name), at_once=at_once):
            self.inside.append(name)
            try:
                await asyncio.Event().wait()
            finally:
                self.inside.remove(name)

    @contextmanager
    def _noted(self, name: str) -> Iterator[None]:
        self.waits.append(name)
        yield
        self.waits.remove(name)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    yield house
    for task in house.tasks.values():
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_who_finds_none_free_waits_in_line(house: House) -> None:
    await house.enter("a", "b", "c", "d")
    assert (["a", "b"], ["c", "d"]) == (house.inside, house.waits)

    await house.leave("a")
    assert (["b", "c"], ["d"]) == (house.inside, house.waits)


async def test_who_gives_up_waiting_keeps_no_place(house: House) -> None:
    await house.enter("a", "b", "c", "d")
    await house.leave("c")
    await house.leave("a")

    assert ["b", "d"] == house.inside


async def test_what_is_taken_over_does_not_wait_and_counts(house: House) -> None:
    await house.enter("a", "b", "c")
    await house.enter("taken over", at_once=True)
    assert ["a", "b", "taken over"] == house.inside

    await house.leave("a")
    assert ["b", "taken over"] == house.inside
    await house.leave("b")
    assert ["taken over", "c"] == house.inside


async def test_what_is_taken_over_takes_a_free_place_first(house: House) -> None:
    await house.enter("taken over", at_once=True)
    await house.enter("a", "b")

    assert ["taken over", "a"] == house.inside


async def test_a_free_place_is_given_again_and_again() -> None:
    places = Places(1)
    for _ in range(3):
        async with asyncio.timeout(1), places.one(nullcontext(), at_once=False):
            await settle()
