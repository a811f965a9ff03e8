"""Places for containers are given in order, and what runs already does not wait for one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field

import pytest

from stationmaster.domains.executions.containers.places import Places
from stationmaster.domains.executions.kinds.docker import WAITING
from stationmaster.domains.executions.states import State
from stationmaster.outbound.docker.engine import Engine
from tests.domains.executions.containers.test_container import abandon
from tests.support.containers import house, make_attempt
from tests.support.docker import NEEDS_DOCKER, DockerServer, until


@dataclass
class WaitingRoom:
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
async def waiting_room() -> AsyncIterator[WaitingRoom]:
    room = WaitingRoom()
    yield room
    for task in room.tasks.values():
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_who_finds_none_free_waits_in_line(waiting_room: WaitingRoom) -> None:
    await waiting_room.enter("a", "b", "c", "d")
    assert (["a", "b"], ["c", "d"]) == (waiting_room.inside, waiting_room.waits)

    await waiting_room.leave("a")
    assert (["b", "c"], ["d"]) == (waiting_room.inside, waiting_room.waits)


async def test_who_gives_up_waiting_keeps_no_place(waiting_room: WaitingRoom) -> None:
    await waiting_room.enter("a", "b", "c", "d")
    await waiting_room.leave("c")
    await waiting_room.leave("a")

    assert ["b", "d"] == waiting_room.inside


async def test_what_is_taken_over_does_not_wait_and_counts(waiting_room: WaitingRoom) -> None:
    await waiting_room.enter("a", "b", "c")
    await waiting_room.enter("taken over", at_once=True)
    assert ["a", "b", "taken over"] == waiting_room.inside

    await waiting_room.leave("a")
    assert ["b", "taken over"] == waiting_room.inside
    await waiting_room.leave("b")
    assert ["taken over", "c"] == waiting_room.inside


async def test_what_is_taken_over_takes_a_free_place_first(waiting_room: WaitingRoom) -> None:
    await waiting_room.enter("taken over", at_once=True)
    await waiting_room.enter("a", "b")

    assert ["taken over", "a"] == waiting_room.inside


async def test_a_free_place_is_given_again_and_again() -> None:
    places = Places(1)
    for _ in range(3):
        async with asyncio.timeout(1), places.one(nullcontext(), at_once=False):
            await settle()


@NEEDS_DOCKER
@pytest.mark.timeout(60)
async def test_containers_wait_and_one_that_runs_already_does_not(engine: Engine, docker_server: DockerServer) -> None:
    adopted = make_attempt(engine, "sh", "-c", "echo up; sleep 2; exit 5")
    await abandon(adopted, after_lines=1)
    first = make_attempt(engine, "sh", "-c", "echo up; sleep 60", settings=house(max_running=1))
    second = make_attempt(engine, "true")
    adopted.executor = second.executor = first.executor
    async with asyncio.TaskGroup() as group:
        running = group.create_task(first.run())
        await until(lambda: first.said)
        waiting = group.create_task(second.run())

        assert 5 == (await adopted.run()).code
        assert (WAITING, {first.name, adopted.name}) == (second.desk.handle, docker_server.names())
        running.cancel()
        assert State.SUCCEEDED is (await waiting).state
