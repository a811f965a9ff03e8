"""Accounts that people make for themselves."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import select

from stationmaster.config import RegistrationSettings, Settings
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.audit.models import AuditLog
from stationmaster.domains.auth.mailed_tokens import COOL_DOWN
from stationmaster.domains.auth.models import AccountToken, MailRequest
from stationmaster.domains.users import service as users
from stationmaster.domains.users.models import User
from stationmaster.identity.actor import Role
from stationmaster.kit import clock, tokens
from tests.support.databases import ONLY_SQLITE
from tests.support.mails import STAYING, read_kinds, read_mails
from tests.support.people import PASSWORD, make_person, make_user

AUTH = "/api/v1/auth"
ADA: dict[str, Any] = {"email": "Ada@Example.com", "name": "Ada Lovelace", "username": "ada", "password": PASSWORD}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"mail": STAYING, "registration": RegistrationSettings(mode="on")})


async def register(client: httpx.AsyncClient, **changes: object) -> httpx.Response:
    return await client.post(f"{AUTH}/register", json={**ADA, **changes})


async def verify(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post(f"{AUTH}/verify-email", json={"token": token})


async def log_in(client: httpx.AsyncClient, password: str = PASSWORD) -> httpx.Response:
    return await client.post(f"{AUTH}/login", json={"email": "ada@example.com", "password": password})


async def find_ada(app: FastAPI) -> User:
    async with read_only(app.state.database) as session:
        found = await users.find_by_login(session, "ada@example.com")
    assert found is not None
    return found


async def let_cool_down_pass(app: FastAPI) -> None:
    async with unit_of_work(app.state.database) as session:
        await session.execute(sa.update(MailRequest).values(requested_at=clock.now() - COOL_DOWN))


async def test_from_registration_to_login(app: FastAPI, client: httpx.AsyncClient) -> None:
    answer = await register(client)
    (letter,) = await read_mails(app)
    verified = await verify(client, letter.token)

    assert (answer.status_code, verified.status_code) == (202, 200)
    assert (letter.kind, letter.recipient) == ("verify_email", "ada@example.com")
    assert verified.json() == {"email": "ada@example.com", "is_approved": True}
    user = (await log_in(client)).json()["user"]
    assert (user["role"], user["username"], user["is_verified"]) == ("user", "ada", True)


@ONLY_SQLITE
async def test_links_lead_to_the_set_address_whatever_the_host(app: FastAPI, client: httpx.AsyncClient) -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Origin": "http://evil.example"}
    await client.post(f"{AUTH}/register", json=ADA, headers=headers)

    (letter,) = await read_mails(app)
    assert "http://127.0.0.1:8000/verify-email#token=smm_" in letter.content.text
    assert "evil" not in letter.content.text + letter.content.html


@ONLY_SQLITE
async def test_mails_show_nothing_that_a_stranger_typed(app: FastAPI, client: httpx.AsyncClient) -> None:
    await register(client, name="Win at http://evil.example", username="evil.example")

    (letter,) = await read_mails(app)
    assert "evil" not in letter.content.subject + letter.content.text + letter.content.html


async def test_until_then_nothing_else_is_possible(app: FastAPI, client: httpx.AsyncClient) -> None:
    await register(client)

    headers = {"Authorization": f"Bearer {(await log_in(client)).json()['access_token']}"}
    statuses = [(await client.get(path, headers=headers)).status_code
                for path in ("/api/v1/users/me", "/api/v1/jobs", "/api/v1/api-keys")]  # fmt: skip
    assert statuses == [403, 403, 403]


@ONLY_SQLITE
@pytest.mark.parametrize(
    "change", [{"role": "superadmin"}, {"is_verified": True}, {"is_approved": True}, {"id": "1"}, {"email": "x"}]
)
async def test_takes_no_rights_from_the_client(client: httpx.AsyncClient, change: dict[str, object]) -> None:
    assert (await register(client, **change)).status_code == 422


async def test_a_known_address_gets_the_same_answer_and_a_mail(app: FastAPI, client: httpx.AsyncClient) -> None:
    await make_user(app.state.database, email="ada@example.com", name="Real Ada")

    known, unknown = await register(client), await register(client, email="new@example.com")

    assert known.status_code == unknown.status_code
    assert known.content == unknown.content
    assert await read_kinds(app, "ada@example.com") == ["account_exists"]
    assert (await find_ada(app)).name == "Real Ada"


async def test_what_was_imitated_leaves_no_trace(app: FastAPI, client: httpx.AsyncClient) -> None:
    """For a known address an account is made and taken back, so that the answer takes as long."""
    ada = await make_user(app.state.database, email="ada@example.com")

    await register(client)

    async with read_only(app.state.database) as session:
        assert await users.count_users(session) == 1
        assert list(await session.scalars(select(AuditLog.resource_id))) == [str(ada.id)]


async def test_a_taken_user_name_is_told_by_mail_only(app: FastAPI, client: httpx.AsyncClient) -> None:
    await make_user(app.state.database, username="Ada")

    taken = await register(client)

    (letter,) = await read_mails(app)
    assert taken.status_code == 202
    assert "belongs to somebody else" in letter.content.text
    assert (await find_ada(app)).username is None


async def test_registering_again_replaces_what_nobody_proved(app: FastAPI, client: httpx.AsyncClient) -> None:
    """A stranger left a password on this address; its owner registers, and only the owner's password counts."""
    await register(client, password="the password of a stranger")
    (old_letter,) = await read_mails(app)
    await let_cool_down_pass(app)

    await register(client)

    letter = (await read_mails(app))[-1]
    assert (await verify(client, old_letter.token)).status_code == 400
    assert (await verify(client, letter.token)).status_code == 200
    assert (await log_in(client, "the password of a stranger")).status_code == 401
    assert (await log_in(client)).status_code == 200


