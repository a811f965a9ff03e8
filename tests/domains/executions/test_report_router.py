"""What running programs report on themselves, and the artifacts they leave."""

import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import col

from stationmaster.db.session import read_only
from stationmaster.domains.executions import reports
from stationmaster.domains.executions.journals.models import Journal
from stationmaster.domains.executions.report_tokens import ReportTokens
from stationmaster.kit.ids import new_id
from stationmaster.kit.sealing import is_sealed
from tests.domains.executions.watching import Speaker, Theatre, theatre_of
from tests.support.executions import read

SECRET = "a secret key of the tests, long enough"


@dataclass
class Program:
    """A running program with its token."""

    theatre: Theatre
    speaker: Speaker

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {ReportTokens(SECRET).issue(self.speaker.id, 1)}"}

    async def call(self, method: str, path: str = "", *, id_: UUID | None = None, **options: Any) -> httpx.Response:
        url = f"/api/v1/executions/{id_ or self.speaker.id}{path}"
        return await self.theatre.client.request(method, url, headers=self.headers, **options)

    async def stored_masks(self) -> str | None:
        async with read_only(self.theatre.database) as session:
            masks: str | None = await session.scalar(
                sa.select(col(Journal.masks)).where(col(Journal.execution_id) == self.speaker.id)
            )
            return masks


@pytest.fixture
async def theatre(app: FastAPI, client: httpx.AsyncClient) -> AsyncIterator[Theatre]:
    async with theatre_of(app, client) as opened:
        yield opened


@pytest.fixture
async def program(theatre: Theatre) -> Program:
    return Program(theatre, await theatre.speaker())


async def test_a_program_reports_how_far_it_is(theatre: Theatre, program: Program) -> None:
    answer = await program.call("PATCH", json={"progress": 42.5, "stage": "load", "result": {"rows": 3}})
    execution = await read(theatre.database, program.speaker.id)
    results = (await theatre.get(f"/{program.speaker.id}/results")).json()

    assert 200 == answer.status_code, answer.text
    assert (42.5, "load") == (execution.progress, execution.stage)
    assert {"rows": 3} == results["result"]


async def test_lines_stand_beside_the_output_in_order(theatre: Theatre, program: Program) -> None:
    await program.speaker.say("before")
    await program.speaker.journal.close()
    one = await program.call("POST", "/logs", json={"text": "reported", "level": "warning"})
    several = await program.call("POST", "/logs", json={"lines": [{"text": "two"}, {"text": "three\nfour"}]})
    await program.speaker.say("after")
    await program.speaker.end()
    items = (await theatre.get(f"/{program.speaker.id}/logs")).json()["items"]

    assert [3, 6] == [one.json()["sequence"], several.json()["sequence"]]
    assert ["before", "reported", "two", "three", "four", "after"] == [item["text"] for item in items]
    assert ("report", "warning") == (items[1]["stream"], items[1]["level"])


@pytest.mark.parametrize(("level", "kept"), [("INFO", "info"), ("Warning", "warning"), ("CRITICAL", "error")])
async def test_levels_are_taken_as_programs_write_them(
    theatre: Theatre, program: Program, level: str, kept: str
) -> None:
    answer = await program.call("POST", "/logs", json={"lines": [{"text": "reported", "level": level}]})
    items = (await theatre.get(f"/{program.speaker.id}/logs")).json()["items"]

    assert 200 == answer.status_code, answer.text
    assert [kept] == [item["level"] for item in items]


