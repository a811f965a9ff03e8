"""Lists of executions: the list language, what is included, cursors, and for whom."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from pydantic import SecretStr

from stationmaster.app import create_app
from stationmaster.config import RunnerSettings, Settings
from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions.listing import EXECUTIONS
from stationmaster.domains.executions.models import Attempt, Execution
from stationmaster.domains.executions.states import Reason, State
from stationmaster.identity.actor import Role
from stationmaster.kit.ids import new_id
from tests.support.databases import Databases, Dialect
from tests.support.executions import make_spec, store
from tests.support.lifespan import lifespan_of
from tests.support.people import Person, make_person
from tests.web.building import client_of

DAY = datetime(2026, 11, 20, tzinfo=UTC)
JOB = new_id()
COMMON: dict[str, Any] = {"job_id": JOB, "job_name": "nightly, 50%"}
HOSTILE = ["' OR 1=1 --", "x'; DROP TABLE executions; --", "%' --", "\\", "_", "$1", ":id", "NaN", "\u202e", "{}"]


@dataclass
class World:
    """Four executions, made in this order: a failed, a succeeded and a running one of Ada's, and one of nobody's."""

    client: httpx.AsyncClient
    database: Database
    ada: Person
    stranger: Person
    admin: Person
    ids: list[UUID]

    async def get(self, by: Person | None = None, /, **parameters: Any) -> httpx.Response:
        headers = (by or self.admin).headers
        return await self.client.get("/api/v1/executions", params=parameters, headers=headers)

    async def items(self, by: Person | None = None, /, **parameters: Any) -> list[dict[str, Any]]:
        answer = await self.get(by, **parameters)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def found(self, by: Person | None = None, /, **parameters: Any) -> list[int]:
        """Return which of the four are listed, numbered from 1, in the order of the answer."""
        return [self.ids.index(UUID(item["id"])) + 1 for item in await self.items(by, **parameters)]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """Name the kind of database; these tests change nothing and share one."""
    chosen: Dialect = request.param
    return chosen


@pytest.fixture(scope="module")
async def world(
    databases: Databases, dialect: Dialect, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    async with databases.migrated(dialect) as url:
        settings = Settings(
            _env_file=None,
            data_dir=tmp_path_factory.mktemp("data"),
            database_url=url,
            secret_key=SecretStr("a secret key of the tests, long enough"),
            scheduler_enabled=False,
            runner=RunnerSettings(enabled=False),
        )
        app = create_app(settings)
        async with lifespan_of(app), client_of(app) as client:
            yield await make_world(app, client)


async def make_world(app: FastAPI, client: httpx.AsyncClient) -> World:
    ada, stranger = [await make_person(app, Role.USER, name=name) for name in ("Ada", "Bob")]
    admin = await make_person(app, Role.ADMIN)
    database: Database = app.state.database
    ids = await store(database, make_spec(), 3, owner_id=ada.id, **COMMON)
    ids += await store(database, make_spec())
    running = {"state": State.RUNNING, "attempt": 2, "attempt_started_at": DAY, "worker": "station-2"}
    changes: list[dict[str, Any]] = [
        {"state": State.FAILED, "reason": Reason.SERVER_ERROR, "response_status": 503, "error": "The receiver, 503."},
        {"state": State.SUCCEEDED, "duration_seconds": 1.5, "worker": "station-1"},
        running,
        {},
    ]
    async with unit_of_work(database) as session:
        for number, (id_, change) in enumerate(zip(ids, changes, strict=True)):
            instants = {"queued_at": DAY + timedelta(days=number), "started_at": DAY if change else None}
            await session.execute(sa.update(Execution).where(sa.column("id") == id_).values(**instants, **change))
        attempt = Attempt(
            execution_id=ids[2], number=1, worker="station-1", state=State.FAILED, started_at=DAY, finished_at=DAY
        )
        session.add(attempt)
    return World(client, database, ada, stranger, admin, ids)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("state = failed", [1]),
        ("state != failed", [4, 3, 2]),
        ("(state = failed OR state = running)", [3, 1]),
        ("reason = server_error", [1]),
        ("reason = null", [4, 3, 2]),
        ("type = webhook, trigger = manual", [4, 3, 2, 1]),
        (f"job_id = {JOB}", [3, 2, 1]),
        ('job_name = "nightly, 50%"', [3, 2, 1]),
        ("job_name like NIGHT%", [3, 2, 1]),
        ("owner_id = null", [4]),
        ("queued_at = 2026-11-21", [2]),
        ("queued_at > 2026-11-21", [4, 3]),
        ("queued_at <= 2026-11-21", [2, 1]),
        ("started_at != null", [3, 2, 1]),
        ("duration_seconds >= 1.5", [2]),
        ("attempt = 2", [3]),
        ("response_status > 499", [1]),
        ("error like %503%", [1]),
        ("worker = station-2", [3]),
        ("schedule_id = null, scheduled_for = null, finished_at = null, retry_of = null", [4, 3, 2, 1]),
        ("user_name = Ada", [3, 2, 1]),
        ("user_email like ADA@%", [3, 2, 1]),
        ("user_email = null", [4]),
        ("user_name != Ada", [4]),
    ],
)
async def test_filters(world: World, text: str, expected: list[int]) -> None:
    assert await world.found(filter=text) == expected


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("id", [1, 2, 3, 4]),
        ("queued_at", [1, 2, 3, 4]),
        ("-queued_at", [4, 3, 2, 1]),
        ("state", [1, 4, 3, 2]),
        ("-duration_seconds", [4, 3, 1, 2]),
        ("started_at, -id", [3, 2, 1, 4]),
        ("user_name, -id", [3, 2, 1, 4]),
    ],
)
@pytest.mark.parametrize("paging", [{}, {"cursor": ""}])
async def test_sorts(world: World, sort: str, expected: list[int], paging: dict[str, str]) -> None:
    assert await world.found(sort=sort, **paging) == expected


async def test_typed_parameters_and_filters_hold_together(world: World) -> None:
    assert await world.found(status=["failed", "running"], filter="attempt = 2") == [3]
    assert await world.found(**{"from": "2026-11-21", "to": "2026-11-22", "filter": "state = succeeded"}) == [2]


@pytest.mark.parametrize("sort", ["", "queued_at", "-state,worker"])
async def test_cursors_visit_everything_once(world: World, sort: str) -> None:
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await world.get(cursor=cursor, size=1, sort=sort)).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]

    assert sorted(seen) == sorted(map(str, world.ids))


async def test_a_range_of_time_can_be_walked_by_cursor(world: World) -> None:
    page = (await world.get(**{"from": "2026-11-20", "to": "2026-11-22", "cursor": "", "size": 2})).json()

    rest = await world.found(**{"from": "2026-11-20", "to": "2026-11-22", "cursor": page["next_cursor"]})

    assert ([item["id"] for item in page["items"]], rest) == ([str(world.ids[2]), str(world.ids[1])], [1])


async def test_administrators_include_whose_it_is(world: World) -> None:
    items = await world.items(include="user,user_name,user_email", sort="id", exclude="params")

    assert items[0]["user"] == {"id": str(world.ada.id), "name": "Ada", "email": "Ada@example.com".lower()}
    assert (items[0]["user_name"], items[0]["user_email"]) == ("Ada", "ada@example.com")
    assert [items[3][name] for name in ("user", "user_name", "user_email")] == [None] * 3
    assert "params" not in items[0]


async def test_others_see_that_somebody_owns_it_and_themselves_by_name(world: World) -> None:
    own = (await world.items(world.ada, include="user", sort="id"))[0]["user"]
    other = (await world.items(world.stranger, include="user", sort="id"))[0]["user"]

    assert own["name"] == "Ada"
    assert other == {"id": str(world.ada.id), "name": None, "email": None}


async def test_includes_attempts_and_the_name_of_the_job(world: World) -> None:
    items = await world.items(world.stranger, include="attempts, job_name", exclude="job", sort="id")

    assert [len(item["attempts"]) for item in items] == [0, 0, 2, 0]
    assert [attempt["state"] for attempt in items[2]["attempts"]] == ["failed", "running"]
    assert [item["job_name"] for item in items] == ["nightly, 50%"] * 3 + [None]
    assert "job" not in items[0]


async def test_a_list_has_the_plain_fields_by_itself(world: World) -> None:
    """What one execution began elsewhere is shown with it, and in lists when it is asked for."""
    [plain] = (await world.items(size=1))[:1]
    single = await world.client.get(f"/api/v1/executions/{plain['id']}", headers=world.admin.headers)

    assert plain | {"external_tasks": []} == single.json()


@pytest.mark.parametrize(
    "parameters",
    [
        {"filter": "user_name = Ada"},
        {"filter": "(state = failed OR user_email like %)"},
        {"sort": "user_email"},
        {"include": "user_name"},
        {"include": "user,user_email"},
    ],
)
async def test_names_and_addresses_are_for_administrators(world: World, parameters: dict[str, str]) -> None:
    answer = await world.get(world.ada, **parameters)

    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")


@pytest.mark.parametrize(
    ("parameters", "parameter"),
    [
        ({"include": "journal"}, "include"),
        ({"include": "colours"}, "include"),
        ({"exclude": "password"}, "exclude"),
        ({"filter": "overlap_key = x"}, "filter"),
        ({"filter": "lease_token = null"}, "filter"),
        ({"filter": "params.x = 1"}, "filter"),
        ({"filter": "state = done"}, "filter"),
        ({"sort": "error"}, "sort"),
        ({"sort": "result"}, "sort"),
        ({"meta_filter": "a:b"}, "meta_filter"),
        ({"cursor": "x"}, "cursor"),
    ],
)
async def test_what_is_not_offered_is_refused(world: World, parameters: dict[str, str], parameter: str) -> None:
    answer = await world.get(**parameters)

    assert answer.status_code == 422, answer.text
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


@pytest.mark.parametrize("name", [found.name for found in (EXECUTIONS.key, *EXECUTIONS.fields)])
async def test_no_text_breaks_out_of_a_field(world: World, name: str) -> None:
    for text in HOSTILE:
        quoted = '"' + text.replace('"', '""') + '"'
        exact, like = [await world.get(filter=f"{name} {operator} {quoted}") for operator in ("=", "like")]

        assert exact.status_code == 422 or exact.json()["items"] == []
        assert like.status_code in {200, 422}, like.text
    assert await world.found(sort="id") == [1, 2, 3, 4]


@pytest.mark.parametrize("parameter", ["sort", "include", "exclude", "cursor", "filter", "type"])
async def test_no_text_breaks_out_of_a_parameter(world: World, parameter: str) -> None:
    for text in HOSTILE:
        answer = await world.get(**{parameter: text})

        assert answer.status_code == 422 or (parameter == "type" and answer.json()["items"] == [])
