"""New passwords: by mail, by their owner, by a superadmin."""

import asyncio
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import select

from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.auth.models import AccountToken
from stationmaster.domains.users import service as users
from stationmaster.identity.actor import Role
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id
from tests.support.databases import ONLY_SQLITE
from tests.support.mails import read_kinds, read_mails
from tests.support.people import PASSWORD, make_person, make_user

AUTH = "/api/v1/auth"
NEW_PASSWORD = "eight silent semaphores"
ADA = "ada@example.com"


async def ask(client: httpx.AsyncClient, email: str = ADA) -> httpx.Response:
    return await client.post(f"{AUTH}/password-reset", json={"email": email})


async def confirm(client: httpx.AsyncClient, token: str, password: str = NEW_PASSWORD) -> httpx.Response:
    return await client.post(f"{AUTH}/password-reset/confirm", json={"token": token, "new_password": password})


async def log_in(client: httpx.AsyncClient, password: str) -> int:
    return (await client.post(f"{AUTH}/login", json={"email": ADA, "password": password})).status_code


async def mailed_token(app: FastAPI, client: httpx.AsyncClient) -> str:
    await ask(client)
    return (await read_mails(app, ADA))[-1].token


async def test_sets_a_new_password_and_ends_all_sessions(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app, email=ADA)

    answer = await confirm(client, await mailed_token(app, client))

    assert answer.status_code == 204
    assert (await client.get(f"{AUTH}/me", headers=ada.headers)).status_code == 401
    assert [await log_in(client, password) for password in (PASSWORD, NEW_PASSWORD)] == [401, 200]
    assert await read_kinds(app, ADA) == ["reset_password", "password_changed"]


async def test_known_and_unknown_addresses_get_the_same_answer(app: FastAPI, client: httpx.AsyncClient) -> None:
    await make_user(app.state.database, email=ADA)
    await make_user(app.state.database, email="gone@example.com", is_active=False)

    answers = [await ask(client, email) for email in (ADA, "nobody@example.com", "gone@example.com", ADA)]

    assert {(answer.status_code, answer.content) for answer in answers} == {(202, answers[0].content)}
    assert [letter.recipient for letter in await read_mails(app)] == [ADA]


async def test_the_token_works_once(app: FastAPI, client: httpx.AsyncClient) -> None:
    await make_user(app.state.database, email=ADA)
    token = await mailed_token(app, client)

    assert [(await confirm(client, token)).status_code for _ in range(2)] == [204, 400]


async def test_one_of_two_parallel_uses_wins(app: FastAPI, client: httpx.AsyncClient) -> None:
    await make_user(app.state.database, email=ADA)
    token = await mailed_token(app, client)

    passwords = ["eight silent semaphores", "nine silent semaphores"]
    answers = await asyncio.gather(*(confirm(client, token, password) for password in passwords))

    assert sorted(answer.status_code for answer in answers) == [204, 400]
    assert sorted([await log_in(client, password) for password in passwords]) == [200, 401]


async def test_the_token_works_for_an_hour(app: FastAPI, client: httpx.AsyncClient) -> None:
    await make_user(app.state.database, email=ADA)
    token = await mailed_token(app, client)
    async with unit_of_work(app.state.database) as session:
        life = await session.scalar(select(AccountToken.expires_at))
        await session.execute(sa.update(AccountToken).values(expires_at=clock.now() - timedelta(seconds=1)))

    assert life is not None
    assert timedelta(minutes=59) < life - clock.now() <= timedelta(hours=1)
    assert (await confirm(client, token)).status_code == 400
    assert await log_in(client, PASSWORD) == 200


@ONLY_SQLITE
@pytest.mark.parametrize("password", ["short", "password1234", ADA, PASSWORD[:3] * 5])
async def test_a_refused_password_leaves_the_token(app: FastAPI, client: httpx.AsyncClient, password: str) -> None:
    await make_user(app.state.database, email=ADA)
    token = await mailed_token(app, client)

    refused = await confirm(client, token, password)

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/new_password")
    assert (await confirm(client, token)).status_code == 204


async def test_a_verification_token_sets_no_password(app: FastAPI, client: httpx.AsyncClient) -> None:
    await make_user(app.state.database, email=ADA, is_verified=False)
    await client.post(f"{AUTH}/resend-verification", json={"email": ADA})
    (letter,) = await read_mails(app)

    assert (await confirm(client, letter.token)).status_code == 400


async def test_a_reset_proves_the_address(app: FastAPI, client: httpx.AsyncClient) -> None:
    user = await make_user(app.state.database, email=ADA, is_verified=False)

    await confirm(client, await mailed_token(app, client))

    async with read_only(app.state.database) as session:
        assert (await users.get_user(session, user.id)).is_verified


async def test_a_reset_opens_a_lock(app: FastAPI, client: httpx.AsyncClient) -> None:
    await make_user(app.state.database, email=ADA)
    statuses = [await log_in(client, "wrong password") for _ in range(6)]

    await confirm(client, await mailed_token(app, client))

    assert statuses[-1] == 429
    assert await log_in(client, NEW_PASSWORD) == 200


async def test_a_superadmin_mails_a_way_back(app: FastAPI, client: httpx.AsyncClient) -> None:
    user = await make_user(app.state.database, email=ADA)
    root = await make_person(app, Role.SUPERADMIN)

    answer = await client.post(f"/api/v1/users/{user.id}/recover-password", headers=root.headers)

    assert answer.status_code == 202
    assert (await confirm(client, (await read_mails(app, ADA))[0].token)).status_code == 204


async def test_a_superadmin_sets_a_password(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada, root = await make_person(app, email=ADA), await make_person(app, Role.SUPERADMIN)

    path, body = f"/api/v1/users/{ada.id}/change-password", {"new_password": NEW_PASSWORD}
    answer = await client.post(path, json=body, headers=root.headers)

    assert answer.status_code == 204
    assert (await client.get(f"{AUTH}/me", headers=ada.headers)).status_code == 401
    assert await log_in(client, NEW_PASSWORD) == 200
    assert await read_kinds(app, ADA) == ["password_changed"]


async def test_a_superadmin_unlocks(app: FastAPI, client: httpx.AsyncClient) -> None:
    user, root = await make_user(app.state.database, email=ADA), await make_person(app, Role.SUPERADMIN)
    for _ in range(5):
        await log_in(client, "wrong password")
    before = await log_in(client, PASSWORD)

    answer = await client.post(f"/api/v1/users/{user.id}/unlock", headers=root.headers)

    assert (before, answer.status_code, await log_in(client, PASSWORD)) == (429, 204, 200)


@pytest.mark.parametrize("action", ["recover-password", "unlock", "change-password"])
async def test_other_peoples_passwords_are_for_superadmins(
    app: FastAPI, client: httpx.AsyncClient, action: str
) -> None:
    user = await make_user(app.state.database)
    admin, root = await make_person(app, Role.ADMIN), await make_person(app, Role.SUPERADMIN)
    body = {"new_password": NEW_PASSWORD} if action == "change-password" else None

    async def call(user_id: object, headers: dict[str, str]) -> int:
        path = f"/api/v1/users/{user_id}/{action}"
        return (await client.post(path, json=body, headers=headers)).status_code

    assert await call(user.id, {}) == 401
    assert await call(user.id, admin.headers) == 403
    assert await call(new_id(), root.headers) == 404