async def test_what_the_attempt_hides_is_hidden_in_reports_too(theatre: Theatre, program: Program) -> None:
    """The replica that takes a report has nothing but what is stored of the attempt."""
    program.speaker.journal.mask("swordfish")
    await program.speaker.say("::mask two words")
    await program.speaker.journal.settle()
    encoded = base64.b64encode(b"user:swordfish").decode()
    await program.call("PATCH", json={"stage": "with swordfish", "result": {"key": ["two words", 1]}})
    await program.call("POST", "/logs", json={"lines": [{"text": f"Basic {encoded}"}, {"text": "two%20words"}]})
    stored = await program.stored_masks()
    results = (await theatre.get(f"/{program.speaker.id}/results")).json()
    await program.speaker.end()
    log = (await theatre.get(f"/{program.speaker.id}/logs")).text

    assert "with ********" == (await read(theatre.database, program.speaker.id)).stage
    assert {"key": ["********", 1]} == results["result"]
    assert encoded not in log
    assert "two%20words" not in log
    assert stored is not None
    assert is_sealed(stored)
    assert await program.stored_masks() is None


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "", {}),
        ("PATCH", "", {"progress": 101}),
        ("PATCH", "", {"progress": "half"}),
        ("PATCH", "", {"stage": ""}),
        ("PATCH", "", {"stage": "a\nb"}),
        ("PATCH", "", {"result": [1]}),
        ("PATCH", "", {"result": {"text": "x" * 70_000}}),
        ("PATCH", "", {"external_tasks": []}),
        ("PATCH", "", {"external_tasks": [{"kind": "elsewhere", "task_id": "T1"}]}),
        ("PATCH", "", {"external_tasks": [{"kind": "earthengine", "task_id": "../x"}]}),
        ("PATCH", "", {"state": "succeeded"}),
        ("POST", "/logs", {}),
        ("POST", "/logs", {"lines": []}),
        ("POST", "/logs", {"text": "a", "lines": [{"text": "b"}]}),
        ("POST", "/logs", {"text": "a", "level": "loud"}),
    ],
)
async def test_what_is_wrong_is_refused(program: Program, method: str, path: str, body: object) -> None:
    assert 422 == (await program.call(method, path, json=body)).status_code


async def test_a_token_is_for_its_own_execution_only(theatre: Theatre, program: Program) -> None:
    other = await theatre.speaker()
    statuses = [
        (await program.call("PATCH", id_=other.id, json={"progress": 1})).status_code,
        (await program.call("POST", "/logs", id_=other.id, json={"text": "x"})).status_code,
        (await program.call("PUT", "/artifacts/a.txt", id_=other.id, content=b"x")).status_code,
    ]
    elsewhere = [
        (await theatre.client.get(path, headers=program.headers)).status_code
        for path in (
            "/api/v1/executions",
            f"/api/v1/executions/{program.speaker.id}/logs",
            "/api/v1/auth/me",
            "/api/v1/jobs",
        )
    ]

    assert ([404] * 3, [403] * 4) == (statuses, elsewhere)


async def test_a_token_counts_only_while_its_attempt_runs(theatre: Theatre, program: Program) -> None:
    await theatre.set(program.speaker.id, attempt=2)
    of_another_attempt = await program.call("PATCH", json={"progress": 1})
    await theatre.set(program.speaker.id, attempt=1)
    await program.speaker.end()
    after_the_end = await program.call("POST", "/logs", json={"text": "late"})

    assert [401, 401] == [of_another_attempt.status_code, after_the_end.status_code]


@pytest.mark.parametrize("change", [lambda token: token[:-1], lambda token: token[:-1] + "0", lambda _: "smx_x"])
async def test_a_made_up_token_is_refused(program: Program, change: Any) -> None:
    token = program.headers["Authorization"]
    forged = {"Authorization": change(token if not token.endswith("0") else token[:-1] + "1")}
    answer = await program.theatre.client.patch(
        f"/api/v1/executions/{program.speaker.id}", headers=forged, json={"progress": 1}
    )

    assert 401 == answer.status_code


async def test_people_report_only_as_admins_and_only_while_it_runs(theatre: Theatre, program: Program) -> None:
    url = f"/api/v1/executions/{program.speaker.id}"
    people = (theatre.owner, theatre.stranger, theatre.viewer, theatre.admin)
    statuses = [
        (await theatre.client.patch(url, headers=person.headers, json={"progress": 5})).status_code for person in people
    ]
    anonymous = await theatre.client.patch(url, json={"progress": 5})
    await program.speaker.end()
    ended = await theatre.client.patch(url, headers=theatre.admin.headers, json={"progress": 5})
    absent = await theatre.client.patch(
        f"/api/v1/executions/{new_id()}", headers=theatre.admin.headers, json={"progress": 5}
    )

    assert [401, 403, 403, 403, 200] == [anonymous.status_code, *statuses]
    assert [409, 404] == [ended.status_code, absent.status_code]


