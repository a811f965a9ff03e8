"""One's own inbox over HTTP."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import col

from stationmaster.db.session import unit_of_work
from stationmaster.domains.notifications.models import Notification
from stationmaster.domains.notifications.notice import Topic
from stationmaster.identity.actor import Role
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id
from tests.domains.notifications.telling import notice, read_inboxes, tell
from tests.support.people import Person, make_person

INBOX = "/api/v1/notifications"


@pytest.fixture
async def ada(app: FastAPI) -> Person:
    return await make_person(app, Role.VIEWER)


async def fill(app: FastAPI, person: Person, *keys: str) -> list[str]:
    """Tell somebody so many things; return the ids of the entries, oldest first."""
    for key in keys:
        await tell(app.state.database, notice(key), users=[person.id])
    return [str(entry.id) for entry in await read_inboxes(app.state.database) if entry.user_id == person.id]


async def titles(client: httpx.AsyncClient, person: Person, **params: Any) -> list[str]:
    answer = await client.get(INBOX, params=params, headers=person.headers)
    assert answer.status_code == 200, answer.text
    return [item["title"] for item in answer.json()["items"]]


async def test_lists_ones_own_newest_first(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    await fill(app, ada, "1", "2")
    await fill(app, await make_person(app), "3")

    assert ["title of 2", "title of 1"] == await titles(client, ada)


async def test_an_entry_says_all_of_it(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    (id_,) = await fill(app, ada, "1")

    shown = (await client.get(f"{INBOX}/{id_}", headers=ada.headers)).json()

    assert shown | {"created_at": ""} == {
        "id": id_,
        "user_id": str(ada.id),
        "topic": "job_failed",
        "type": "error",
        "title": "title of 1",
        "message": "It failed: exit code 2.",
        "link": "/api/v1/executions/1",
        "job_id": None,
        "execution_id": None,
        "check_id": None,
        "is_read": False,
        "read_at": None,
        "created_at": "",
    }


async def test_a_list_can_be_narrowed_and_goes_on_by_cursor(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    await fill(app, ada, "1", "2", "3")
    await tell(app.state.database, notice("4", Topic.CHECK_DOWN), users=[ada.id])

    first = (await client.get(INBOX, params={"cursor": "", "size": 2}, headers=ada.headers)).json()

    assert ["title of 4"] == await titles(client, ada, filter="topic=check_down")
    assert ["title of 1"] == await titles(client, ada, filter="title like '%1'")
    assert ["title of 4", "title of 3"] == [item["title"] for item in first["items"]]
    rest = await client.get(INBOX, params={"cursor": first["next_cursor"], "size": 2}, headers=ada.headers)
    assert ["title of 2", "title of 1"] == [item["title"] for item in rest.json()["items"]]


async def test_reading_is_counted_and_kept(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    id_, *_ = await fill(app, ada, "1", "2")

    first = await client.put(f"{INBOX}/{id_}/read", headers=ada.headers)
    again = await client.put(f"{INBOX}/{id_}/read", headers=ada.headers)

    assert first.json()["is_read"] is True
    assert first.json()["read_at"] == again.json()["read_at"]
    assert ["title of 2"] == await titles(client, ada, unread_only=True)
    assert (await client.get(f"{INBOX}/unread-count", headers=ada.headers)).json() == {"unread_count": 1}


async def test_all_can_be_read_and_then_deleted(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    eve = await make_person(app)
    await fill(app, ada, "1", "2")
    await fill(app, eve, "1")

    read = await client.put(f"{INBOX}/read-all", headers=ada.headers)
    await fill(app, ada, "3")
    deleted = await client.delete(f"{INBOX}/read", headers=ada.headers)

    assert (read.json(), deleted.status_code) == ({"updated_count": 2}, 204)
    assert (["title of 3"], ["title of 1"]) == (await titles(client, ada), await titles(client, eve))


async def test_ranges_narrow_everything(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    await fill(app, ada, "1", "2")
    async with unit_of_work(app.state.database) as session:
        age = sa.update(Notification).where(col(Notification.dedupe_key) == "1")
        await session.execute(age.values(created_at=clock.now() - timedelta(days=2)))
    span = {"to": (clock.now() - timedelta(days=1)).isoformat()}

    assert ["title of 1"] == await titles(client, ada, **span)
    counted = await client.get(f"{INBOX}/unread-count", params=span, headers=ada.headers)
    assert counted.json() == {"unread_count": 1}
    await client.put(f"{INBOX}/read-all", params=span, headers=ada.headers)
    assert ["title of 2"] == await titles(client, ada, unread_only=True)
    await client.put(f"{INBOX}/read-all", headers=ada.headers)
    await client.delete(f"{INBOX}/read", params=span, headers=ada.headers)
    assert ["title of 2"] == await titles(client, ada)


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("PUT", "/read"), ("DELETE", "")])
async def test_nobody_comes_near_anothers(
    app: FastAPI, client: httpx.AsyncClient, ada: Person, method: str, path: str
) -> None:
    (id_,) = await fill(app, ada, "1")
    boss = await make_person(app, Role.SUPERADMIN)

    others = await client.request(method, f"{INBOX}/{id_}{path}", headers=boss.headers)
    unknown = await client.request(method, f"{INBOX}/{new_id()}{path}", headers=ada.headers)
    nobody = await client.request(method, f"{INBOX}/{id_}{path}")

    assert (others.status_code, unknown.status_code, nobody.status_code) == (404, 404, 401)
    assert ["title of 1"] == await titles(client, ada, unread_only=True)


async def test_one_entry_can_be_deleted_as_it_was_seen(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    (id_,) = await fill(app, ada, "1")
    tag = (await client.get(f"{INBOX}/{id_}", headers=ada.headers)).headers["ETag"]
    await client.put(f"{INBOX}/{id_}/read", headers=ada.headers)

    stale = await client.delete(f"{INBOX}/{id_}", headers={**ada.headers, "If-Match": tag})
    deleted = await client.delete(f"{INBOX}/{id_}", headers=ada.headers)

    assert (stale.status_code, deleted.status_code) == (412, 204)
    assert await titles(client, ada) == []


async def test_what_is_not_known_is_refused(client: httpx.AsyncClient, ada: Person) -> None:
    for params in ({"unread": "1"}, {"filter": "user_id=1"}, {"from": "yesterday"}, {"unread_only": "perhaps"}):
        answer = await client.get(INBOX, params=params, headers=ada.headers)
        assert answer.status_code == 422, params


async def test_the_export_has_it(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    await fill(app, ada, "1")

    exported = (await client.get("/api/v1/users/me/export", headers=ada.headers)).json()

    assert ["title of 1"] == [entry["title"] for entry in exported["notifications"]]
