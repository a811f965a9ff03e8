"""Following many executions over one WebSocket."""

import asyncio
import json
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from websockets.exceptions import ConnectionClosed, InvalidStatus

from stationmaster.db.notify import wake_all
from stationmaster.db.session import unit_of_work
from stationmaster.domains.auth import sessions
from stationmaster.domains.auth.models import EndReason
from stationmaster.domains.executions import socket_router
from stationmaster.kit.ids import new_id
from tests.domains.executions.watching import Theatre, receive, socket_of, theatre_of
from tests.support.served import served


@pytest.fixture
async def theatre(app: FastAPI, client: httpx.AsyncClient) -> AsyncIterator[Theatre]:
    async with theatre_of(app, client) as opened:
        yield opened


@pytest.fixture
async def host(app: FastAPI) -> AsyncIterator[str]:
    async with served(app) as address:
        yield address


def subscribe(id_: UUID, **options: object) -> str:
    return json.dumps({"type": "subscribe", "execution_id": str(id_), **options})


async def test_several_executions_are_followed_each_in_order(theatre: Theatre, host: str) -> None:
    speakers = [await theatre.speaker() for _ in range(3)]
    async with socket_of(host, theatre.owner) as socket:
        for speaker in speakers:
            await socket.send(subscribe(speaker.id))
        for speaker in speakers:
            await speaker.say("one", "two")
            await speaker.end()
        messages = [message for _ in speakers for message in await receive(socket, ("completed",))]

    for speaker in speakers:
        mine = [message for message in messages if message["execution_id"] == str(speaker.id)]
        assert "subscribed" == mine[0]["type"]
        assert ["one", "two"] == [message["text"] for message in mine if message["type"] == "output"]
        assert ("completed", 4) == (mine[-1]["type"], mine[-1]["sequence"])


async def test_it_goes_on_behind_a_number(theatre: Theatre, host: str) -> None:
    speaker = await theatre.speaker()
    await speaker.say("one", "two", "three")
    await speaker.end()
    async with socket_of(host, theatre.owner) as socket:
        await socket.send(subscribe(speaker.id, after=3, batch=True))
        messages = await receive(socket, ("completed",))

    assert [("subscribed", None), ("output", 4), ("completed", 5)] == [
        (message["type"], message.get("sequence")) for message in messages
    ]


async def test_who_unsubscribes_hears_no_more(theatre: Theatre, host: str) -> None:
    speaker = await theatre.speaker()
    async with socket_of(host, theatre.owner) as socket:
        await socket.send(subscribe(speaker.id))
        await receive(socket, ("state",))
        await socket.send(json.dumps({"type": "unsubscribe", "execution_id": str(speaker.id)}))
        await receive(socket, ("unsubscribed",))
        await speaker.say("unheard")
        await speaker.end()
        await socket.send(subscribe(speaker.id, after=2))
        messages = await receive(socket, ("completed",))

    assert ["subscribed", "completed"] == [message["type"] for message in messages]


@pytest.mark.parametrize(
    "message",
    [
        "no json",
        "[]",
        "{}",
        '{"type": "dance"}',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "execution_id": "x"}',
        '{"type": "subscribe", "execution_id": "019aa1c2-7d3e-7c44-9b51-0f6a2b8c9d10", "colour": 1}',
        '{"type": "subscribe", "execution_id": "019aa1c2-7d3e-7c44-9b51-0f6a2b8c9d10", "after": -1}',
    ],
)
async def test_what_cannot_be_read_is_refused_and_nothing_else(theatre: Theatre, host: str, message: str) -> None:
    async with socket_of(host, theatre.owner) as socket:
        await socket.send(message)
        [refusal] = await receive(socket, ("error",))
        await socket.send(subscribe(new_id()))
        await receive(socket, ("error",))

    assert refusal["detail"]


async def test_somebody_elses_execution_is_not_there(theatre: Theatre, host: str) -> None:
    speaker = await theatre.speaker()
    details = []
    for person in (theatre.stranger, theatre.viewer):
        async with socket_of(host, person) as socket:
            for id_ in (speaker.id, new_id()):
                await socket.send(subscribe(id_))
                [refusal] = await receive(socket, ("error",))
                details.append(refusal["detail"].replace(str(id_), ""))

    assert 1 == len(set(details))


async def test_nobody_opens_it_without_credentials(host: str, theatre: Theatre) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"X-API-Key": "sm_nonsense"}):
        with pytest.raises(InvalidStatus) as refused:
            async with socket_of(host, None, headers=headers):
                pass
        assert 401 == refused.value.response.status_code


async def test_a_page_offers_its_token_as_a_subprotocol(theatre: Theatre, host: str) -> None:
    offered = ["stationmaster", f"bearer.{theatre.owner.grant.access_token}"]
    async with socket_of(host, None, subprotocols=offered) as socket:
        assert "stationmaster" == socket.subprotocol


@pytest.mark.parametrize(("origin", "is_let_in"), [("https://evil.example", False), ("http://{host}", True)])
async def test_a_cookie_counts_on_pages_of_ours_only(
    theatre: Theatre, host: str, origin: str, *, is_let_in: bool
) -> None:
    cookie = f"__Host-stationmaster={theatre.owner.grant.access_token}"
    headers = {"Cookie": cookie, "Origin": origin.format(host=host)}
    if is_let_in:
        async with socket_of(host, None, headers=headers):
            return
    with pytest.raises(InvalidStatus) as refused:
        async with socket_of(host, None, headers=headers):
            pass
    assert 403 == refused.value.response.status_code


async def test_it_closes_when_the_session_ends(theatre: Theatre, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_router, "KEEP_SECONDS", 0.05)
    async with socket_of(host, theatre.owner) as socket, asyncio.timeout(20):
        async with unit_of_work(theatre.database) as session:
            await sessions.end(session, theatre.owner.grant.session_id, EndReason.LOGOUT)
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()

    assert closed.value.rcvd is not None
    assert 1008 == closed.value.rcvd.code


async def test_it_closes_with_the_service(theatre: Theatre, host: str) -> None:
    speaker = await theatre.speaker()
    async with socket_of(host, theatre.owner) as socket, asyncio.timeout(20):
        await socket.send(subscribe(speaker.id))
        await receive(socket, ("state",))
        theatre.app.state.stopping.set()
        wake_all(theatre.database)
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()

    assert closed.value.rcvd is not None
    assert 1012 == closed.value.rcvd.code


async def test_one_socket_follows_no_more_than_it_may(
    theatre: Theatre, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_router, "MOST_SUBSCRIPTIONS", 1)
    speakers = [await theatre.speaker() for _ in range(2)]
    async with socket_of(host, theatre.owner) as socket:
        await socket.send(subscribe(speakers[0].id))
        await receive(socket, ("state",))
        await socket.send(subscribe(speakers[1].id))
        [refusal] = await receive(socket, ("error",))

    assert "At most 1" in refusal["detail"]
