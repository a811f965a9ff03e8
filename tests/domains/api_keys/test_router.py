"""API keys over HTTP."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from stationmaster.db.session import unit_of_work
from stationmaster.domains.api_keys.models import ApiKey
from stationmaster.identity.actor import Role
from stationmaster.kit import clock, tokens
from stationmaster.kit.ids import new_id
from tests.support.databases import ONLY_SQLITE
from tests.support.mails import read_kinds
from tests.support.people import Person, make_key, make_person

KEYS = "/api/v1/api-keys"
ME = "/api/v1/auth/me"


@pytest.fixture
async def ada(app: FastAPI) -> Person:
    return await make_person(app)


async def create(client: httpx.AsyncClient, headers: dict[str, str], **facts: Any) -> httpx.Response:
    return await client.post(KEYS, json={"name": "nightly", **facts}, headers=headers)


async def status_with(client: httpx.AsyncClient, key: str | dict[str, str], path: str = ME) -> int:
    headers = {"X-API-Key": key} if isinstance(key, str) else key
    return (await client.get(path, headers=headers)).status_code


async def test_creates_and_shows_once(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    answer = await create(client, ada.headers, description="Imports.")

    made = answer.json()
    path = answer.headers["location"]
    shown = (await client.get(path, headers=ada.headers)).json()
    assert (answer.status_code, path) == (201, f"{KEYS}/{made['id']}")
    assert made["key"].startswith(made["key_prefix"] + "_")
    assert shown == {name: value for name, value in made.items() if name != "key"}
    assert await status_with(client, made["key"]) == 200
    assert await read_kinds(app, ada.user.email) == ["api_key_created"]


async def test_only_a_digest_is_stored(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    key = (await create(client, ada.headers)).json()["key"]

    async with app.state.database.reader.connect() as connection:
        rows = str((await connection.execute(sa.text("SELECT * FROM api_keys"))).all())
    assert key not in rows
    assert key[12:52] not in rows
    assert tokens.digest(key) in rows


async def test_who_switched_account_mails_off_gets_none(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    preferences = {"email_on_account_activity": False}
    await client.put("/api/v1/users/me/notification-preferences", json=preferences, headers=ada.headers)

    await create(client, ada.headers)

    assert await read_kinds(app) == []


@pytest.mark.parametrize(("own", "expected"), [(Role.VIEWER, "viewer"), (Role.USER, "user"), (Role.ADMIN, "user")])
async def test_its_role_is_modest_unless_asked_for(
    app: FastAPI, client: httpx.AsyncClient, own: Role, expected: str
) -> None:
    person = await make_person(app, own)

    assert (await create(client, person.headers)).json()["role"] == expected


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 101),
        ("description", "x" * 501),
        ("role", "root"),
        ("scopes", ["jobs:delete"]),
        ("scopes", ["nonsense:read"]),
        ("scopes", "jobs:read"),
        ("expires_at", "2020-01-01T00:00:00Z"),
        ("expires_at", "2099-01-01T00:00:00Z"),
        ("expires_at", "tomorrow"),
        ("key", "sm_mine"),
        ("user_id", "0193b0c8-7d3e-7c4a-9d5e-1f2a3b4c5d6e"),
    ],
)
async def test_names_the_wrong_field(client: httpx.AsyncClient, ada: Person, field: str, value: object) -> None:
    answer = await create(client, ada.headers, **{field: value})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith(f"/{field}")


@ONLY_SQLITE
@pytest.mark.parametrize("role", ["admin", "superadmin"])
async def test_has_no_more_than_its_maker(client: httpx.AsyncClient, ada: Person, role: str) -> None:
    assert (await create(client, ada.headers, role=role)).status_code == 403


async def test_loses_what_its_owner_loses(app: FastAPI, client: httpx.AsyncClient) -> None:
    boss, root = await make_person(app, Role.ADMIN), await make_person(app, Role.SUPERADMIN)
    _, key = await make_key(app, boss.user)
    before = await status_with(client, key, "/api/v1/users")

    await client.patch(f"/api/v1/users/{boss.id}", json={"role": "user"}, headers=root.headers)
    demoted = (await client.get(ME, headers=key)).json()["role"]
    await client.patch(f"/api/v1/users/{boss.id}", json={"is_active": False}, headers=root.headers)

    assert (before, demoted, await status_with(client, key)) == (200, "user", 401)


async def test_scopes_narrow_it(app: FastAPI, client: httpx.AsyncClient) -> None:
    boss = await make_person(app, Role.ADMIN)
    _, key = await make_key(app, boss.user, scopes=["users:read"])

    reading = await status_with(client, key, "/api/v1/users")
    other = await status_with(client, key, "/api/v1/jobs")
    writing = await client.patch(f"/api/v1/users/{boss.id}", json={"name": "x"}, headers=key)
    me = (await client.get(ME, headers=key)).json()

    assert (reading, other, writing.status_code) == (200, 403, 403)
    assert "users:write" in writing.json()["detail"]
    assert me["scopes"] == ["users:read"]


async def test_a_narrow_key_makes_no_wider_one(app: FastAPI, client: httpx.AsyncClient) -> None:
    boss = await make_person(app, Role.ADMIN)
    _, key = await make_key(app, boss.user, Role.USER, scopes=["api-keys:write", "jobs:read"])

    assert (await create(client, key)).status_code == 403
    assert (await create(client, key, scopes=["users:read"])).status_code == 403
    assert (await create(client, key, scopes=["jobs:read"], role="admin")).status_code == 403
    assert (await create(client, key, scopes=["jobs:read"])).status_code == 201


async def test_switches_off_and_on(client: httpx.AsyncClient, ada: Person) -> None:
    made = (await create(client, ada.headers)).json()
    statuses = []
    for is_active in (False, True):
        path = f"{KEYS}/{made['id']}"
        await client.patch(path, json={"is_active": is_active, "name": "renamed"}, headers=ada.headers)
        statuses.append(await status_with(client, made["key"]))

    assert statuses == [401, 200]


@ONLY_SQLITE
@pytest.mark.parametrize("change", [{"role": "admin"}, {"scopes": None}, {"name": None}, {"expires_at": None}])
async def test_changes_no_rights(client: httpx.AsyncClient, ada: Person, change: dict[str, object]) -> None:
    made = (await create(client, ada.headers)).json()

    answer = await client.patch(f"{KEYS}/{made['id']}", json=change, headers=ada.headers)

    assert answer.status_code == 422


async def test_deletes(client: httpx.AsyncClient, ada: Person) -> None:
    made = (await create(client, ada.headers)).json()
    path = f"{KEYS}/{made['id']}"
    await status_with(client, made["key"])

    assert (await client.delete(path, headers=ada.headers)).status_code == 204
    assert await status_with(client, made["key"]) == 401
    assert (await client.get(path, headers=ada.headers)).status_code == 404


async def test_expires(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    soon = clock.now() + timedelta(days=1)
    made = (await create(client, ada.headers, expires_at=soon.isoformat())).json()
    async with unit_of_work(app.state.database) as session:
        await session.execute(sa.update(ApiKey).values(expires_at=clock.now() - timedelta(seconds=1)))

    assert await status_with(client, made["key"]) == 401


async def test_lasts_a_year_unless_asked(client: httpx.AsyncClient, ada: Person) -> None:
    made = (await create(client, ada.headers)).json()

    year = (clock.now() + timedelta(days=365)).isoformat()
    assert made["expires_at"][:10] == year[:10]


async def test_rotates_with_an_overlap(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    made = (await create(client, ada.headers)).json()

    rotated = (await client.post(f"{KEYS}/{made['id']}/rotate", headers=ada.headers)).json()
    during = [await status_with(client, key) for key in (made["key"], rotated["key"])]
    async with unit_of_work(app.state.database) as session:
        await session.execute(sa.update(ApiKey).values(old_expires_at=clock.now() - timedelta(seconds=1)))
    await client.patch(f"{KEYS}/{made['id']}", json={}, headers=ada.headers)
    after = [await status_with(client, key) for key in (made["key"], rotated["key"])]

    assert rotated["id"] == made["id"]
    assert rotated["key_prefix"] != made["key_prefix"]
    assert (during, after) == ([200, 200], [401, 200])


async def test_rotates_at_once(client: httpx.AsyncClient, ada: Person) -> None:
    made = (await create(client, ada.headers)).json()
    path = f"{KEYS}/{made['id']}/rotate"

    rotated = (await client.post(path, json={"overlap_seconds": 0}, headers=ada.headers)).json()

    assert [await status_with(client, key) for key in (made["key"], rotated["key"])] == [401, 200]


async def test_a_second_rotation_ends_the_first_key(client: httpx.AsyncClient, ada: Person) -> None:
    made = (await create(client, ada.headers)).json()
    path = f"{KEYS}/{made['id']}/rotate"

    rotated = [(await client.post(path, headers=ada.headers)).json()["key"] for _ in range(2)]

    assert [await status_with(client, key) for key in (made["key"], *rotated)] == [401, 200, 200]


async def test_only_its_owner_gets_to_know_it(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    root = await make_person(app, Role.SUPERADMIN)
    made = (await create(client, ada.headers)).json()

    assert (await client.post(f"{KEYS}/{made['id']}/rotate", headers=root.headers)).status_code == 403


async def test_a_weak_key_does_not_rotate_a_strong_one(app: FastAPI, client: httpx.AsyncClient) -> None:
    boss = await make_person(app, Role.ADMIN)
    strong, _ = await make_key(app, boss.user)
    _, weak = await make_key(app, boss.user, Role.USER)

    assert (await client.post(f"{KEYS}/{strong.id}/rotate", headers=weak)).status_code == 403


async def test_lists_own_keys_and_all_for_admins(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    admin = await make_person(app, Role.ADMIN)
    mine, _ = await make_key(app, ada.user)
    theirs, _ = await make_key(app, admin.user)

    async def listed(person: Person, **params: Any) -> list[str]:
        answer = await client.get(KEYS, params=params, headers=person.headers)
        return [item["id"] for item in answer.json()["items"]]

    assert await listed(ada) == [str(mine.id)]
    assert await listed(admin) == [str(theirs.id), str(mine.id)]
    assert await listed(admin, user_id=ada.id) == [str(mine.id)]
    assert await listed(admin, is_active="false") == []
    answer = await client.get(KEYS, params={"user_id": str(admin.id)}, headers=ada.headers)
    assert answer.status_code == 403


async def test_other_peoples_keys_are_not_there(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    stranger = await make_person(app)
    key, _ = await make_key(app, ada.user)

    for id_ in (key.id, new_id()):
        path = f"{KEYS}/{id_}"
        answers = [
            await client.get(path, headers=stranger.headers),
            await client.patch(path, json={"is_active": False}, headers=stranger.headers),
            await client.delete(path, headers=stranger.headers),
            await client.post(f"{path}/rotate", headers=stranger.headers),
        ]
        assert [answer.status_code for answer in answers] == [404] * 4


async def test_an_admin_switches_off_keys_of_those_managed(app: FastAPI, client: httpx.AsyncClient) -> None:
    admin, ada, boss = [await make_person(app, role) for role in (Role.ADMIN, Role.USER, Role.ADMIN)]

    statuses = []
    for owner in (ada, boss):
        key, _ = await make_key(app, owner.user)
        path = f"{KEYS}/{key.id}"
        statuses.append((await client.patch(path, json={"is_active": False}, headers=admin.headers)).status_code)

    assert statuses == [200, 403]


@ONLY_SQLITE
@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", ""), ("GET", "/{id}"), ("DELETE", "/{id}")])
async def test_anonymous(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(
        method, KEYS + path.format(id=new_id()), json={"name": "x"} if method == "POST" else None
    )

    assert answer.status_code == 401
