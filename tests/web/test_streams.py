"""Streams of events: their form, their beat and their end."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from stationmaster.db.engine import Database
from stationmaster.db.notify import Wake, notify, wake_all
from stationmaster.db.session import unit_of_work
from stationmaster.web import streams
from stationmaster.web.streams import Event, EventStream, pulses


def test_an_event_is_written_as_the_standard_wants() -> None:
    event = Event("output", {"text": "a\nb"}, id="7")

    assert 'id: 7\nevent: output\ndata: {"text":"a\\nb"}\n\n' == event.encode()
    assert "event: gap\ndata: {}\n\n" == Event("gap", {}).encode()


async def test_each_wake_up_about_the_object_is_a_pulse(database: Database) -> None:
    stopping = asyncio.Event()
    beat = pulses(database, stopping, Wake.JOURNAL, about="mine", poll_seconds=60)
    await anext(beat)
    async with asyncio.timeout(10):
        async with unit_of_work(database) as session:
            notify(session, Wake.JOURNAL, about=["mine", "another"])
        await anext(beat)
    await beat.aclose()

    assert not database.waiters


async def test_a_wake_up_about_another_object_is_none(database: Database) -> None:
    beat = pulses(database, asyncio.Event(), Wake.JOURNAL, about="mine", poll_seconds=60)
    await anext(beat)
    async with unit_of_work(database) as session:
        notify(session, Wake.JOURNAL, about=["another"])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await anext(beat)


async def test_a_lost_wake_up_is_made_up_for(database: Database) -> None:
    beat = pulses(database, asyncio.Event(), Wake.JOURNAL, about="mine", poll_seconds=0.01)

    for _ in range(3):
        await anext(beat)
    await beat.aclose()


async def test_streams_end_with_the_service(database: Database) -> None:
    stopping = asyncio.Event()
    beat = pulses(database, stopping, Wake.JOURNAL, poll_seconds=60)
    await anext(beat)
    stopping.set()
    wake_all(database)

    assert [] == [None async for _ in beat]


async def call(stream: EventStream) -> list[bytes]:
    """Run the answer as a server would; return what it sent."""
    sent: list[bytes] = []

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))

    async def receive() -> Any:
        await asyncio.Event().wait()

    await stream({"type": "http", "asgi": {"spec_version": "2.4"}}, receive, send)
    return sent


async def test_silence_is_broken_by_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.0)

    async def batches() -> AsyncGenerator[Sequence[Event]]:
        yield []
        yield [Event("a", {}), Event("b", {})]

    sent = b"".join(await call(EventStream(batches()))).decode()

    assert ["retry: 2000", ": still here", "event: a\ndata: {}", "event: b\ndata: {}", ""] == sent.split("\n\n")


async def test_a_reader_who_leaves_ends_the_search_for_news() -> None:
    is_over = False

    async def batches() -> AsyncGenerator[Sequence[Event]]:
        nonlocal is_over
        try:
            while True:
                yield [Event("a", {})]
        finally:
            is_over = True

    async def gone(message: Any) -> None:
        if b"event" in bytes(message.get("body", b"")):
            raise OSError

    async def receive() -> Any:
        await asyncio.Event().wait()

    with pytest.raises((OSError, ClientDisconnect)):
        await EventStream(batches())({"type": "http", "asgi": {"spec_version": "2.4"}}, receive, gone)

    assert is_over
