"""An API key that may read jobs reads nothing else through them."""

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.identity.actor import Role
from tests.support.people import make_key, make_person
from tests.support.work import Desk


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        ("/jobs?include=executions", "executions:read"),
        ("/jobs?include=stats", "executions:read"),
        ("/jobs?include=user", "users:read"),
        ("/jobs/{id}/executions", "executions:read"),
        ("/jobs/{id}/executions/stats", "executions:read"),
    ],
)
async def test_what_belongs_to_another_resource_needs_its_scope(
    app: FastAPI, client: httpx.AsyncClient, path: str, needed: str
) -> None:
    job = await (await Desk.open(app, client)).create()
    admin = (await make_person(app, Role.ADMIN)).user
    url = "/api/v1" + path.format(id=job["id"])
    _, narrow = await make_key(app, admin, scopes=["jobs:read"])
    _, wide = await make_key(app, admin, scopes=["jobs:read", needed])

    refused, allowed = await client.get(url, headers=narrow), await client.get(url, headers=wide)

    assert (refused.status_code, allowed.status_code) == (403, 200)
    assert needed in refused.json()["detail"]


async def test_the_last_execution_is_not_shown(app: FastAPI, client: httpx.AsyncClient) -> None:
    desk = await Desk.open(app, client)
    job = await desk.create()
    started = await client.post(f"/api/v1/jobs/{job['id']}/execute", json={}, headers=desk.owner.headers)
    keys = [
        (await make_key(app, desk.owner.user, scopes=scopes))[1]
        for scopes in (["jobs:read"], ["jobs:read", "executions:read"])
    ]
    narrow, wide = [(await client.get(f"/api/v1/jobs/{job['id']}", headers=key)).json() for key in keys]

    assert narrow["last_execution"] is None
    assert wide["last_execution"]["id"] == started.json()["id"]
