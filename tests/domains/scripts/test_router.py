"""Scripts over HTTP: registered in three ways, versioned, read, downloaded, deleted."""

import io
import tarfile
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from dirty_equals import IsPartialDict
from fastapi import FastAPI
from sqlmodel import col

from stationmaster.db.session import unit_of_work
from stationmaster.domains.scripts.models import Script, Status, Version
from stationmaster.identity.actor import Role
from tests.support.archives import FILES, tar, zipped
from tests.support.databases import ONLY_SQLITE
from tests.support.people import Person, make_person

SCRIPTS = "/api/v1/scripts"
MANIFEST = """
name: Filter products
slug: filter
category: data_processing
parameters:
  required: [input]
  properties:
    input: {type: file, extensions: [.csv], bind: {as: argument}}
    debug: {type: boolean, default: false, bind: {as: flag}}
outputs: ["*.csv"]
progress_pattern: 'Progress: ([0-9.]+)%'
timeout_seconds: 60
"""


@pytest.fixture
async def ada(app: FastAPI) -> Person:
    return await make_person(app)


async def push(client: httpx.AsyncClient, by: Person, archive: bytes, path: str = SCRIPTS) -> httpx.Response:
    return await client.post(path, files={"file": ("script.tar.gz", archive)}, headers=by.headers)


