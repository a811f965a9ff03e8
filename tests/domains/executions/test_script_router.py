"""Scripts are run on request: checked, in line, and to their end in a real sandbox."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from dirty_equals import IsPartialDict
from fastapi import FastAPI

from stationmaster.config import RunnerSettings, Settings
from stationmaster.identity.actor import Role
from stationmaster.kit.ids import new_id
from stationmaster.setting_groups import ScriptSettings
from tests.support.archives import tar
from tests.support.canary import dump
from tests.support.databases import ONLY_SQLITE
from tests.support.executions import eventually
from tests.support.people import Person, make_person

SCRIPTS = "/api/v1/scripts"
NASTY = '\'; drop table users; -- "$(id)" `id` \\ \n&& rm -rf / # ✓'
TELL = """
import json, os, sys
values = {"arguments": sys.argv[1:], "params": json.loads(os.environ["PARAMS"]), "environment": sorted(os.environ)}
print("::result " + json.dumps(values))
"""
PARAMETERS = {
    "required": ["text"],
    "properties": {
        "text": {"type": "string", "bind": {"as": "argument"}},
        "count": {"type": "integer", "default": 1, "minimum": 1, "bind": {"as": "flag"}},
    },
}
CANARY = "canary-91f0-staple"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a data folder that another user can walk to; pytest's are shut to them."""
    with TemporaryDirectory(prefix="stationmaster-data-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


@pytest.fixture
def settings(settings: Settings, folder: Path) -> Settings:
    changes = {"scripts": ScriptSettings(running_per_user=2, queued_per_user=2), "data_dir": folder}
    return settings.model_copy(update=changes)


@pytest.fixture
async def ada(app: FastAPI) -> Person:
    return await make_person(app)


async def register(client: httpx.AsyncClient, by: Person, **facts: Any) -> str:
    body = {"name": "Tell", "source": TELL, "parameters": PARAMETERS} | facts
    answer = await client.post(SCRIPTS, json=body, headers=by.headers)
    assert answer.status_code == 201, answer.text
    slug: str = answer.json()["slug"]
    return slug


async def run(client: httpx.AsyncClient, by: Person, slug: str, query: str = "", **body: Any) -> httpx.Response:
    return await client.post(f"{SCRIPTS}/{slug}/run{query}", json=body, headers=by.headers)


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
    shown = await client.get("/api/v1/executions?include=script_name", headers=bob.headers)
    await client.post(f"{SCRIPTS}/{slug}/unpublish", headers=ada.headers)
    hidden = await client.get("/api/v1/executions?include=script_name", headers=bob.headers)
    assert [each.json()["items"][0]["script_name"] for each in (shown, hidden)] == ["Tell", None]


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

    assert (refused.status_code, confirmed.status_code) == (409, 202)


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


class TestRunning:
    """A service that works: what a script is given, and what comes back."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        changes = {"runner": RunnerSettings(), "scheduler_enabled": True}
        return settings.model_copy(update=changes)

    async def end(self, client: httpx.AsyncClient, by: Person, answer: httpx.Response) -> dict[str, Any]:
        """Wait until an execution has ended."""
        assert answer.status_code == 202, answer.text
        path = answer.headers["location"]
        found: dict[str, Any] = {}

        async def has_ended() -> bool:
            found.update((await client.get(path, headers=by.headers)).json())
            return found["finished_at"] is not None

        await eventually(has_ended, seconds=30)
        return found

    async def test_a_nasty_value_arrives_unchanged(self, client: httpx.AsyncClient, ada: Person) -> None:
        slug = await register(client, ada)

        ended = await self.end(client, ada, await run(client, ada, slug, params={"text": NASTY}))

        assert ended["state"] == "succeeded", ended
        assert ended["result"]["arguments"] == ["--count", "1", NASTY]
        assert ended["result"]["params"] == {"text": NASTY, "count": 1}
        assert not [name for name in ended["result"]["environment"] if "KEY" in name or "DATABASE" in name]

    async def test_the_end_of_a_script_that_fails(self, client: httpx.AsyncClient, ada: Person) -> None:
        slug = await register(client, ada, source="import sys; sys.exit(3)", parameters={})

        ended = await self.end(client, ada, await run(client, ada, slug))

        assert (ended["state"], ended["reason"]) == ("failed", "exit_code")

    async def test_a_file_is_there_under_a_name_of_ours(self, client: httpx.AsyncClient, ada: Person) -> None:
        source = "import json, sys\npath = sys.argv[1]\nprint('::result ' + json.dumps({'value': [path, open(path).read()]}))"
        parameters = {"properties": {"input": {"type": "file", "bind": {"as": "argument"}}}}
        slug = await register(client, ada, source=source, parameters=parameters)
        upload = await client.post("/api/v1/files", files={"file": ("../../evil.csv", b"1,2")}, headers=ada.headers)

        ended = await self.end(client, ada, await run(client, ada, slug, params={"input": upload.json()["id"]}))

        assert ended["state"] == "succeeded", ended
        path, text = ended["result"]["value"]
        assert text == "1,2"
        assert path.endswith("/input.csv")

    @ONLY_SQLITE
    async def test_a_secret_appears_nowhere(
        self, app: FastAPI, client: httpx.AsyncClient, ada: Person, caplog: pytest.LogCaptureFixture
    ) -> None:
        source = (
            "import os, base64, json\n"
            "secret = os.environ['WAREHOUSE']\n"
            "assert len(secret) == 18 and os.environ['GIVEN'] == secret\n"
            "print(secret, base64.b64encode(secret.encode()).decode())\n"
            "print('::result ' + json.dumps({'secret': secret, secret: 1}))\n"
            "raise SystemExit('the password is ' + secret)\n"
        )
        parameters = {"properties": {"given": {"type": "secret"}}}
        slug = await register(client, ada, source=source, parameters=parameters, secrets=["WAREHOUSE"])
        made = (await client.get(f"{SCRIPTS}/{slug}", headers=ada.headers)).json()
        secret = {"name": "WAREHOUSE", "value": CANARY}
        await client.post("/api/v1/secrets", json=secret, headers=ada.headers)
        refused = await run(client, ada, slug, params={"given": "WAREHOUSE"})
        await client.put("/api/v1/secrets/WAREHOUSE", json={"scripts": [made["id"]]}, headers=ada.headers)

        ended = await self.end(client, ada, await run(client, ada, slug, params={"given": "WAREHOUSE"}))
        used = (await client.get("/api/v1/secrets/WAREHOUSE", headers=ada.headers)).json()
        everything = await dump(app.state.database) + json.dumps(ended) + caplog.text

        assert refused.status_code == 409
        assert (ended["state"], ended["reason"]) == ("failed", "exit_code"), ended
        assert ended["result"] == {"secret": "********", "********": 1}
        assert used["last_used_at"] is not None
        assert CANARY not in everything
        assert "Y2FuYXJ5LTkxZjA" not in everything

    @ONLY_SQLITE
    async def test_what_was_right_may_be_wrong_when_it_begins(self, client: httpx.AsyncClient, ada: Person) -> None:
        slug = await register(client, ada)
        target = {"type": "script", "script": slug, "params": {"text": "x"}}
        job = await client.post("/api/v1/jobs", json={"name": "nightly", "target": target}, headers=ada.headers)
        await client.delete(f"{SCRIPTS}/{slug}", headers=ada.headers)

        answer = await client.post(f"/api/v1/jobs/{job.json()['id']}/execute", headers=ada.headers)
        ended = await self.end(client, ada, answer)

        assert (ended["state"], ended["reason"]) == ("failed", "client_error")
        assert "There is no script" in ended["error"]
