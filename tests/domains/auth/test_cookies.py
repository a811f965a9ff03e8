"""Sessions of browsers: what is set, what is needed, what is cleared."""

from http.cookies import Morsel, SimpleCookie
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.config import Settings
from tests.support.databases import ONLY_SQLITE
from tests.support.people import PASSWORD, make_person, make_user

pytestmark = ONLY_SQLITE  # what is in a cookie does not depend on the database

AUTH = "/api/v1/auth"
ACCESS, REFRESH, CSRF = "__Host-stationmaster", "__Secure-stationmaster-refresh", "__Host-stationmaster-csrf"
LOGIN = {"email": "ada@example.com", "password": PASSWORD, "cookie": True}
SAFE, UNSAFE = (AUTH + "/me"), ("/api/v1/users/me/ui-preferences")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"cors_origins": ("https://ui.example",), "public_url": "https://station.example/base"}
    )


@pytest.fixture
async def browser(app: FastAPI) -> Any:
    """A client over HTTPS that keeps its cookies, of somebody who has an account."""
    await make_user(app.state.database, email="ada@example.com")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://testserver") as opened:
        yield opened


def cookies_of(answer: httpx.Response) -> dict[str, Morsel[str]]:
    found: dict[str, Morsel[str]] = {}
    for line in answer.headers.get_list("set-cookie"):
        found.update(SimpleCookie(line))
    return found


async def test_the_answer_has_no_token(browser: httpx.AsyncClient) -> None:
    answer = await browser.post(f"{AUTH}/login", json=LOGIN)

    assert answer.status_code == 200
    assert answer.json().keys() == {"user", "csrf_token", "expires_in"}
    assert cookies_of(answer)[ACCESS].value not in answer.text


async def test_flags_of_the_cookies(browser: httpx.AsyncClient) -> None:
    cookies = cookies_of(await browser.post(f"{AUTH}/login", json=LOGIN))

    flags = {name: (bool(each["secure"]), bool(each["httponly"]), each["samesite"], each["path"], each["domain"])
             for name, each in cookies.items()}  # fmt: skip
    assert flags == {
        ACCESS: (True, True, "lax", "/", ""),
        REFRESH: (True, True, "lax", AUTH, ""),
        CSRF: (True, False, "lax", "/", ""),
    }
    assert cookies[ACCESS]["max-age"] == "600"
    assert 600_000 < int(cookies[REFRESH]["max-age"]) <= 604_800


async def test_reading_needs_the_cookie_alone(browser: httpx.AsyncClient) -> None:
    await browser.post(f"{AUTH}/login", json=LOGIN)

    me = await browser.get(SAFE)

    assert (me.status_code, me.json()["email"]) == (200, "ada@example.com")


@pytest.mark.parametrize("proof", [None, b"", b"0" * 64, "ä".encode()])
async def test_changing_something_needs_the_proof(browser: httpx.AsyncClient, proof: bytes | None) -> None:
    await browser.post(f"{AUTH}/login", json=LOGIN)

    headers = {} if proof is None else {b"X-CSRF-Token": proof}
    answer = await browser.put(UNSAFE, json={}, headers=headers)

    assert answer.status_code == 403
    assert answer.json()["type"] == "/problems/csrf-proof-missing"


@pytest.mark.parametrize("origin", [None, "https://testserver", "https://ui.example", "https://station.example"])
async def test_the_proof_is_enough_from_our_own_places(browser: httpx.AsyncClient, origin: str | None) -> None:
    proof = (await browser.post(f"{AUTH}/login", json=LOGIN)).json()["csrf_token"]

    headers = {"X-CSRF-Token": proof} | ({"Origin": origin} if origin else {})
    assert (await browser.put(UNSAFE, json={}, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "https://evil.example",
        "http://testserver",
        "https://testserver:444",
        "https://ui.example.evil.example",
        "https://evil-ui.example",
        "http://ui.example",
    ],
)
async def test_other_sites_are_refused_in_spite_of_the_proof(browser: httpx.AsyncClient, origin: str) -> None:
    proof = (await browser.post(f"{AUTH}/login", json=LOGIN)).json()["csrf_token"]

    answer = await browser.put(UNSAFE, json={}, headers={"X-CSRF-Token": proof, "Origin": origin})

    assert answer.status_code == 403


async def test_the_proof_of_another_session_does_not_help(browser: httpx.AsyncClient) -> None:
    stolen = (await browser.post(f"{AUTH}/login", json=LOGIN)).json()["csrf_token"]
    await browser.post(f"{AUTH}/login", json=LOGIN)

    assert (await browser.put(UNSAFE, json={}, headers={"X-CSRF-Token": stolen})).status_code == 403


async def test_a_page_gets_its_proof_back(browser: httpx.AsyncClient) -> None:
    proof = (await browser.post(f"{AUTH}/login", json=LOGIN)).json()["csrf_token"]

    assert (await browser.get(SAFE)).json()["csrf_token"] == proof
    assert browser.cookies[CSRF] == proof


