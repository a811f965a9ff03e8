"""Lists of jobs: the list language, metadata, what is included, and for whom."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from stationmaster.domains.jobs.listing import JOBS
from tests.support.work import Desk

HOSTILE = ["' OR 1=1 --", "x'; DROP TABLE jobs; --", "\"}' --", "\\", "_", "$.region", "$1", ":id", "NaN"]


@dataclass
class Shelf:
    """Three jobs of the owner, made in this order, and one of the stranger's."""

    desk: Desk
    jobs: list[dict[str, Any]]

    async def get(self, **parameters: Any) -> httpx.Response:
        return await self.desk.call("GET", by=self.desk.admin, params=parameters)

    async def items(self, **parameters: Any) -> list[dict[str, Any]]:
        answer = await self.get(**parameters)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def found(self, **parameters: Any) -> list[int]:
        """Return which of the jobs are listed, numbered from 1, in the order of the answer."""
        ids = [job["id"] for job in self.jobs]
        return [ids.index(item["id"]) + 1 for item in await self.items(**parameters)]


@pytest.fixture(scope="module")
async def shelf(shared_desk: Desk) -> Shelf:
    desk = shared_desk
    jobs = [
        await desk.create(
            name="Anchor", description="keeps, holds", metadata={"region": "north", "size": 9, "on": True}
        ),
        await desk.create(name="anchor chain", timeout_seconds=5, metadata={"region": "5", "size": 10, 'a"b': "x"}),
        await desk.create(name="50% sail", is_active=False, metadata={"region": "south, side: 2", "tags": ["north"]}),
    ]
    body = {"name": "zeppelin", "target": jobs[0]["target"]}
    jobs.append((await desk.call("POST", body=body, by=desk.stranger)).json())
    return Shelf(desk, jobs)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name = Anchor", [1]),
        ("name like anchor%", [2, 1]),
        ("name like 50%%", [3]),
        ("description like %HOLDS", [1]),
        ('description = "keeps, holds"', [1]),
        ("description = null", [4, 3, 2]),
        ("is_active = false", [3]),
        ("timeout_seconds < 300", [2]),
        ("created_at >= 2020-01-01, updated_at < 9000-01-01", [4, 3, 2, 1]),
        ("metadata.region = north", [1]),
        ("meta.region = 5", [2]),
        ("metadata.region = null", [4]),
        ("metadata.size > 9", [2]),
        ("metadata.on = true", [1]),
        ("metadata.tags = north", []),
        ("""metadata.'a"b' = x""", [2]),
        ("(metadata.region = north OR is_active = false)", [3, 1]),
        ("metadata.region != north", [4, 3, 2]),
    ],
)
async def test_filters(shelf: Shelf, text: str, expected: list[int]) -> None:
    assert await shelf.found(filter=text) == expected


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, [4, 3, 2, 1]),
        ({"sort": "created_at"}, [1, 2, 3, 4]),
        ({"sort": "-timeout_seconds,id"}, [1, 3, 4, 2]),
        ({"sort": "metadata.size"}, [1, 2, 3, 4]),
        ({"sort": "-meta.size"}, [4, 3, 2, 1]),
        ({"sort": "metadata.region"}, [1, 2, 3, 4]),
        ({"meta_filter": "region:north"}, [1]),
        ({"meta_filter": ["region:north", "region:5"]}, [2, 1]),
        ({"meta_filter": ["region:north", "region:5", "size:10"]}, [2]),
        ({"meta_filter": "region:south, side: 2"}, [3]),
        ({"is_active": "true", "filter": "name like a%"}, [2, 1]),
    ],
)
async def test_sorts_and_asks_for_metadata(shelf: Shelf, parameters: dict[str, Any], expected: list[int]) -> None:
    if parameters.get("sort") == "metadata.region":
        expected = [2, 1, 3, 4]  # text by letters: "5" comes before "north"

    assert await shelf.found(**parameters) == expected


async def test_administrators_ask_by_name_and_address(shelf: Shelf) -> None:
    owner, stranger = shelf.desk.owner.user, shelf.desk.stranger.user

    assert await shelf.found(filter=f"user_email = {stranger.email}") == [4]
    assert await shelf.found(filter=f"user_name = {owner.name}", sort="id") == [1, 2, 3]
    [item] = await shelf.items(filter="name = zeppelin", include="user,user_name,user_email")
    assert item["user"] == {"id": str(stranger.id), "name": stranger.name, "email": stranger.email}
    assert (item["user_name"], item["user_email"]) == (stranger.name, stranger.email)


