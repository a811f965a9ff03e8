"""What people want to see and to be told."""

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.identity.actor import Role
from stationmaster.kit.ids import new_id
from tests.support.databases import ONLY_SQLITE
from tests.support.people import make_person

ME = "/api/v1/users/me"
KINDS = pytest.mark.parametrize("kind", ["ui-preferences", "notification-preferences"])
DEFAULTS = {
    "email_on_job_success": False,
    "email_on_job_failure": True,
    "email_on_job_disabled": True,
    "email_on_account_activity": True,
    "browser_notifications": True,
    "daily_digest": False,
    "weekly_report": False,
}


async def test_begins_with_defaults(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app, Role.VIEWER)

    ui = await client.get(f"{ME}/ui-preferences", headers=ada.headers)
    notifications = await client.get(f"{ME}/notification-preferences", headers=ada.headers)

    assert (ui.json(), notifications.json()) == ({}, DEFAULTS)


async def test_keeps_a_document_of_the_interface(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)
    document = {"jobs_table_columns": ["name", "next_run_at"], "theme": {"dark": True, "size": 1.5}}

    await client.put(f"{ME}/ui-preferences", json={"old": 1}, headers=ada.headers)
    answer = await client.put(f"{ME}/ui-preferences", json=document, headers=ada.headers)

    assert answer.json() == document
    assert (await client.get(f"{ME}/ui-preferences", headers=ada.headers)).json() == document


async def test_the_two_kinds_do_not_disturb_each_other(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)

    await client.put(f"{ME}/ui-preferences", json={"kept": True}, headers=ada.headers)
    await client.put(f"{ME}/notification-preferences", json={"daily_digest": True}, headers=ada.headers)

    assert (await client.get(f"{ME}/ui-preferences", headers=ada.headers)).json() == {"kept": True}
    stored = await client.get(f"{ME}/notification-preferences", headers=ada.headers)
    assert stored.json() == {**DEFAULTS, "daily_digest": True}


async def test_a_flag_left_out_gets_its_default(app: FastAPI, client: httpx.AsyncClient) -> None:
    ada = await make_person(app)

    await client.put(f"{ME}/notification-preferences", json={"email_on_job_failure": False}, headers=ada.headers)
    answer = await client.put(f"{ME}/notification-preferences", json={}, headers=ada.headers)

    assert answer.json() == DEFAULTS


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("ui-preferences", [1]),
        ("ui-preferences", {"text": "x" * 70_000}),
        ("ui-preferences", {"nul": "\x00"}),
        ("notification-preferences", {"email_on_everything": True}),
        ("notification-preferences", {"daily_digest": "yes"}),
        ("notification-preferences", {"daily_digest": None}),
    ],
)
async def test_refuses_what_is_none(app: FastAPI, client: httpx.AsyncClient, kind: str, body: object) -> None:
    ada = await make_person(app)

    assert (await client.put(f"{ME}/{kind}", json=body, headers=ada.headers)).status_code == 422


@KINDS
async def test_an_admin_sets_a_users(app: FastAPI, client: httpx.AsyncClient, kind: str) -> None:
    ada, admin = await make_person(app), await make_person(app, Role.ADMIN)
    path = f"/api/v1/users/{ada.id}/{kind}"

    body = {"daily_digest": True}
    answer = await client.put(path, json=body, headers=admin.headers)

    assert answer.status_code == 200
    assert (await client.get(path, headers=admin.headers)).json() == answer.json()
    assert (await client.get(f"{ME}/{kind}", headers=ada.headers)).json() == answer.json()


@ONLY_SQLITE
@KINDS
async def test_nobody_sees_others(app: FastAPI, client: httpx.AsyncClient, kind: str) -> None:
    ada, other = await make_person(app), await make_person(app)
    path = f"/api/v1/users/{ada.id}/{kind}"

    assert (await client.get(path, headers=other.headers)).status_code == 403
    assert (await client.put(path, json={}, headers=other.headers)).status_code == 403


@ONLY_SQLITE
@KINDS
async def test_an_admin_does_not_set_an_admins(app: FastAPI, client: httpx.AsyncClient, kind: str) -> None:
    admin, other = await make_person(app, Role.ADMIN), await make_person(app, Role.ADMIN)

    answer = await client.put(f"/api/v1/users/{other.id}/{kind}", json={}, headers=admin.headers)

    assert answer.status_code == 403


@KINDS
async def test_not_there_and_anonymous(app: FastAPI, client: httpx.AsyncClient, kind: str) -> None:
    admin = await make_person(app, Role.ADMIN)

    assert (await client.get(f"/api/v1/users/{new_id()}/{kind}", headers=admin.headers)).status_code == 404
    assert (await client.put(f"/api/v1/users/{new_id()}/{kind}", json={}, headers=admin.headers)).status_code == 404
    assert (await client.get(f"{ME}/{kind}")).status_code == 401
