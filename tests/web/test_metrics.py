"""The scrape."""

from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from stationmaster.db.engine import Database
from stationmaster.telemetry import metrics as declared
from stationmaster.web import metrics
from tests.web.building import client_of, make_app


@pytest.fixture
async def client(shelf: Database) -> AsyncIterator[httpx.AsyncClient]:
    app = make_app()
    app.state.database = shelf
    app.add_route("/metrics", metrics.get_metrics)
    async with client_of(app) as opened:
        yield opened


async def test_it_gives_prometheus_text(client: httpx.AsyncClient) -> None:
    declared.leader_epoch.set(7)

    answer = await client.get("/metrics")

    samples = {
        sample.name: sample.value for family in text_string_to_metric_families(answer.text) for sample in family.samples
    }
    assert answer.headers["content-type"].startswith("text/plain")
    assert samples["stationmaster_leader_epoch"] == 7


async def test_it_gives_openmetrics_when_asked(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics", headers={"accept": "application/openmetrics-text"})

    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


async def test_it_counts_the_connections_in_use(client: httpx.AsyncClient, shelf: Database) -> None:
    async with shelf.reader.connect():
        await client.get("/metrics")
        in_use = declared.REGISTRY.get_sample_value("stationmaster_database_connections_in_use", {"pool": "reader"})

    assert in_use == 1
