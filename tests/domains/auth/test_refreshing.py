"""Refresh tokens: exchanged once, with grace for a lost answer, and no second lineage."""

import asyncio
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import col, select

from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.auth.models import EndReason, RefreshToken, UserSession
from stationmaster.domains.auth.refreshing import GRACE
from stationmaster.kit import clock, tokens
from tests.support.databases import ONLY_SQLITE
from tests.support.mails import read_kinds
from tests.support.people import Person, make_person

REFRESH = "/api/v1/auth/refresh"


async def refresh(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post(REFRESH, json={"refresh_token": token})


async def count_live(app: FastAPI) -> int:
    async with read_only(app.state.database) as session:
        links = await session.scalars(select(RefreshToken))
        return sum(link.used_at is None and link.voided_at is None for link in links)


async def let_grace_pass(app: FastAPI) -> None:
    past = clock.now() - GRACE - timedelta(seconds=1)
    async with unit_of_work(app.state.database) as session:
        used = col(RefreshToken.used_at).is_not(None)
        await session.execute(sa.update(RefreshToken).where(used).values(used_at=past))


async def is_alive(client: httpx.AsyncClient, person: Person) -> bool:
    return (await client.get("/api/v1/auth/me", headers=person.headers)).status_code == 200


async def test_gives_the_next_pair(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)

    answer = await refresh(client, ada.grant.refresh_token)

    pair = answer.json()
    assert answer.status_code == 200
    assert pair.keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert pair["refresh_token"] != ada.grant.refresh_token
    me = await client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {pair['access_token']}"})
    assert me.json()["session_id"] == str(ada.grant.session_id)


async def test_a_chain_goes_on(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    token = ada.grant.refresh_token
    for _ in range(5):
        token = (await refresh(client, token)).json()["refresh_token"]

    assert await count_live(app) == 1


async def test_a_lost_answer_is_given_again(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    lost = (await refresh(client, ada.grant.refresh_token)).json()["refresh_token"]

    again = await refresh(client, ada.grant.refresh_token)

    assert again.status_code == 200
    assert again.json()["refresh_token"] != lost
    assert await count_live(app) == 1


async def test_the_voided_answer_ends_the_session(app: FastAPI, client: httpx.AsyncClient) -> None:
    """Two parties hold tokens of this session; one of them stole it."""
    ada = await make_person(app)
    lost = (await refresh(client, ada.grant.refresh_token)).json()["refresh_token"]
    given = (await refresh(client, ada.grant.refresh_token)).json()["refresh_token"]

    assert (await refresh(client, lost)).status_code == 401
    assert (await refresh(client, given)).status_code == 401
    assert not await is_alive(client, ada)


async def test_a_late_second_use_ends_the_session(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    successor = (await refresh(client, ada.grant.refresh_token)).json()["refresh_token"]
    await let_grace_pass(app)

    assert (await refresh(client, ada.grant.refresh_token)).status_code == 401
    assert (await refresh(client, successor)).status_code == 401
    assert not await is_alive(client, ada)


async def test_a_second_use_after_the_successors_ends_the_session(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    successor = (await refresh(client, ada.grant.refresh_token)).json()["refresh_token"]
    await refresh(client, successor)

    assert (await refresh(client, ada.grant.refresh_token)).status_code == 401
    assert not await is_alive(client, ada)


async def test_the_owner_is_warned(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    await refresh(client, ada.grant.refresh_token)
    await let_grace_pass(app)

    await refresh(client, ada.grant.refresh_token)

    assert await read_kinds(app, ada.user.email) == ["session_ended"]
    async with read_only(app.state.database) as session:
        ended = await session.get(UserSession, ada.grant.session_id)
    assert ended is not None
    assert ended.end_reason is EndReason.REUSE


async def test_other_sessions_go_on(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada, other = await make_person(app), await make_person(app)
    await refresh(client, ada.grant.refresh_token)
    await let_grace_pass(app)

    await refresh(client, ada.grant.refresh_token)

    assert await is_alive(client, other)


async def test_fifty_parallel_uses_leave_one_lineage(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)

    answers = await asyncio.gather(*(refresh(client, ada.grant.refresh_token) for _ in range(50)))

    assert {answer.status_code for answer in answers} == {200}
    assert await count_live(app) == 1
    assert await is_alive(client, ada)


async def test_fifty_parallel_late_uses_leave_none(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    await refresh(client, ada.grant.refresh_token)
    await let_grace_pass(app)

    answers = await asyncio.gather(*(refresh(client, ada.grant.refresh_token) for _ in range(50)))

    assert {answer.status_code for answer in answers} == {401}
    assert not await is_alive(client, ada)
    assert await read_kinds(app) == ["session_ended"]


@pytest.mark.parametrize("column", [RefreshToken.expires_at, UserSession.expires_at])
async def test_ends_unused_or_old(app: FastAPI, client: httpx.AsyncClient, column: sa.Column[object]) -> None:
    ada = await make_person(app)
    past = clock.now() - timedelta(seconds=1)
    async with unit_of_work(app.state.database) as session:
        await session.execute(sa.update(column.class_).values({column: past}))

    assert (await refresh(client, ada.grant.refresh_token)).status_code == 401
    assert await read_kinds(app) == []


async def test_lasts_no_longer_than_its_session(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    soon = clock.now() + timedelta(minutes=1)
    async with unit_of_work(app.state.database) as session:
        await session.execute(sa.update(UserSession).values(expires_at=soon))

    await refresh(client, ada.grant.refresh_token)

    async with read_only(app.state.database) as session:
        newest = await session.scalar(select(RefreshToken).order_by(col(RefreshToken.id).desc()).limit(1))
    assert newest is not None
    assert newest.expires_at == soon


@ONLY_SQLITE
@pytest.mark.parametrize("token", ["", "x", "smr_" + "0" * 49, tokens.new_token("smr_"), tokens.new_token("smm_")])
async def test_what_is_no_token_of_ours(app: FastAPI, client: httpx.AsyncClient, token: str) -> None:
    assert (await refresh(client, token)).status_code == (401 if token else 422)


async def test_nothing_is_sent(client: httpx.AsyncClient) -> None:
    assert (await client.post(REFRESH)).status_code == 401
    assert (await client.post(REFRESH, json={})).status_code == 401


async def test_no_token_is_stored_in_clear(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)

    async with read_only(app.state.database) as session:
        stored = await session.scalars(select(RefreshToken.token_hash))
    assert list(stored) == [tokens.digest(ada.grant.refresh_token)]
