"""Scripts run to their end in a real sandbox: what they are given, and what comes back."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.config import RunnerSettings, Settings
from stationmaster.setting_groups import SandboxSettings
from tests.support.canary import dump
from tests.support.databases import ONLY_SQLITE
from tests.support.executions import eventually
from tests.support.people import Person, make_person
from tests.support.scripts import SCRIPTS, register, run

NASTY = '\'; drop table users; -- "$(id)" `id` \\ \n&& rm -rf / # ✓'
CANARY = "canary-91f0-staple"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a data folder that another user can walk to; pytest's are shut to them."""
    with TemporaryDirectory(prefix="stationmaster-data-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


@pytest.fixture
def settings(settings: Settings, folder: Path) -> Settings:
    changes = {"runner": RunnerSettings(), "scheduler_enabled": True, "data_dir": folder}
    return settings.model_copy(update=changes)


@pytest.fixture
async def ada(app: FastAPI) -> Person:
    return await make_person(app)


async def end(client: httpx.AsyncClient, by: Person, answer: httpx.Response) -> dict[str, Any]:
    """Wait until an execution has ended."""
    assert answer.status_code == 202, answer.text
    path = answer.headers["location"]
    found: dict[str, Any] = {}

    async def has_ended() -> bool:
        found.update((await client.get(path, headers=by.headers)).json())
        return found["finished_at"] is not None

    await eventually(has_ended, seconds=30)
    return found


async def test_a_nasty_value_arrives_unchanged(client: httpx.AsyncClient, ada: Person) -> None:
    slug = await register(client, ada)

    ended = await end(client, ada, await run(client, ada, slug, params={"text": NASTY}))

    assert ended["state"] == "succeeded", ended
    assert ended["result"]["arguments"] == ["--count", "1", NASTY]
    assert ended["result"]["params"] == {"text": NASTY, "count": 1}
    assert not [name for name in ended["result"]["environment"] if "KEY" in name or "DATABASE" in name]


async def test_the_end_of_a_script_that_fails(client: httpx.AsyncClient, ada: Person) -> None:
    slug = await register(client, ada, source="import sys; sys.exit(3)", parameters={})

    ended = await end(client, ada, await run(client, ada, slug))

    assert (ended["state"], ended["reason"]) == ("failed", "exit_code")


async def test_a_file_is_there_under_a_name_of_ours(client: httpx.AsyncClient, ada: Person) -> None:
    source = (
        "import json, sys\npath = sys.argv[1]\nprint('::result ' + json.dumps({'value': [path, open(path).read()]}))"
    )
    parameters = {"properties": {"input": {"type": "file", "bind": {"as": "argument"}}}}
    slug = await register(client, ada, source=source, parameters=parameters)
    upload = await client.post("/api/v1/files", files={"file": ("../../evil.csv", b"1,2")}, headers=ada.headers)

    ended = await end(client, ada, await run(client, ada, slug, params={"input": upload.json()["id"]}))

    assert ended["state"] == "succeeded", ended
    path, text = ended["result"]["value"]
    assert text == "1,2"
    assert path.endswith("/input.csv")


async def test_what_one_script_leaves_is_the_file_of_another(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    makes = (
        "import json, os\n"
        "open(os.environ['OUTPUT_DIR'] + '/made.csv', 'w').write('1,2')\n"
        "open(os.environ['OUTPUT_DIR'] + '/other.txt', 'w').write('no')\n"
        "ref = {'execution_id': os.environ['EXECUTION_ID'], 'artifact': 'made.csv'}\n"
        "print('::result ' + json.dumps({'file': ref}))\n"
    )
    takes = "import json, sys\nprint('::result ' + json.dumps({'text': open(sys.argv[1]).read()}))"
    parameter = {"type": "file", "extensions": [".csv"], "bind": {"as": "argument"}}
    first = await register(client, ada, name="Make", source=makes, parameters={}, outputs=["*.csv"])
    second = await register(client, ada, name="Take", source=takes, parameters={"properties": {"a": parameter}})
    bob = await make_person(app)
    await client.post(f"{SCRIPTS}/{second}/publish", headers=ada.headers)

    made = await end(client, ada, await run(client, ada, first))
    kept = await client.get(f"/api/v1/executions/{made['id']}/artifacts", headers=ada.headers)
    taken = await end(client, ada, await run(client, ada, second, params={"a": made["result"]["file"]}))
    absent = await run(client, ada, second, params={"a": made["result"]["file"] | {"artifact": "other.txt"}})
    foreign = await run(client, bob, second, params={"a": made["result"]["file"]})

    assert [each["name"] for each in kept.json()["items"]] == ["made.csv"], made
    assert taken["result"] == {"text": "1,2"}, taken
    assert [answer.json()["errors"][0]["pointer"] for answer in (absent, foreign)] == ["/params/a"] * 2


@ONLY_SQLITE
async def test_a_secret_appears_nowhere(
    app: FastAPI, client: httpx.AsyncClient, ada: Person, caplog: pytest.LogCaptureFixture
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

    ended = await end(client, ada, await run(client, ada, slug, params={"given": "WAREHOUSE"}))
    used = (await client.get("/api/v1/secrets/WAREHOUSE", headers=ada.headers)).json()
    everything = await dump(app.state.database) + json.dumps(ended) + caplog.text

    assert refused.status_code == 409
    assert (ended["state"], ended["reason"]) == ("failed", "exit_code"), ended
    assert ended["result"] == {"secret": "********", "********": 1}
    assert used["last_used_at"] is not None
    assert CANARY not in everything
    assert "Y2FuYXJ5LTkxZjA" not in everything


@ONLY_SQLITE
async def test_what_was_right_may_be_wrong_when_it_begins(client: httpx.AsyncClient, ada: Person) -> None:
    slug = await register(client, ada)
    target = {"type": "script", "script": slug, "params": {"text": "x"}}
    job = await client.post("/api/v1/jobs", json={"name": "nightly", "target": target}, headers=ada.headers)
    await client.delete(f"{SCRIPTS}/{slug}", headers=ada.headers)

    answer = await client.post(f"/api/v1/jobs/{job.json()['id']}/execute", headers=ada.headers)
    ended = await end(client, ada, answer)

    assert (ended["state"], ended["reason"]) == ("failed", "client_error")
    assert "There is no script" in ended["error"]


async def test_a_network_that_is_granted_no_more_ends_it_as_blocked(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    """It was granted when it was asked for, and is not where it runs."""
    slug = await register(client, ada, network="bridge", parameters={})
    generous = SandboxSettings(allow_network=True)
    app.state.settings = app.state.settings.model_copy(update={"sandbox": generous})

    ended = await end(client, ada, await run(client, ada, slug))

    assert (ended["state"], ended["reason"]) == ("failed", "blocked")
    assert "ALLOW_NETWORK is off" in ended["error"]


@ONLY_SQLITE
async def test_templates_in_a_jobs_own_params_reach_the_script_resolved(client: httpx.AsyncClient, ada: Person) -> None:
    slug = await register(client, ada)
    target = {"type": "script", "script": slug, "params": {"text": "{{ job_name }} of {{ scheduled_time | date }}"}}
    job = (await client.post("/api/v1/jobs", json={"name": "nightly", "target": target}, headers=ada.headers)).json()

    ended = await end(client, ada, await client.post(f"/api/v1/jobs/{job['id']}/execute", headers=ada.headers))

    text = f"nightly of {ended['queued_at'][:10]}"
    assert ended["params"] == {"text": text}
    assert ended["result"]["params"] == {"text": text, "count": 1}
