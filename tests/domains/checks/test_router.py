"""Checks over HTTP."""

from typing import Any

import pytest
from dirty_equals import IsPartialDict, IsStr

from stationmaster.identity.actor import Role
from stationmaster.kit.ids import new_id
from tests.domains.checks.checking import CHECKS, Post
from tests.support.people import make_person


async def test_makes_one_with_an_address(post: Post) -> None:
    body = {"name": "backup", "period_seconds": 86_400, "grace_seconds": 3600, "emails": ["Ops@Example.com"]}

    answer = await post.client.post(CHECKS, json=body, headers=post.owner.headers)

    made = answer.json()
    assert answer.headers["Location"] == f"{CHECKS}/{made['id']}"
    assert made == IsPartialDict(
        name="backup",
        owner_id=str(post.owner.id),
        state="new",
        emails=["ops@example.com"],
        due_at=None,
        ping_url=IsStr(regex=r"http://127\.0\.0\.1:8000/ping/[0-9A-Za-z]{32}"),
        badge_url=IsStr(regex=r"http://127\.0\.0\.1:8000/api/v1/checks/badges/[0-9A-Za-z]{32}"),
    )


async def test_the_address_is_for_owner_and_admins(post: Post) -> None:
    check = await post.create(emails=["ops@example.com"])
    viewer, boss = await make_person(post.app, Role.VIEWER), await make_person(post.app, Role.ADMIN)

    seen = (await post.client.get(f"{CHECKS}/{check['id']}", headers=viewer.headers)).json()
    listed = (await post.client.get(CHECKS, headers=viewer.headers)).json()["items"][0]
    of_boss = (await post.client.get(f"{CHECKS}/{check['id']}", headers=boss.headers)).json()

    assert (seen["ping_url"], seen["emails"], listed["ping_url"]) == (None, None, None)
    assert of_boss["ping_url"] == check["ping_url"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"period_seconds": None}, ""),
        ({"cron_expression": "* * * * *"}, ""),
        ({"timezone": "Europe/Berlin"}, ""),
        ({"period_seconds": 0}, "/period_seconds"),
        ({"grace_seconds": 0}, "/grace_seconds"),
        ({"grace_seconds": 10**9}, "/grace_seconds"),
        ({"name": "a\nb"}, "/name"),
        ({"reminder": "weekly"}, "/reminder"),
        ({"emails": ["nobody"]}, "/emails/0"),
        ({"team": "no such team"}, "/team"),
        ({"state": "up"}, "/state"),
        ({"period_seconds": None, "cron_expression": "99 * * * *"}, "/cron_expression"),
        ({"period_seconds": None, "job_id": str(new_id())}, "/job_id"),
    ],
)
async def test_what_is_wrong_is_refused(post: Post, change: dict[str, Any], pointer: str) -> None:
    body = {"name": "backup", "period_seconds": 60, **change}
    body = {name: value for name, value in body.items() if value is not None}

    answer = await post.client.post(CHECKS, json=body, headers=post.owner.headers)

    assert answer.status_code == 422
    assert [pointer] == [error["pointer"] for error in answer.json()["errors"]]


async def test_changes_what_is_given(post: Post) -> None:
    check = await post.create(description="old")
    await post.ping(check)

    answer = await post.client.patch(
        f"{CHECKS}/{check['id']}",
        json={"cron_expression": "0 3 * * *", "timezone": "Asia/Tokyo", "description": None},
        headers=post.owner.headers,
    )

    assert answer.json() == IsPartialDict(
        name="backup",
        description=None,
        period_seconds=None,
        cron_expression="0 3 * * *",
        timezone="Asia/Tokyo",
        state="up",
        due_at=IsStr(regex=r".*T18:00:00.000Z"),
    )


async def test_a_longer_grace_holds_at_once(post: Post) -> None:
    check = await post.create()
    await post.ping(check)
    await post.let_pass(check, 3601)

    await post.client.patch(f"{CHECKS}/{check['id']}", json={"grace_seconds": 600}, headers=post.owner.headers)

    assert await post.let_pass(check, 120) == "late"


async def test_a_change_heeds_what_was_seen_and_looks_past_signs(post: Post) -> None:
    check = await post.create()
    path = f"{CHECKS}/{check['id']}"
    tag = (await post.client.get(path, headers=post.owner.headers)).headers["ETag"]
    await post.ping(check)
    headers = {**post.owner.headers, "If-Match": tag}

    first = await post.client.patch(path, json={"name": "new"}, headers=headers)
    stale = await post.client.patch(path, json={"name": "other"}, headers=headers)
    deleted = await post.client.delete(path, headers=headers)

    assert (first.status_code, stale.status_code, deleted.status_code) == (200, 412, 412)


async def test_a_deleted_check_has_no_address(post: Post) -> None:
    check = await post.create()
    await post.ping(check)

    answer = await post.client.delete(f"{CHECKS}/{check['id']}", headers=post.owner.headers)

    assert answer.status_code == 204
    assert (await post.ping(check)).status_code == 404


async def test_pausing_twice_is_a_conflict(post: Post) -> None:
    check = await post.create()
    path = f"{CHECKS}/{check['id']}"

    statuses = [
        (await post.client.post(f"{path}/{what}", headers=post.owner.headers)).status_code
        for what in ("resume", "pause", "pause", "resume")
    ]

    assert [409, 200, 409, 200] == statuses


@pytest.mark.parametrize(
    ("method", "path"), [("PATCH", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume"), ("GET", "/pings")]
)
async def test_it_belongs_to_its_owner(post: Post, method: str, path: str) -> None:
    check = await post.create()
    stranger = await make_person(post.app)
    body: dict[str, Any] = {"json": {"name": "mine"}} if method == "PATCH" else {}

    async def call(id_: object, headers: dict[str, str]) -> int:
        answer = await post.client.request(method, f"{CHECKS}/{id_}{path}", headers=headers, **body)
        return answer.status_code

    assert 403 == await call(check["id"], stranger.headers)
    assert 401 == await call(check["id"], {})
    assert 404 == await call(new_id(), post.owner.headers)


async def test_lists_and_their_language(post: Post) -> None:
    first, second = await post.create(name="first"), await post.create(name="second")
    await post.ping(second, "/fail")

    async def names(**params: Any) -> list[str]:
        answer = await post.client.get(CHECKS, params=params, headers=post.owner.headers)
        return [item["name"] for item in answer.json()["items"]]

    assert ["second", "first"] == await names()
    assert ["second"] == await names(state="down")
    assert ["first"] == await names(filter="state=new", sort="name")
    assert [] == await names(owner_id=str(new_id()))
    assert first["id"] != second["id"]


async def test_a_badge_shows_the_state_to_everybody(post: Post) -> None:
    check = await post.create(name='<script>"&')
    await post.ping(check)
    path = check["badge_url"].removeprefix("http://127.0.0.1:8000")

    badge = await post.client.get(path)

    assert (badge.status_code, badge.headers["content-type"]) == (200, "image/svg+xml")
    assert "&lt;script&gt;" in badge.text
    assert ">up</text>" in badge.text
    assert check["ping_url"].rpartition("/")[2] not in badge.text
    assert (await post.client.get(f"{CHECKS}/badges/nothing")).status_code == 404
