"""One line and two metrics for each request."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter

from stationmaster.telemetry.metrics import REGISTRY
from tests.web.building import client_of, make_app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app, router = make_app(), APIRouter(prefix="/people")

    @router.get("/{name}")
    async def get_person(name: str, token: str = "") -> str:
        return name

    @app.get("/health/live")
    async def get_liveness() -> str:
        return "ok"

    app.include_router(router, prefix="/api")
    async with client_of(app) as opened:
        yield opened


async def line_of(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, url: str, **options: Any) -> Any:
    caplog.set_level(logging.INFO)
    await client.request(options.pop("method", "GET"), url, **options)
    return [record for record in caplog.records if record.message == "http.request"][-1]


async def test_a_line_says_what_was_asked_and_answered(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    line = await line_of(client, caplog, "/api/people/ada")

    assert (line.method, line.route, line.status) == ("GET", "/api/people/{name}", 200)
    assert 0 <= line.duration_ms < 5000


@pytest.mark.parametrize(
    ("url", "route", "status"),
    [("/nowhere/ada", "none", 404), ("/api/people/ada?x=1", "/api/people/{name}", 422), ("/api/%00ada", "none", 400)],
)
async def test_a_refusal_has_its_line(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, url: str, route: str, status: int
) -> None:
    line = await line_of(client, caplog, url)

    assert (line.route, line.status) == (route, status)


async def test_a_line_holds_no_personal_data(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    line = await line_of(client, caplog, "/api/people/ada?token=hunter2", headers={"x-forwarded-for": "192.0.2.7"})

    assert not [word for word in ("ada", "hunter2", "192.0.2.7", "127.0.0.1") if word in str(vars(line))]


async def test_a_head_request_is_counted_under_its_route(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    line = await line_of(client, caplog, "/api/people/ada", method="HEAD")

    assert (line.method, line.route) == ("HEAD", "/api/people/{name}")


async def test_probes_are_not_worth_a_line(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await client.get("/health/live")

    assert [record.message for record in caplog.records if record.name.startswith("stationmaster")] == []


def counted(**labels: str) -> float:
    return REGISTRY.get_sample_value("stationmaster_http_requests_total", labels) or 0


async def test_a_request_is_counted_and_measured(client: httpx.AsyncClient) -> None:
    labels = {"method": "GET", "route": "/api/people/{name}"}
    before = counted(**labels, status="2xx")

    await client.get("/api/people/grace")

    assert counted(**labels, status="2xx") == before + 1
    assert (REGISTRY.get_sample_value("stationmaster_http_request_duration_seconds_count", labels) or 0) >= 1


async def test_made_up_methods_and_paths_make_no_new_series(client: httpx.AsyncClient) -> None:
    before = counted(method="other", route="none", status="4xx")

    for number in range(5):
        await client.request(f"MADEUP{number}", f"/made/up/{number}")

    assert counted(method="other", route="none", status="4xx") == before + 5
