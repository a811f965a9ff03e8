"""Watching executions as server-sent events."""

import asyncio
import random
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.db.notify import wake_all
from stationmaster.domains.executions import live_router
from stationmaster.domains.executions.states import State
from stationmaster.kit.ids import new_id
from tests.domains.executions.watching import Theatre, collect, read_events, theatre_of
from tests.support.served import served


@pytest.fixture
async def theatre(app: FastAPI, client: httpx.AsyncClient) -> AsyncIterator[Theatre]:
    async with theatre_of(app, client, max_bytes=1 << 16) as opened:
        yield opened


@pytest.fixture
async def host(app: FastAPI) -> AsyncIterator[str]:
    async with served(app) as address:
        yield address


async def test_only_the_owner_and_admins_watch(theatre: Theatre, client: httpx.AsyncClient) -> None:
    speaker = await theatre.speaker()
    await speaker.end()
    path = f"/{speaker.id}/stream"
    statuses = [(await theatre.get(path, by)).status_code for by in (theatre.stranger, theatre.viewer, theatre.admin)]
    anonymous = await client.get(f"/api/v1/executions{path}")

    assert [401, 404, 404, 200] == [anonymous.status_code, *statuses]
    assert 404 == (await theatre.get(f"/{new_id()}/stream")).status_code
    assert 422 == (await theatre.get(f"{path}?after=-1")).status_code


async def test_a_latecomer_gets_everything_once_in_order_and_the_end(theatre: Theatre) -> None:
    speaker = await theatre.speaker()
    await speaker.say("one", "::progress 1/2", "::stage load", "two")
    await speaker.end()
    answer = await theatre.get(f"/{speaker.id}/stream")
    events = [event async for event in read_events(answer)]

    assert ["state", "output", "progress", "stage", "output", "completed"] == [name for name, _ in events]
    assert [1, 2, 3, 4, 5, 6] == [data["sequence"] for _, data in events]
    assert "text/event-stream; charset=utf-8" == answer.headers["content-type"]
    assert {"text": "one", "stream": "stdout", "level": "info", "attempt": 1}.items() <= events[1][1].items()
    assert (50.0, "load") == (events[2][1]["progress"], events[3][1]["stage"])
    assert ("succeeded", str(speaker.id)) == (events[5][1]["state"], events[5][1]["execution_id"])


async def test_who_says_nothing_ends_too(theatre: Theatre) -> None:
    speaker = await theatre.speaker()
    await speaker.end(State.FAILED)
    events = [event async for event in read_events(await theatre.get(f"/{speaker.id}/stream"))]

    assert [("failed", 1)] == [(name, data["sequence"]) for name, data in events]


async def test_who_has_seen_the_end_is_told_to_stay_away(theatre: Theatre) -> None:
    speaker = await theatre.speaker()
    await speaker.say("one")
    await speaker.end()

    assert 200 == (await theatre.get(f"/{speaker.id}/stream?after=2")).status_code
    assert 204 == (await theatre.get(f"/{speaker.id}/stream?after=3")).status_code


async def test_a_reader_who_is_cut_off_fifty_times_misses_and_doubles_nothing(theatre: Theatre, host: str) -> None:
    speaker = await theatre.speaker()
    chance = random.Random(7)
    seen: list[tuple[str, dict[str, object]]] = []
    last: int | None = None

    async def speak() -> None:
        for number in range(600):
            await speaker.say(f"line {number}")
            await asyncio.sleep(0.002)
        await speaker.end()

    async with asyncio.TaskGroup() as group:
        group.create_task(speak())
        for cut in range(51):
            most = chance.randint(1, 8) if cut < 50 else None
            events = await collect(host, f"/{speaker.id}/stream", theatre.owner, last=last, most=most)
            seen += events
            last = int(events[-1][1]["sequence"])

    assert list(range(1, 603)) == [data["sequence"] for _, data in seen]
    assert [f"line {number}" for number in range(600)] == [data["text"] for name, data in seen if name == "output"]
    assert "completed" == seen[-1][0]


async def test_of_a_flood_the_reader_is_told_what_it_missed(theatre: Theatre, host: str) -> None:
    speaker = await theatre.speaker()
    for _ in range(100):
        await speaker.say(*["x" * 99] * 200)
    await speaker.end()
    events = await collect(host, f"/{speaker.id}/stream", theatre.owner)
    gaps = [data for name, data in events if name == "gap"]

    assert gaps
    assert all(gap["count"] == gap["to"] - gap["from"] + 1 for gap in gaps)
    assert 20_002 == len(events) - len(gaps) + sum(gap["count"] for gap in gaps)


async def test_who_may_see_no_more_is_cut_off(theatre: Theatre, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_router, "RECHECK_SECONDS", 0.0)
    speaker = await theatre.speaker()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        watching = group.create_task(collect(host, f"/{speaker.id}/stream", theatre.owner))
        await theatre.watched(speaker)
        await theatre.set(speaker.id, owner_id=theatre.stranger.id)
        await speaker.say("secret")

    assert "output" not in [name for name, _ in watching.result()]


async def test_streams_end_with_the_service(theatre: Theatre, host: str) -> None:
    speaker = await theatre.speaker()
    await speaker.say("one")
    await speaker.journal.close()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        watching = group.create_task(collect(host, f"/{speaker.id}/stream", theatre.owner))
        await theatre.watched(speaker)
        theatre.app.state.stopping.set()
        wake_all(theatre.database)

    assert ["state", "output"] == [name for name, _ in watching.result()]
