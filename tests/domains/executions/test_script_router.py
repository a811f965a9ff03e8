"""Scripts are run on request: checked, and in line."""

from typing import Any

import httpx
import pytest
from dirty_equals import IsPartialDict
from fastapi import FastAPI

from stationmaster.config import Settings
from stationmaster.identity.actor import Role
from stationmaster.kit.ids import new_id
from stationmaster.setting_groups import DockerSettings, SandboxSettings, ScriptSettings
from tests.support.archives import tar
from tests.support.databases import ONLY_SQLITE
from tests.support.people import Person, make_person
from tests.support.scripts import SCRIPTS, register, run


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"scripts": ScriptSettings(running_per_user=2, queued_per_user=2)})


@pytest.fixture
async def ada(app: FastAPI) -> Person:
    return await make_person(app)


async def test_is_queued_for_whoever_runs_it(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    bob = await make_person(app)
    slug = await register(client, ada)
    await client.post(f"{SCRIPTS}/{slug}/publish", headers=ada.headers)

    answer = await run(client, bob, slug, params={"text": "x"})

    execution = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, f"/api/v1/executions/{execution['id']}")
    assert execution == IsPartialDict(
        type="script", state="queued", trigger="manual", owner_id=str(bob.id), params={"text": "x"}
    )
    listed = await client.get(f"{SCRIPTS}?include=executions", headers=bob.headers)
    assert [each["id"] for each in listed.json()["items"][0]["executions"]] == [execution["id"]]
    named = await client.get("/api/v1/executions?include=script_name", headers=bob.headers)
    assert named.json()["items"][0]["script_name"] == execution["script"]["name"] == "Tell"


@ONLY_SQLITE
async def test_names_each_wrong_value(client: httpx.AsyncClient, ada: Person) -> None:
    slug = await register(client, ada)

    answer = await run(client, ada, slug, params={"count": "x", "unknown": 1})

    assert answer.status_code == 422
    assert {each["pointer"] for each in answer.json()["errors"]} == {"/params/text", "/params/count", "/params/unknown"}


@ONLY_SQLITE
async def test_values_may_stand_in_the_query(client: httpx.AsyncClient, ada: Person) -> None:
    slug = await register(client, ada)

    both = await run(client, ada, slug, "?text=5&count=7&text=6", params={"count": 8})
    wrong = await run(client, ada, slug, "?text=x&count=many")
    without_body = await client.post(f"{SCRIPTS}/{slug}/run?text=x", headers=ada.headers)

    assert both.json()["params"] == {"text": "6", "count": 8}
    assert wrong.json()["errors"][0]["pointer"] == "/params/count"
    assert without_body.status_code == 202


@ONLY_SQLITE
async def test_what_is_destructive_needs_a_confirmation(client: httpx.AsyncClient, ada: Person) -> None:
    slug = await register(client, ada, destructive=True)

    refused = await run(client, ada, slug, params={"text": "x"})
    confirmed = await run(client, ada, slug, params={"text": "x"}, confirm=True)

    assert (refused.status_code, confirmed.status_code) == (422, 202)
    assert refused.json()["errors"][0]["pointer"] == "/confirm"


