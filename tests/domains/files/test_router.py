"""Files over HTTP: uploaded, measured, given back byte for byte, and nobody else's."""

import hashlib
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.config import HttpSettings, Settings
from stationmaster.identity.actor import Role
from stationmaster.kit.ids import new_id
from stationmaster.setting_groups import FileSettings
from tests.support.databases import ONLY_SQLITE
from tests.support.people import Person, make_person

FILES = "/api/v1/files"
CONTENT = bytes(range(256)) * 300


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Make all uploads small: what is read at all is as much as the largest of them."""
    groups = {
        "files": FileSettings(max_bytes=100_000, quota_bytes=150_000),
        "journal": settings.journal.model_copy(update={"max_artifact_bytes": 100_000}),
        "scripts": settings.scripts.model_copy(update={"max_archive_bytes": 100_000}),
        "http": HttpSettings(max_body_bytes=20_000),
    }
    return settings.model_copy(update=groups)


@pytest.fixture
async def ada(app: FastAPI) -> Person:
    return await make_person(app)


async def upload(
    client: httpx.AsyncClient, by: Person, content: bytes = CONTENT, name: str = "data.bin", key: str | None = None
) -> httpx.Response:
    headers = by.headers | ({"Idempotency-Key": key} if key else {})
    return await client.post(FILES, files={"file": (name, content)}, headers=headers)


async def test_what_was_uploaded_comes_back(client: httpx.AsyncClient, ada: Person) -> None:
    answer = await upload(client, ada, name="Größe 1.csv")

    made = answer.json()
    shown = await client.get(answer.headers["location"], headers=ada.headers)
    content = await client.get(f"{FILES}/{made['id']}/content", headers=ada.headers)
    assert answer.status_code == 201
    assert made == shown.json()
    assert (made["name"], made["size_bytes"]) == ("Größe 1.csv", len(CONTENT))
    assert made["checksum"] == hashlib.sha256(CONTENT).hexdigest()
    assert content.content == CONTENT
    assert content.headers["content-type"] == "application/octet-stream"
    assert content.headers["content-disposition"] == (
        "attachment; filename=\"Gr__e 1.csv\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%201.csv"
    )


async def test_an_empty_file_is_a_file(client: httpx.AsyncClient, ada: Person) -> None:
    made = (await upload(client, ada, b"")).json()

    content = await client.get(f"{FILES}/{made['id']}/content", headers=ada.headers)

    assert (made["size_bytes"], content.status_code, content.content) == (0, 200, b"")


@pytest.mark.parametrize(
    ("declared", "kept"),
    [
        ("text/csv; charset=latin-1", "text/csv"),
        ("TEXT/CSV", "text/csv"),
        ("nonsense", "application/octet-stream"),
        ("text/" + "x" * 70, "application/octet-stream"),
    ],
)
async def test_the_declared_type_is_kept(client: httpx.AsyncClient, ada: Person, declared: str, kept: str) -> None:
    files = {"file": ("a.csv", b"1", declared)}

    answer = await client.post(FILES, files=files, headers=ada.headers)

    assert answer.json()["media_type"] == kept


async def test_the_largest_that_is_taken(client: httpx.AsyncClient, ada: Person) -> None:
    assert (await upload(client, ada, b"x" * 100_000)).status_code == 201
    assert (await upload(client, ada, b"x" * 100_001)).status_code == 413


async def test_more_is_cut_off_while_it_comes(client: httpx.AsyncClient, ada: Person) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        while sent < 10_000_000:
            sent += 65_536
            yield b"x" * 65_536

    headers = ada.headers | {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await client.post(FILES, content=endless(), headers=headers)

    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    assert sent < 1_000_000


async def test_other_operations_take_no_more_than_before(client: httpx.AsyncClient, ada: Person) -> None:
    body = {"name": "A", "value": "x" * 30_000}

    answer = await client.post("/api/v1/secrets", json=body, headers=ada.headers)

    assert answer.status_code == 413


async def test_the_quota_is_each_persons(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    bob = await make_person(app)
    first = (await upload(client, ada, b"a" * 100_000)).json()

    refused = await upload(client, ada, b"b" * 50_001)
    others = await upload(client, bob, b"b" * 50_001)
    await client.delete(f"{FILES}/{first['id']}", headers=ada.headers)
    again = await upload(client, ada, b"b" * 50_001)

    assert [refused.status_code, others.status_code, again.status_code] == [409, 201, 201]
    assert "100,000 of 150,000" in refused.json()["detail"]


async def test_a_deleted_file_is_gone(client: httpx.AsyncClient, ada: Person) -> None:
    made = (await upload(client, ada)).json()

    deleted = await client.delete(f"{FILES}/{made['id']}", headers=ada.headers)

    assert deleted.status_code == 204
    assert (await client.get(f"{FILES}/{made['id']}", headers=ada.headers)).status_code == 404


async def test_it_is_the_owners(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    bob, admin = await make_person(app), await make_person(app, Role.ADMIN)
    made = (await upload(client, ada)).json()

    async def statuses(by: Person, id_: str) -> list[int]:
        paths = (f"{FILES}/{id_}", f"{FILES}/{id_}/content")
        return [(await client.get(path, headers=by.headers)).status_code for path in paths]

    assert await statuses(bob, made["id"]) == await statuses(bob, str(new_id())) == [404, 404]
    assert await statuses(admin, made["id"]) == [200, 200]
    assert (await client.delete(f"{FILES}/{made['id']}", headers=bob.headers)).status_code == 404


async def test_lists_own_ones_and_all_for_admins(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    bob, admin = await make_person(app), await make_person(app, Role.ADMIN)
    await upload(client, ada, b"1", "a.csv")
    await upload(client, bob, b"22", "b.csv")

    async def names(by: Person, query: str = "") -> list[str]:
        answer = await client.get(f"{FILES}{query}", headers=by.headers)
        return [item["name"] for item in answer.json()["items"]]

    assert await names(ada) == ["a.csv"]
    assert await names(admin) == ["b.csv", "a.csv"]
    assert await names(admin, "?filter=size_bytes>1&include=user_name") == ["b.csv"]


async def test_sent_again_it_is_the_same_file(client: httpx.AsyncClient, ada: Person) -> None:
    first = await upload(client, ada, key="k")
    second = await upload(client, ada, key="k")

    assert (second.status_code, second.json()) == (201, first.json())
    assert second.headers["idempotency-replayed"] == "true"


@ONLY_SQLITE
@pytest.mark.parametrize("name", ["../../etc/passwd", "-rf", "$(id).csv", "a" * 255])
async def test_a_name_is_a_label(client: httpx.AsyncClient, ada: Person, name: str) -> None:
    answer = await upload(client, ada, name=name)

    assert (answer.status_code, answer.json()["name"]) == (201, name)


@ONLY_SQLITE
@pytest.mark.parametrize("name", ["", "a" * 256, "a\u202eb"])
async def test_a_name_is_printable(client: httpx.AsyncClient, ada: Person, name: str) -> None:
    answer = await upload(client, ada, name=name)

    assert answer.status_code == 422


@ONLY_SQLITE
async def test_a_form_without_file_is_refused(client: httpx.AsyncClient, ada: Person) -> None:
    answer = await client.post(FILES, files={"other": ("a", b"1")}, headers=ada.headers)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/file")


@ONLY_SQLITE
@pytest.mark.parametrize(("role", "status"), [(None, 401), (Role.VIEWER, 403)])
async def test_viewers_upload_nothing(app: FastAPI, client: httpx.AsyncClient, role: Role | None, status: int) -> None:
    headers = (await make_person(app, role)).headers if role else {}

    assert (await client.post(FILES, files={"file": ("a", b"1")}, headers=headers)).status_code == status