async def test_artifacts_are_kept_listed_and_downloaded(theatre: Theatre, program: Program) -> None:
    content = bytes(range(256)) * 5000
    made = await program.call("PUT", "/artifacts/out/report.csv", content=content)
    await program.call("PUT", "/artifacts/a.txt", content=b"first")
    await program.call("PUT", "/artifacts/a.txt", content=b"")
    listed = (await theatre.get(f"/{program.speaker.id}/artifacts")).json()
    download = await theatre.get(f"/{program.speaker.id}/artifacts/out/report.csv")

    assert 200 == made.status_code, made.text
    assert hashlib.sha256(content).hexdigest() == made.json()["checksum"]
    assert [("a.txt", 0), ("out/report.csv", len(content))] == [
        (item["name"], item["size_bytes"]) for item in listed["items"]
    ]
    assert content == download.content
    assert 'filename="report.csv"' in download.headers["content-disposition"]
    assert b"" == (await theatre.get(f"/{program.speaker.id}/artifacts/a.txt")).content


async def test_artifacts_are_for_the_owner_and_admins(theatre: Theatre, program: Program) -> None:
    await program.call("PUT", "/artifacts/a.txt", content=b"x")
    people = (theatre.stranger, theatre.viewer, theatre.owner, theatre.admin)
    for path in ("artifacts", "artifacts/a.txt"):
        statuses = [(await theatre.get(f"/{program.speaker.id}/{path}", by)).status_code for by in people]
        assert [404, 404, 200, 200] == statuses

    assert 404 == (await theatre.get(f"/{program.speaker.id}/artifacts/b.txt")).status_code


@pytest.mark.parametrize("name", ["%2e%2e/x", "a/%2e%2e/b", "%2Fetc/passwd", "a//b", "a%5Cb", "a%0Ab", "%20" * 300])
async def test_no_name_leads_anywhere_else(theatre: Theatre, program: Program, name: str) -> None:
    answer = await program.call("PUT", f"/artifacts/{name}", content=b"x")

    assert answer.status_code in {400, 404, 422}
    assert [] == (await theatre.get(f"/{program.speaker.id}/artifacts")).json()["items"]


async def test_artifacts_have_caps(app: FastAPI, theatre: Theatre, program: Program) -> None:
    caps = {"max_artifact_bytes": 10, "max_artifacts_bytes": 15, "max_artifacts": 2}
    limits = app.state.settings.journal.model_copy(update=caps)
    app.state.settings = app.state.settings.model_copy(update={"journal": limits})
    too_large = await program.call("PUT", "/artifacts/a", content=b"x" * 11)
    fits = await program.call("PUT", "/artifacts/a", content=b"x" * 10)
    too_much = await program.call("PUT", "/artifacts/b", content=b"x" * 6)
    again = await program.call("PUT", "/artifacts/a", content=b"y" * 10)
    second = await program.call("PUT", "/artifacts/b", content=b"x")
    third = await program.call("PUT", "/artifacts/c", content=b"x")

    assert [413, 200, 409, 200, 200, 409] == [
        answer.status_code for answer in (too_large, fits, too_much, again, second, third)
    ]


async def test_a_program_tells_of_work_elsewhere_and_its_owner_sees_it(theatre: Theatre, program: Program) -> None:
    told = [{"kind": "earthengine", "task_id": "T1"}, {"kind": "earthengine", "task_id": "T2"}]
    answer = await program.call("PATCH", json={"external_tasks": told})
    again = await program.call("PATCH", json={"external_tasks": told[:1]})
    seen = [
        (await theatre.get(f"/{program.speaker.id}", by)).json()["external_tasks"]
        for by in (theatre.owner, theatre.admin, theatre.stranger, theatre.viewer)
    ]
    listed = (await theatre.get("?include=external_tasks")).json()["items"][0]["external_tasks"]

    assert [200, 200] == [answer.status_code, again.status_code]
    assert [("T1", "running"), ("T2", "running")] == [(task["task_id"], task["state"]) for task in seen[0]]
    assert [seen[0], None, None] == seen[1:]
    assert seen[0] == listed


async def test_there_is_an_end_of_work_elsewhere(
    theatre: Theatre, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MOST_TASKS", 1)
    told = [{"kind": "earthengine", "task_id": f"T{number}"} for number in range(2)]
    answer = await program.call("PATCH", json={"external_tasks": told})
    shown = (await theatre.get(f"/{program.speaker.id}")).json()["external_tasks"]

    assert (422, []) == (answer.status_code, shown)