@ONLY_SQLITE
async def test_who_may_not_run_it(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    viewer, bob = await make_person(app, Role.VIEWER), await make_person(app)
    slug = await register(client, ada)
    private = await run(client, bob, slug, params={"text": "x"})
    await client.post(f"{SCRIPTS}/{slug}/publish", headers=ada.headers)

    assert private.status_code == 404
    assert (await run(client, viewer, slug, params={"text": "x"})).status_code == 403
    assert (await client.post(f"{SCRIPTS}/{slug}/run", json={})).status_code == 401


@ONLY_SQLITE
async def test_what_is_not_built_is_not_run(client: httpx.AsyncClient, ada: Person) -> None:
    archive = tar({"configuration.json": '{"name": "older"}', "src/main.py": ""})
    await client.post(SCRIPTS, files={"file": ("a.tar.gz", archive)}, headers=ada.headers)

    answer = await run(client, ada, "older")

    assert (answer.status_code, "PENDING" in answer.json()["detail"]) == (409, True)


async def test_each_person_has_so_many_places_and_a_line(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    bob = await make_person(app)
    slug = await register(client, ada)
    await client.post(f"{SCRIPTS}/{slug}/publish", headers=ada.headers)

    answers = [await run(client, ada, slug, params={"text": str(number)}) for number in range(5)]
    others = await run(client, bob, slug, params={"text": "x"})

    assert [answer.status_code for answer in answers] == [202, 202, 202, 202, 429]
    assert others.status_code == 202
    assert "retry-after" in answers[-1].headers
    held = [(await client.get(answer.headers["location"], headers=ada.headers)).json() for answer in answers[:4]]
    assert {each["state"] for each in held} == {"queued"}


@ONLY_SQLITE
async def test_files_are_ones_own_and_of_the_right_kind(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    bob = await make_person(app)
    file = {"type": "file", "extensions": [".csv"], "maxBytes": 10}
    slug = await register(client, ada, parameters={"properties": {"input": file}})

    async def upload(by: Person, name: str, content: bytes) -> str:
        answer = await client.post("/api/v1/files", files={"file": (name, content)}, headers=by.headers)
        id_: str = answer.json()["id"]
        return id_

    ids = {
        "right": await upload(ada, "a.CSV", b"1,2"),
        "other ending": await upload(ada, "a.txt", b"1,2"),
        "too large": await upload(ada, "a.csv", b"1,2,3,4,5,6,7"),
        "somebody else's": await upload(bob, "a.csv", b"1,2"),
        "absent": str(new_id()),
    }
    statuses = {name: (await run(client, ada, slug, params={"input": id_})).status_code for name, id_ in ids.items()}

    assert statuses == dict.fromkeys(ids, 422) | {"right": 202}


@ONLY_SQLITE
async def test_a_job_is_saved_with_right_values_only(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    bob = await make_person(app)
    slug = await register(client, ada)

    async def save(by: Person, **target: Any) -> httpx.Response:
        body = {"name": new_id().hex, "target": {"type": "script", "script": slug} | target}
        return await client.post("/api/v1/jobs", json=body, headers=by.headers)

    right = await save(ada, params={"text": "x"})
    wrong = await save(ada, params={"text": 1, "more": 2})
    strange = await save(bob, params={"text": "x"})
    absent = await save(ada, script="absent", params={})
    changed = await client.patch(
        f"/api/v1/jobs/{right.json()['id']}",
        json={"target": {"type": "script", "script": slug, "params": {}}},
        headers=ada.headers,
    )

    assert right.status_code == 201
    assert {each["pointer"] for each in wrong.json()["errors"]} == {"/target/params/text", "/target/params/more"}
    assert [answer.json()["errors"][0]["pointer"] for answer in (strange, absent)] == ["/target/script"] * 2
    assert changed.json()["errors"][0]["pointer"] == "/target/params/text"


@pytest.mark.parametrize(
    ("runtime", "granted"),
    [
        ("sandbox", {"sandbox": SandboxSettings(allow_network=True)}),
        ("docker", {"docker": DockerSettings(network="scripts")}),
    ],
)
async def test_a_network_that_is_not_granted_here_is_refused_at_once(
    app: FastAPI, client: httpx.AsyncClient, ada: Person, runtime: str, granted: dict[str, Any]
) -> None:
    image = {"image": "example.test/tell@sha256:" + "0" * 64, "source": None} if runtime == "docker" else {}
    slug = await register(client, ada, runtime=runtime, network="bridge", parameters={}, **image)
    refused = await run(client, ada, slug)
    app.state.settings = app.state.settings.model_copy(update=granted)
    taken = await run(client, ada, slug)

    assert (409, 202) == (refused.status_code, taken.status_code), taken.text
    assert "NETWORK does not grant it" in refused.json()["detail"]
