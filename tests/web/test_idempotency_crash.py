"""A replica is killed at the two instants that matter; the request, sent again, has happened once."""

import httpx
import sqlalchemy as sa
from fastapi import FastAPI

from stationmaster.config import Settings
from stationmaster.db.engine import open_database
from stationmaster.domains.jobs.models import Job
from tests.support.mortal import Mortal, open_mortal
from tests.support.people import make_person
from tests.support.work import TARGET

JOBS = "/api/v1/jobs"
JOB = {"name": "nightly", "target": TARGET, "schedules": []}


async def count_jobs(url: str) -> int | None:
    async with open_database(url) as database, database.reader.connect() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(Job))


async def send(mortal: Mortal, headers: dict[str, str], die: str = "") -> httpx.Response | None:
    """Send the request, always the same; None when nobody answers, because the replica is dead."""
    async with httpx.AsyncClient(timeout=30) as client:
        try:
            return await client.post(mortal.url + JOBS, json=JOB, headers=headers | {"x-test-die": die})
        except httpx.RemoteProtocolError:
            return None


async def test_killed_before_and_after_the_commit(app: FastAPI, settings: Settings, database_url: str) -> None:
    headers = (await make_person(app)).headers | {"Idempotency-Key": "k"}
    with open_mortal(settings) as mortal:
        unheard = await send(mortal, headers, die="before_commit")
        assert mortal.is_dead()
        after_the_first = await count_jobs(database_url)

        mortal.start()
        unheard_too = await send(mortal, headers, die="before_answer")
        assert mortal.is_dead()
        after_the_second = await count_jobs(database_url)

        mortal.start()
        answer = await send(mortal, headers)

    assert (unheard, after_the_first) == (None, 0)
    assert (unheard_too, after_the_second) == (None, 1)
    assert answer is not None
    assert (answer.status_code, answer.headers["Idempotency-Replayed"]) == (201, "true")
    assert (answer.json()["name"], await count_jobs(database_url)) == ("nightly", 1)
