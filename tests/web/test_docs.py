"""The documentation pages come from our own files alone."""

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from stationmaster.web import docs
from tests.web.building import call, client_of, make_app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = make_app()
    docs.install(app)
    async with client_of(app) as opened:
        yield opened


@pytest.mark.parametrize("page", ["/docs", "/redoc", "/docs/", "/redoc/"])
async def test_a_page_and_all_it_names_is_served(client: httpx.AsyncClient, page: str) -> None:
    answer = await client.get(page)

    named = re.findall(r'(?:src|href|data-document)="([^"]*)"', answer.text)
    assert len(named) >= 4
    assert {address: (await client.get(address)).status_code for address in named} == dict.fromkeys(named, 200)


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
async def test_a_page_runs_only_scripts_from_here(client: httpx.AsyncClient, page: str) -> None:
    answer = await client.get(page)

    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "http" not in policy
    assert not re.search(r"<script>|<script [^s]|javascript:|\son\w+=|https?:", answer.text)


async def test_files_may_be_kept_by_the_browser(client: httpx.AsyncClient) -> None:
    answer = await client.get("/docs/static/swagger-ui.css")

    assert answer.headers["cache-control"] == "public, max-age=86400"
    assert answer.headers["content-type"].startswith("text/css")
    assert answer.headers["etag"]


@pytest.mark.parametrize("name", ["nothing.js", "README.md", "..%2fdocs.py", "%2e%2e/docs.py", "swagger.html", ""])
async def test_no_other_file_is_served(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/docs/static/{name}")).status_code == 404


async def test_pages_work_behind_a_prefix() -> None:
    app = make_app()
    app.root_path = "/behind"
    docs.install(app)

    answer = await call(app, "/behind/docs")

    assert b'src="/behind/docs/static/swagger.js"' in answer.body


def test_vendored_files_load_nothing_from_elsewhere() -> None:
    static = Path(docs.__file__).parent / "static"
    style = (static / "swagger-ui" / "swagger-ui.css").read_text()
    script = (static / "redoc" / "redoc.standalone.js").read_text()

    assert [address for address in re.findall(r"url\(\s*[\"']?(\w+):", style) if address != "data"] == []
    assert "@import" not in style
    assert "cdn.redoc" not in script


def test_vendored_files_carry_their_licences() -> None:
    static = Path(docs.__file__).parent / "static"

    for folder, word in (("swagger-ui", "Apache License"), ("redoc", "MIT License")):
        assert word in (static / folder / "LICENSE").read_text()


async def test_the_document_knows_its_prefix() -> None:
    app = make_app()
    docs.install(app)
    plain = json.loads((await call(app, "/openapi.json")).body)
    app.root_path = "/behind"

    behind = json.loads((await call(app, "/behind/openapi.json")).body)

    assert "servers" not in plain
    assert [{"url": "/behind"}] == behind.pop("servers")
    assert plain == behind


async def test_others_are_served_while_the_document_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app()
    docs.install(app)
    may_end = threading.Event()
    monkeypatch.setattr(app, "openapi", lambda: {"was_free": may_end.wait(timeout=5)})

    async with client_of(app) as client, asyncio.TaskGroup() as group:
        document = group.create_task(client.get("/openapi.json"))
        await client.get("/docs")
        may_end.set()

    assert {"was_free": True} == document.result().json()