async def test_nobody_is_flooded_with_mails(app: FastAPI, client: httpx.AsyncClient) -> None:
    for _ in range(5):
        await register(client)
        await client.post(f"{AUTH}/resend-verification", json={"email": ADA["email"]})

    assert len(await read_mails(app)) == 1


async def test_weak_passwords_are_refused(client: httpx.AsyncClient) -> None:
    answer = await register(client, password="Ada Lovelace 1815!")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/password"


async def test_off(app: FastAPI, client: httpx.AsyncClient) -> None:
    app.state.settings = app.state.settings.model_copy(update={"registration": RegistrationSettings()})

    assert (await register(client)).status_code == 403
    assert await read_mails(app) == []


async def test_with_approval(app: FastAPI, client: httpx.AsyncClient) -> None:
    admin = await make_person(app, Role.ADMIN)
    settings = RegistrationSettings(mode="approval", role="viewer")
    app.state.settings = app.state.settings.model_copy(update={"registration": settings})
    await register(client)
    (letter,) = await read_mails(app, "ada@example.com")

    verified = await verify(client, letter.token)
    before = await log_in(client)
    user_id = (await find_ada(app)).id
    await client.patch(f"/api/v1/users/{user_id}", json={"is_approved": True}, headers=admin.headers)
    after = await log_in(client)

    assert verified.json()["is_approved"] is False
    assert (before.status_code, after.status_code) == (403, 200)
    assert after.json()["user"]["role"] == "viewer"
    assert await read_kinds(app, admin.user.email) == ["approval_needed"]
    assert await read_kinds(app, "ada@example.com") == ["verify_email", "account_approved"]


async def test_who_switched_account_mails_off_hears_of_nobody(app: FastAPI, client: httpx.AsyncClient) -> None:
    admin = await make_person(app, Role.ADMIN)
    preferences = {"email_on_account_activity": False}
    await client.put("/api/v1/users/me/notification-preferences", json=preferences, headers=admin.headers)
    app.state.settings = app.state.settings.model_copy(update={"registration": RegistrationSettings(mode="approval")})
    await register(client)

    await verify(client, (await read_mails(app))[0].token)

    assert await read_kinds(app, admin.user.email) == []


async def test_a_token_works_once(app: FastAPI, client: httpx.AsyncClient) -> None:
    await register(client)
    (letter,) = await read_mails(app)

    assert [(await verify(client, letter.token)).status_code for _ in range(2)] == [200, 400]


async def test_a_token_works_for_a_day(app: FastAPI, client: httpx.AsyncClient) -> None:
    await register(client)
    (letter,) = await read_mails(app)
    async with unit_of_work(app.state.database) as session:
        life = await session.scalar(select(AccountToken.expires_at))
        await session.execute(sa.update(AccountToken).values(expires_at=clock.now() - timedelta(seconds=1)))

    assert life is not None
    assert timedelta(hours=23) < life - clock.now() <= timedelta(hours=24)
    assert (await verify(client, letter.token)).status_code == 400


@ONLY_SQLITE
@pytest.mark.parametrize(
    "token",
    ["x", "smm_" + "0" * 49, tokens.new_token("smm_"), tokens.new_token("smr_")],
    ids=["short", "misspelt", "unknown", "of another kind"],
)
async def test_no_token_of_ours(client: httpx.AsyncClient, token: str) -> None:
    assert (await verify(client, token)).status_code == 400


async def test_the_token_is_stored_hashed(app: FastAPI, client: httpx.AsyncClient) -> None:
    await register(client)
    (letter,) = await read_mails(app)

    async with app.state.database.reader.connect() as connection:
        rows = [str((await connection.execute(sa.text(f"SELECT * FROM {table}"))).all())
                for table in ("account_tokens", "messages", "users")]  # fmt: skip
    assert not [row for row in rows if letter.token in row]
    assert tokens.digest(letter.token) in rows[0]


async def test_resend(app: FastAPI, client: httpx.AsyncClient) -> None:
    await register(client)
    await let_cool_down_pass(app)

    answer = await client.post(f"{AUTH}/resend-verification", json={"email": ADA["email"]})

    first, second = await read_mails(app)
    assert answer.status_code == 202
    assert (await verify(client, first.token)).status_code == 400
    assert (await verify(client, second.token)).status_code == 200


@pytest.mark.parametrize("facts", [{"is_verified": True}, {"is_verified": False, "is_active": False}])
async def test_resend_tells_nothing_about_others(
    app: FastAPI, client: httpx.AsyncClient, facts: dict[str, Any]
) -> None:
    await make_user(app.state.database, email="ada@example.com", **facts)

    answers = [
        await client.post(f"{AUTH}/resend-verification", json={"email": f"{name}@example.com"})
        for name in ("ada", "bob")
    ]

    assert {(answer.status_code, answer.content) for answer in answers} == {(202, answers[0].content)}
    assert await read_mails(app) == []


@ONLY_SQLITE
@pytest.mark.parametrize("path", ["resend-verification", "password-reset"])
@pytest.mark.parametrize(
    "email", ["", "x", ["a@x.org"], "a@x.org,b@y.org", "a@x.org\r\ncc: b@y.org", "a@x.org%0d%0acc:b@y.org", None]
)
async def test_one_address_and_nothing_else(client: httpx.AsyncClient, path: str, email: object) -> None:
    assert (await client.post(f"{AUTH}/{path}", json={"email": email})).status_code == 422