@pytest.mark.parametrize(
    "parameters",
    [{"filter": "user_name = x"}, {"sort": "-user_email"}, {"include": "user_email"}, {"include": "user_name"}],
)
async def test_others_do_not(shelf: Shelf, parameters: dict[str, str]) -> None:
    answers = [await shelf.desk.call("GET", by=by, params=parameters) for by in (shelf.desk.owner, shelf.desk.viewer)]

    assert [answer.status_code for answer in answers] == [403, 403]


async def test_includes_the_newest_executions_and_their_statistics(shelf: Shelf) -> None:
    job = shelf.jobs[0]
    made: list[str] = []
    for _ in range(12):
        made.append((await shelf.desk.call("POST", f"/{job['id']}/execute")).json()["id"])
        await finish(shelf, made[-1])
    await shelf.desk.call("POST", f"/{shelf.jobs[1]['id']}/execute")

    items = await shelf.items(include="executions,stats", exclude="target", sort="id")

    assert [execution["id"] for execution in items[0]["executions"]] == made[:1:-1]
    assert [len(item["executions"]) for item in (items[0], items[1], items[3])] == [10, 1, 0]
    assert [item["stats"]["total"] for item in (items[0], items[1], items[3])] == [12, 1, 0]
    assert [items[0]["stats"][name] for name in ("succeeded", "success_rate")] == [12, 100]
    assert "target" not in items[0]


async def finish(shelf: Shelf, execution_id: str) -> None:
    async with unit_of_work(shelf.desk.database) as session:
        await session.execute(
            sa.update(Execution)
            .where(sa.column("id") == sa.cast(sa.literal(execution_id.replace("-", "")), sa.Uuid))
            .values(state=State.SUCCEEDED, duration_seconds=1.0)
        )


async def test_a_list_has_the_plain_fields_by_itself(shelf: Shelf) -> None:
    [item] = await shelf.items(filter="name = Anchor")

    assert item == await shelf.desk.read(item)


async def test_the_lists_of_one_job_speak_the_same_language(shelf: Shelf) -> None:
    desk = shelf.desk
    path = f"/{shelf.jobs[2]['id']}"
    made = (await desk.call("POST", f"{path}/execute")).json()

    parameters = {"filter": "trigger = manual", "include": "job_name", "exclude": "result", "cursor": ""}
    answer = await desk.call("GET", f"{path}/executions", params=parameters)
    slots = await desk.call("GET", f"{path}/slots", params=parameters)

    found = [(item["id"], item["job_name"], "result" in item) for item in answer.json()["items"]]
    assert found == [(made["id"], "50% sail", False)]
    assert slots.json() == {"items": [], "next_cursor": None, "previous_cursor": None}


@pytest.mark.parametrize(
    ("parameters", "parameter"),
    [
        ({"filter": "target = x"}, "filter"),
        ({"filter": "metadata = x"}, "filter"),
        ({"filter": "spec_id = null"}, "filter"),
        ({"sort": "description"}, "sort"),
        ({"include": "attempts"}, "include"),
        ({"exclude": "secrets"}, "exclude"),
        ({"meta_filter": "region"}, "meta_filter"),
        ({"meta_filter": ":x"}, "meta_filter"),
        ({"cursor": ""}, "cursor"),
    ],
)
async def test_what_is_not_offered_is_refused(shelf: Shelf, parameters: dict[str, str], parameter: str) -> None:
    answer = await shelf.get(**parameters)

    assert answer.status_code == 422, answer.text
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


@pytest.mark.parametrize("name", [found.label for found in (JOBS.key, *JOBS.fields)])
async def test_no_text_breaks_out(shelf: Shelf, name: str) -> None:
    for text in HOSTILE:
        quoted = '"' + text.replace('"', '""') + '"'
        for parameters in ({"filter": f"{name} = {quoted}"}, {"filter": f"metadata.{quoted} = {quoted}"}):
            answer = await shelf.get(**parameters)
            assert answer.status_code == 422 or answer.json()["items"] == []
        assert (await shelf.get(sort=f"metadata.{quoted}")).status_code == 200
        assert (await shelf.get(meta_filter=f"k{text}:{text}")).json()["items"] == []

    assert await shelf.found() == [4, 3, 2, 1]
