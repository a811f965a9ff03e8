"""Cookies on a machine of one's own, by plain HTTP."""

from http.cookies import SimpleCookie

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.config import CookieSettings, Settings
from tests.support.databases import ONLY_SQLITE
from tests.support.people import PASSWORD, make_user

pytestmark = ONLY_SQLITE  # what is in a cookie does not depend on the database

LOGIN = {"email": "ada@example.com", "password": PASSWORD, "cookie": True}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"cookies": CookieSettings(secure=False, same_site="strict")})


async def test_works_without_the_prefixes(app: FastAPI, client: httpx.AsyncClient) -> None:
    await make_user(app.state.database, email="ada@example.com")

    answer = await client.post("/api/v1/auth/login", json=LOGIN)

    cookies = SimpleCookie("\n".join(answer.headers.get_list("set-cookie")))
    flags = {name: (bool(each["secure"]), each["samesite"]) for name, each in cookies.items()}
    names = ("stationmaster", "stationmaster-refresh", "stationmaster-csrf")
    assert flags == dict.fromkeys(names, (False, "strict"))
    assert (await client.get("/api/v1/auth/me")).status_code == 200
