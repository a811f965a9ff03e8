"""Retention through the API: the preview, the dry run that writes nothing, the sweep and its report."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from stationmaster.config import Settings
from stationmaster.db.base import metadata
from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from stationmaster.domains.retention import service
from stationmaster.identity.actor import Role
from stationmaster.kit import clock
from stationmaster.retention_settings import RetentionSettings
from tests.support.executions import make_spec, store
from tests.support.people import Person, make_person

PATH = "/api/v1/admin/retention"
SWEEP = f"{PATH}/sweep"
LONG_AGO = timedelta(days=100)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"retention": RetentionSettings(executions_per_job=10)})


@pytest.fixture
async def admin(app: FastAPI) -> Person:
    """Sign an admin in; three executions ended long ago, one just now."""
    database: Database = app.state.database
    ids = await store(database, make_spec(), 4)
    old = clock.now() - LONG_AGO
    async with unit_of_work(database) as session:
        ended = sa.update(Execution).values(state=State.CANCELLED, finished_at=Execution.queued_at)
        await session.execute(ended)
        aged = sa.update(Execution).where(sa.column("id").in_(ids[:3])).values(queued_at=old, finished_at=old)
        await session.execute(aged)
    return await make_person(app, Role.ADMIN)


async def dump(database: Database) -> dict[str, list[Any]]:
    """Read all rows of all tables."""
    async with read_only(database) as session:
        return {
            table.name: sorted(map(repr, (await session.execute(sa.select(table))).all()))
            for table in metadata.sorted_tables
        }


async def rule_of(client: httpx.AsyncClient, admin: Person, name: str = "executions") -> dict[str, Any]:
    answer = await client.get(PATH, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    return next(rule for rule in answer.json()["rules"] if rule["name"] == name)


@pytest.mark.parametrize(("role", "status"), [(None, 401), (Role.USER, 403), (Role.ADMIN, 200)])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_it_is_for_admins(
    app: FastAPI, client: httpx.AsyncClient, role: Role | None, status: int, method: str
) -> None:
    headers = (await make_person(app, role)).headers if role else {}

    assert status == (await client.request(method, PATH if method == "GET" else SWEEP, headers=headers)).status_code


async def test_the_preview_tells_what_each_rule_would_remove(client: httpx.AsyncClient, admin: Person) -> None:
    executions, per_job = await rule_of(client, admin), await rule_of(client, admin, "executions_per_job")
    audit = await rule_of(client, admin, "audit")

    assert (90 * 86_400, None, 3, False) == tuple(
        executions[name] for name in ("keep_seconds", "keep_count", "due", "due_capped")
    )
    assert (None, 10, None) == tuple(per_job[name] for name in ("keep_seconds", "keep_count", "removes_before"))
    assert (None, None, 0) == tuple(audit[name] for name in ("keep_seconds", "keep_count", "due"))


async def test_counting_stops_somewhere(
    client: httpx.AsyncClient, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "COUNTED", 2)

    rule = await rule_of(client, admin)
    assert (2, True) == (rule["due"], rule["due_capped"])


async def test_a_dry_run_is_the_default_and_changes_nothing(
    app: FastAPI, client: httpx.AsyncClient, admin: Person
) -> None:
    before = await dump(app.state.database)
    answer = await client.post(SWEEP, headers=admin.headers)

    assert {"name": "executions", "removed": 3} in answer.json()["rules"]
    assert (True, 3) == (answer.json()["dry_run"], answer.json()["removed"])
    assert before == await dump(app.state.database)


async def test_a_sweep_removes_and_reports(app: FastAPI, client: httpx.AsyncClient, admin: Person) -> None:
    sweep = {"params": {"dry_run": False, "limit": 2}, "headers": admin.headers}
    removed = [(await client.post(SWEEP, **sweep)).json()["removed"] for _ in range(3)]  # type: ignore[arg-type]
    rule = await rule_of(client, admin)

    assert [2, 1, 0] == removed
    assert (0, 3, 3) == tuple(rule[name] for name in ("due", "removed_in_30_days", "removed_in_all"))
    assert rule["last_removed_at"] is not None


@pytest.mark.parametrize("limit", [0, 10_001])
async def test_a_limit_out_of_bounds_is_refused(client: httpx.AsyncClient, admin: Person, limit: int) -> None:
    assert 422 == (await client.post(SWEEP, params={"limit": limit}, headers=admin.headers)).status_code


async def test_the_duty_does_the_same(app: FastAPI, client: httpx.AsyncClient, admin: Person) -> None:
    async with unit_of_work(app.state.database) as session:
        swept = await service.sweep(session, app.state.retention.rules)

    assert 3 == swept["executions"] == (await rule_of(client, admin))["removed_in_all"]
