"""The pages to which links in mails lead."""

import re

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.domains.auth.mailed_tokens import PAGE
from tests.support.databases import ONLY_SQLITE

pytestmark = ONLY_SQLITE


@pytest.mark.parametrize("path", sorted(set(PAGE.values())))
async def test_every_link_leads_to_a_page_with_all_it_names(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)

    named = re.findall(r'(?:src|href)="([^"]*)"', answer.text)
    assert answer.headers["content-type"].startswith("text/html")
    assert {address: (await client.get(address)).status_code for address in named} == dict.fromkeys(named, 200)


async def test_a_page_runs_only_scripts_from_here(client: httpx.AsyncClient) -> None:
    answer = await client.get("/reset-password")

    assert "script-src 'self';" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert not re.search(r"<script>|\son\w+=|https?:", answer.text)


async def test_the_script_calls_what_is_there(app: FastAPI, client: httpx.AsyncClient) -> None:
    script = (await client.get("/account-pages/account.js")).text

    called = set(re.findall(r'"(/api/[^"]*)"', script))
    assert len(called) == 2
    assert called <= set(app.openapi()["paths"])


@pytest.mark.parametrize("name", ["__init__.py", "verify-email.html", "..%2fapi.py", "nothing.js"])
async def test_no_other_file_is_served(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/account-pages/{name}")).status_code == 404