async def test_a_header_counts_before_the_cookie(app: FastAPI, browser: httpx.AsyncClient) -> None:
    bob = await make_person(app, name="bob")
    await browser.post(f"{AUTH}/login", json=LOGIN)

    me = (await browser.get(SAFE, headers=bob.headers)).json()

    assert (me["name"], me["csrf_token"]) == ("bob", None)
    assert (await browser.put(UNSAFE, json={}, headers=bob.headers)).status_code == 200


@pytest.mark.parametrize("origin", ["null", "https://evil.example"])
async def test_another_site_does_not_log_its_visitors_in(browser: httpx.AsyncClient, origin: str) -> None:
    answer = await browser.post(f"{AUTH}/login", json=LOGIN, headers={"Origin": origin})

    assert answer.status_code == 403
    assert not cookies_of(answer)


async def test_a_form_of_another_site_does_not_log_in(browser: httpx.AsyncClient) -> None:
    text = '{"email": "ada@example.com", "password": "' + PASSWORD + '", "cookie": true}'

    answer = await browser.post(f"{AUTH}/login", content=text, headers={"Content-Type": "text/plain"})

    assert answer.status_code == 415


async def test_a_planted_session_is_replaced_at_login(app: FastAPI, browser: httpx.AsyncClient) -> None:
    mallory = await make_person(app, name="mallory")
    browser.cookies.set(ACCESS, mallory.grant.access_token, domain="testserver.local", path="/")

    await browser.post(f"{AUTH}/login", json=LOGIN)

    assert (await browser.get(SAFE)).json()["email"] == "ada@example.com"


async def test_refresh_by_cookie(browser: httpx.AsyncClient) -> None:
    proof = (await browser.post(f"{AUTH}/login", json=LOGIN)).json()["csrf_token"]
    before = dict(browser.cookies)

    answer = await browser.post(f"{AUTH}/refresh", headers={"X-CSRF-Token": proof})

    assert answer.json().keys() == {"user", "csrf_token", "expires_in"}
    assert answer.json()["csrf_token"] == proof
    assert browser.cookies[REFRESH] != before[REFRESH]
    assert browser.cookies[ACCESS] != before[ACCESS]
    assert (await browser.get(SAFE)).status_code == 200


async def test_refresh_by_cookie_needs_the_proof(browser: httpx.AsyncClient) -> None:
    await browser.post(f"{AUTH}/login", json=LOGIN)

    assert (await browser.post(f"{AUTH}/refresh")).status_code == 403


async def test_logout_by_cookie(browser: httpx.AsyncClient) -> None:
    proof = (await browser.post(f"{AUTH}/login", json=LOGIN)).json()["csrf_token"]
    access = browser.cookies[ACCESS]

    answer = await browser.post(f"{AUTH}/logout", headers={"X-CSRF-Token": proof})

    assert answer.status_code == 204
    assert {name: each["max-age"] for name, each in cookies_of(answer).items()} == dict.fromkeys(
        (ACCESS, REFRESH, CSRF), "0"
    )
    assert not browser.cookies
    assert (await browser.get(SAFE, headers={"Authorization": f"Bearer {access}"})).status_code == 401


async def test_logout_by_cookie_needs_the_proof(browser: httpx.AsyncClient) -> None:
    await browser.post(f"{AUTH}/login", json=LOGIN)

    assert (await browser.post(f"{AUTH}/logout")).status_code == 403
    assert (await browser.get(SAFE)).status_code == 200


async def test_logout_when_the_access_cookie_is_gone(browser: httpx.AsyncClient) -> None:
    proof = (await browser.post(f"{AUTH}/login", json=LOGIN)).json()["csrf_token"]
    browser.cookies.delete(ACCESS)

    answer = await browser.post(f"{AUTH}/logout", headers={"X-CSRF-Token": proof})

    assert answer.status_code == 204
    assert set(cookies_of(answer)) == {ACCESS, REFRESH, CSRF}


async def test_rubbish_in_the_cookie_can_be_cleared(browser: httpx.AsyncClient) -> None:
    browser.cookies.set(ACCESS, "rubbish")

    assert (await browser.get(SAFE)).status_code == 401
    answer = await browser.post(f"{AUTH}/logout")
    assert (answer.status_code, set(cookies_of(answer))) == (204, {ACCESS, REFRESH, CSRF})


async def test_logout_everywhere_clears_the_cookies(browser: httpx.AsyncClient) -> None:
    proof = (await browser.post(f"{AUTH}/login", json=LOGIN)).json()["csrf_token"]

    answer = await browser.post(f"{AUTH}/logout-all", headers={"X-CSRF-Token": proof})

    assert (answer.status_code, set(cookies_of(answer))) == (204, {ACCESS, REFRESH, CSRF})