async def register(client: httpx.AsyncClient, by: Person, **facts: Any) -> dict[str, Any]:
    body = {"name": "Say hello", "source": "print('hello')\n"} | facts
    answer = await client.post(SCRIPTS, json=body, headers=by.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_an_archive_becomes_a_script(client: httpx.AsyncClient, ada: Person) -> None:
    answer = await push(client, ada, tar({"stationmaster.yaml": MANIFEST, "main.py": ""}))

    made = answer.json()
    shown = await client.get(f"{SCRIPTS}/filter", headers=ada.headers)
    assert (answer.status_code, answer.headers["location"]) == (201, f"{SCRIPTS}/{made['id']}")
    assert made == shown.json()
    assert made == IsPartialDict(
        name="Filter products",
        slug="filter",
        category="data_processing",
        status="SUCCESS",
        version=1,
        runtime="sandbox",
        entrypoint=["main.py"],
        outputs=["*.csv"],
        timeout_seconds=60,
        destructive=False,
        public=False,
        restricted=False,
        allowed_roles=[],
        owner_id=str(ada.id),
    )
    assert made["parameters"] == {
        "type": "object",
        "required": ["input"],
        "properties": {
            "input": {"type": "string", "format": "file", "extensions": [".csv"], "bind": {"as": "argument"}},
            "debug": {"type": "boolean", "default": False, "bind": {"as": "flag"}},
        },
    }


async def test_a_zip_and_an_older_manifest(client: httpx.AsyncClient, ada: Person) -> None:
    older = (
        '{"name": "Land cover", "cpu_limit": 500000000, "memory_limit": 1000000000, "environment": "gee", "id": "1"}'
    )

    made = (await push(client, ada, zipped({"configuration.json": older, "src/main.py": ""}))).json()

    assert made == IsPartialDict(
        slug="land-cover", status="PENDING", version=None, runtime="docker", cpu_limit=0.5, memory_limit=1_000_000_000
    )


async def test_an_image_becomes_a_script(client: httpx.AsyncClient, ada: Person) -> None:
    body = {"name": "Reports", "image": "registry.example.com/reports:1.4", "memory_limit": 512 * 1024 * 1024}

    answer = await client.post(SCRIPTS, json=body, headers=ada.headers)

    assert answer.json() == IsPartialDict(
        status="SUCCESS", version=1, runtime="docker", image="registry.example.com/reports:1.4", entrypoint=[]
    )
    download = await client.get(f"{SCRIPTS}/reports/download", headers=ada.headers)
    assert (download.status_code, download.headers["content-type"]) == (409, "application/problem+json")


async def test_what_was_uploaded_is_downloaded(client: httpx.AsyncClient, ada: Person) -> None:
    archive = zipped()
    made = (await push(client, ada, archive)).json()

    answer = await client.get(f"{SCRIPTS}/{made['id']}/download", headers=ada.headers)

    assert (answer.content, answer.headers["content-type"]) == (archive, "application/octet-stream")
    assert 'filename="say-hello-1.zip"' in answer.headers["content-disposition"]


async def test_a_source_is_downloaded_as_an_archive_that_can_be_pushed(client: httpx.AsyncClient, ada: Person) -> None:
    made = await register(client, ada, source="print('hello')\n", parameters={"properties": {"n": {"type": "integer"}}})

    archive = (await client.get(f"{SCRIPTS}/{made['slug']}/download", headers=ada.headers)).content
    pushed = (await push(client, ada, archive)).json()

    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        assert sorted(opened.getnames()) == ["main.py", "stationmaster.yaml"]
    assert pushed["parameters"] == made["parameters"]
    assert pushed["slug"] == "say-hello-2"


async def test_versions_are_kept(client: httpx.AsyncClient, ada: Person) -> None:
    made = await register(client, ada)
    path = f"{SCRIPTS}/{made['slug']}"

    second = await push(client, ada, tar({**FILES, "more.txt": "2"}), f"{path}/versions")
    listed = (await client.get(f"{path}/versions", headers=ada.headers)).json()["items"]
    first = await client.get(f"{path}/download?version=1", headers=ada.headers)
    newest = await client.get(f"{path}/download", headers=ada.headers)

    assert second.status_code == 201
    assert [(one["number"], one["origin"], one["is_current"]) for one in listed] == [
        (2, "archive", True),
        (1, "inline", False),
    ]
    assert first.content != newest.content
    assert (await client.get(path, headers=ada.headers)).json()["version"] == 2


async def test_one_can_go_back_to_a_version(client: httpx.AsyncClient, ada: Person) -> None:
    made = await register(client, ada)
    path = f"{SCRIPTS}/{made['slug']}"
    await push(client, ada, tar({**FILES, "stationmaster.yaml": "name: Other\ntimeout_seconds: 7"}), f"{path}/versions")

    back = await client.patch(path, json={"version": 1}, headers=ada.headers)
    absent = await client.patch(path, json={"version": 3}, headers=ada.headers)

    assert back.json() == IsPartialDict(name="Other", version=1, newest_version=2, timeout_seconds=300)
    assert absent.status_code == 404


async def test_a_failed_build_keeps_the_former_version(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    made = await register(client, ada)
    path = f"{SCRIPTS}/{made['slug']}"
    container = {"stationmaster.yaml": "name: Say hello\nruntime: docker\nentrypoint: main.py", "main.py": ""}
    pending = await push(client, ada, tar(container), f"{path}/versions")
    async with unit_of_work(app.state.database) as session:
        await session.execute(
            sa.update(Version).where(col(Version.number) == 2).values(status=Status.FAILED, error="no pip")
        )
        await session.execute(sa.update(Script).values(status=Status.FAILED))

    shown = (await client.get(path, headers=ada.headers)).json()
    chosen = await client.patch(path, json={"version": 2}, headers=ada.headers)

    assert (pending.json()["status"], pending.json()["is_current"]) == ("PENDING", False)
    assert shown == IsPartialDict(status="FAILED", error="no pip", version=1, newest_version=2, runtime="sandbox")
    assert chosen.status_code == 409


async def test_the_log_of_a_version(client: httpx.AsyncClient, ada: Person) -> None:
    made = (await push(client, ada, tar())).json()

    lines = (await client.get(f"{SCRIPTS}/{made['slug']}/logs", headers=ada.headers)).json()["items"]
    rest = (await client.get(f"{SCRIPTS}/{made['slug']}/logs?after=2", headers=ada.headers)).json()["items"]

    assert [line["number"] for line in lines] == [1, 2, 3]
    assert "2 files" in lines[0]["text"]
    assert [line["text"] for line in rest] == ["Version 1 is ready."]


async def test_is_renamed(client: httpx.AsyncClient, ada: Person) -> None:
    made = await register(client, ada, category="tools")
    await register(client, ada, slug="taken")
    path = f"{SCRIPTS}/{made['id']}"

    changed = await client.patch(path, json={"slug": "new", "name": "New", "category": None}, headers=ada.headers)
    taken = await client.patch(path, json={"slug": "taken"}, headers=ada.headers)

    assert changed.json() == IsPartialDict(slug="new", name="New", category=None)
    assert taken.status_code == 409
    assert (await client.get(f"{SCRIPTS}/say-hello", headers=ada.headers)).status_code == 404


async def test_is_changed_only_as_it_was_read(client: httpx.AsyncClient, ada: Person) -> None:
    made = await register(client, ada)
    path = f"{SCRIPTS}/{made['id']}"
    etag = (await client.get(path, headers=ada.headers)).headers["etag"]

    first = await client.patch(path, json={"name": "A"}, headers=ada.headers | {"If-Match": etag})
    second = await client.patch(path, json={"name": "B"}, headers=ada.headers | {"If-Match": etag})

    assert (first.status_code, second.status_code) == (200, 412)


async def test_is_gone_when_deleted(client: httpx.AsyncClient, ada: Person) -> None:
    made = await register(client, ada)

    deleted = await client.delete(f"{SCRIPTS}/{made['slug']}", headers=ada.headers)

    assert deleted.status_code == 204
    assert (await client.get(f"{SCRIPTS}/{made['id']}", headers=ada.headers)).status_code == 404


async def test_the_list_and_the_catalog(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    admin = await make_person(app, Role.ADMIN)
    await register(client, ada, name="B", category="tools")
    await register(client, ada, name="A", category="tools", destructive=True)
    await register(client, ada, name="C")

    query = "?include=user_name,logs,environment,executions&sort=name&filter=category=tools"
    listed = (await client.get(f"{SCRIPTS}{query}", headers=admin.headers)).json()["items"]
    catalog = (await client.get(f"{SCRIPTS}/catalog", headers=ada.headers)).json()["categories"]

    assert [item["name"] for item in listed] == ["A", "B"]
    assert listed[0] == IsPartialDict(user_name=ada.user.name, executions=[])
    assert listed[0]["logs"][-1] == "Version 1 is ready."
    assert listed[0]["environment"]["runtime"] == "sandbox"
    assert [(each["category"], [one["slug"] for one in each["scripts"]]) for each in catalog] == [
        ("tools", ["a", "b"]),
        (None, ["c"]),
    ]
    assert catalog[0]["scripts"][0] == IsPartialDict(destructive=True, may_run=True)


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=SUCCESS", ["b", "a"]),
        ("status=FAILED", []),
        ("category=tools", ["a"]),
        ("public=true", ["b"]),
        ("public=false&status=SUCCESS", ["a"]),
    ],
)
async def test_the_list_is_narrowed(client: httpx.AsyncClient, ada: Person, query: str, expected: list[str]) -> None:
    await register(client, ada, name="A", category="tools")
    await register(client, ada, name="B")
    await client.post(f"{SCRIPTS}/b/publish", headers=ada.headers)

    answer = await client.get(f"{SCRIPTS}?{query}", headers=ada.headers)

    assert answer.status_code == 200, answer.text
    assert [item["slug"] for item in answer.json()["items"]] == expected


async def test_sent_again_it_is_the_same_script(client: httpx.AsyncClient, ada: Person) -> None:
    headers = ada.headers | {"Idempotency-Key": "k"}
    archive = tar()

    first = await client.post(SCRIPTS, files={"file": ("s.tar.gz", archive)}, headers=headers)
    second = await client.post(SCRIPTS, files={"file": ("s.tar.gz", archive)}, headers=headers)

    assert (second.status_code, second.json()) == (201, first.json())
    assert second.headers["idempotency-replayed"] == "true"
