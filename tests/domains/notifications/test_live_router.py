"""Watching one's inbox: what comes in is pushed at once, once, and after a cut from where one was."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.identity.actor import Role
from tests.domains.notifications.telling import notice, read_inboxes, tell
from tests.support.people import Person, make_person
from tests.support.served import served

STREAM = "/api/v1/notifications/stream"


@pytest.fixture
async def ada(app: FastAPI) -> Person:
    return await make_person(app, Role.VIEWER)


async def read(answer: httpx.Response) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Give the events of a stream."""
    name = ""
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


async def test_what_comes_in_is_pushed(app: FastAPI, ada: Person) -> None:
    eve = await make_person(app)
    await tell(app.state.database, notice("before"), users=[ada.id])
    async with (
        served(app) as address,
        httpx.AsyncClient(base_url=f"http://{address}", headers=ada.headers, timeout=20) as client,
        asyncio.timeout(40),
        client.stream("GET", STREAM) as answer,
    ):
        events = read(answer)
        first = await anext(events)
        await tell(app.state.database, notice("others"), users=[eve.id])
        await tell(app.state.database, notice("1"), users=[ada.id])
        pushed = [await anext(events) for _ in range(2)]
        await client.put("/api/v1/notifications/read-all")
        after = await anext(events)

    assert first == ("unread", {"unread_count": 1})
    assert [("notification", "title of 1"), ("unread", None)] == [(name, data.get("title")) for name, data in pushed]
    assert after == ("unread", {"unread_count": 0})


async def test_after_a_cut_it_goes_on_where_one_was(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    for key in "123":
        await tell(app.state.database, notice(key), users=[ada.id])
    first, *_ = await read_inboxes(app.state.database)

    headers = {**ada.headers, "Last-Event-ID": str(first.id)}
    answer = await client.get(STREAM, params={"follow": "false"}, headers=headers)

    events = [event async for event in read(answer)]
    assert ["title of 2", "title of 3"] == [data["title"] for name, data in events if name == "notification"]
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"


async def test_what_makes_no_sense_is_refused(client: httpx.AsyncClient, ada: Person) -> None:
    wrong = await client.get(STREAM, headers={**ada.headers, "Last-Event-ID": "yesterday"})
    nobody = await client.get(STREAM)

    assert (wrong.status_code, nobody.status_code) == (422, 401)
