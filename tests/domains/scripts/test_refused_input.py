"""What is refused when a script is registered: hostile archives, wrong manifests, other bodies."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.config import Settings
from stationmaster.kit.ids import new_id
from stationmaster.setting_groups import ScriptSettings
from tests.domains.scripts.archives.hostile import HOSTILE
from tests.support.archives import tar
from tests.support.databases import ONLY_SQLITE
from tests.support.people import Person, make_person

SCRIPTS = "/api/v1/scripts"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"scripts": ScriptSettings(max_archive_bytes=30_000)})


@pytest.fixture
async def ada(app: FastAPI) -> Person:
    return await make_person(app)


async def push(client: httpx.AsyncClient, by: Person, archive: bytes) -> httpx.Response:
    return await client.post(SCRIPTS, files={"file": ("script.tar.gz", archive)}, headers=by.headers)


@ONLY_SQLITE
@pytest.mark.parametrize("kind", ["parent folder", "symbolic link", "bomb", "zip: lying size", "chain of long names"])
async def test_a_hostile_archive_is_refused(client: httpx.AsyncClient, ada: Person, kind: str) -> None:
    answer = await push(client, ada, HOSTILE[kind][:30_000])

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/file")
    assert (await client.get(SCRIPTS, headers=ada.headers)).json()["total"] == 0


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("manifest", "pointer"),
    [
        ("", ""),
        ("- a\n- b", ""),
        ("name: [", ""),
        ("name: &a [x]\ndescription: *a", ""),
        ("description: no name", "/name"),
        ("name: x\nunknown: 1", "/unknown"),
        ("name: x\nentrypoint: absent.py", "/entrypoint"),
        ("name: x\ntimeout_seconds: 0", "/timeout_seconds"),
        ("name: x\nprogress_pattern: '('", "/progress_pattern"),
        ("name: x\nsecrets: [PATH]", ""),
        ("name: x\nslug: Not-A-Slug", "/slug"),
        ("name: x\nslug: catalog", "/slug"),
        ("name: x\nparameters: {properties: {a: {type: text}}}", "/parameters/properties/a/type"),
        ("name: x\nparameters: {properties: {a: {type: string, $ref: x}}}", "/parameters/properties/a/$ref"),
        ("name: x\nparameters: {properties: {a: {type: integer, default: b}}}", "/parameters"),
        ("name: x\nparameters: {properties: {a: {type: string, pattern: '('}}}", "/parameters"),
    ],
)
async def test_names_what_is_wrong_in_a_manifest(
    client: httpx.AsyncClient, ada: Person, manifest: str, pointer: str
) -> None:
    answer = await push(client, ada, tar({"stationmaster.yaml": manifest, "main.py": ""}))

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


@ONLY_SQLITE
@pytest.mark.parametrize(
    "body",
    [
        {"name": "x"},
        {"name": "x", "source": "", "image": None},
        {"name": "x", "source": "a", "image": "b"},
        {"name": "x", "source": "a", "runtime": "docker"},
        {"name": "x", "source": "a", "entrypoint": ["python3", "main.py"]},
        {"name": "x", "source": "a", "entrypoint": "../main.py"},
        {"name": "x", "image": "not an image"},
        {"name": "x", "image": "b", "runtime": "sandbox"},
        {"name": "x", "source": "a", "owner_id": str(new_id())},
        [],
        "text",
    ],
)
async def test_refuses_other_bodies(client: httpx.AsyncClient, ada: Person, body: object) -> None:
    assert (await client.post(SCRIPTS, json=body, headers=ada.headers)).status_code == 422


@ONLY_SQLITE
async def test_refuses_what_is_no_script(client: httpx.AsyncClient, ada: Person) -> None:
    async def status(**request: Any) -> int:
        answer = await client.post(SCRIPTS, headers=ada.headers | request.pop("headers", {}), **request)
        return answer.status_code

    assert await status(content=b"{", headers={"Content-Type": "application/json"}) == 400
    assert await status(content=b"x", headers={"Content-Type": "text/plain"}) == 415
    assert await status(files={"other": ("a", tar())}) == 422
    assert await status(files={"file": ("a", tar())}, data={"more": "x"}) == 422
    assert await status(files={"file": ("a", b"\x1f\x8b" + b"x" * 30_000)}) == 413
    assert await status(files={"file": ("a", tar({"inner/stationmaster.yaml": "name: x"}))}) == 422
