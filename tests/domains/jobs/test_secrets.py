"""Secrets of targets: sealed in the database, masked in every answer, kept when they come back masked."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from dirty_equals import IsPartialDict

from stationmaster.db.session import read_only
from stationmaster.domains.executions import specs
from stationmaster.domains.executions.models import Spec
from stationmaster.domains.executions.targets.webhook import WebhookTarget
from stationmaster.domains.jobs.models import Job
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.jobs.versions import open_target
from stationmaster.kit.ids import new_id
from stationmaster.kit.sealing import Sealer
from tests.support.canary import dump
from tests.support.work import HOURLY, TARGET, Desk, be_late, faults, lead, read_job, run_tick, set_job

CANARY = "canary-5f3a"
SIGNING = "whsec_Y2FuYXJ5LTVmM2EgYW5kIHNvbWUgbW9yZSBieXRlcw=="
SEALED = TARGET | {"secret_headers": {"Authorization": f"Bearer {CANARY}"}, "signing_secret": SIGNING}
MASKED = TARGET | {"secret_headers": {"Authorization": "********"}, "signing_secret": "********"}


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    return shared_desk


def tells(text: str) -> bool:
    return CANARY in text or SIGNING.removeprefix("whsec_") in text


async def secrets_of(desk: Desk, job: dict[str, Any]) -> tuple[list[str], str | None]:
    """Return the secrets of a job as its next execution will have them; the job's own and its version's agree."""
    rules = desk.app.state.job_rules
    async with read_only(desk.database) as session:
        row = await session.get_one(Job, UUID(job["id"]))
        target = specs.open_target(rules.sealer, await session.get_one(Spec, row.spec_id))
    own = open_target(rules, row)
    assert isinstance(own, WebhookTarget)
    assert isinstance(target, WebhookTarget)
    assert (own.secret_headers, own.signing_secret) == (target.secret_headers, target.signing_secret)
    headers = sorted(secret.get_secret_value() for secret in target.secret_headers.values())
    return headers, target.signing_secret.get_secret_value() if target.signing_secret else None


async def test_no_answer_and_no_row_tells_a_secret(desk: Desk) -> None:
    """A canary (S23): made, read, listed, changed, executed, asked about; and then looked for in all tables."""
    created = await desk.call("POST", body={"name": f"canary-{new_id()}", "target": SEALED, "schedules": [HOURLY]})
    path = f"/{created.json()['id']}"
    calls: list[tuple[str, str, Any]] = [
        ("GET", path, None),
        ("GET", "", None),
        ("PATCH", path, {"description": "changed"}),
        ("PATCH", path, {"target": SEALED | {"method": "PUT"}}),
        ("PATCH", path, {"target": SEALED | {"method": "TRACE"}}),
        ("POST", f"{path}/execute", {"params": {"a": 1}}),
        ("POST", f"{path}/execute", {"signing_secret": SIGNING, "url": "ftp://x/"}),
        ("POST", f"{path}/pause", None),
        ("GET", f"{path}/executions", None),
        ("GET", f"{path}/slots", None),
        ("GET", f"{path}/schedules", None),
        ("GET", f"{path}/why?at=2026-11-21T00:00:00Z", None),
    ]

    texts = [created.text, *[(await desk.call(*call)).text for call in calls]]
    await be_late(desk.database, UUID(created.json()["id"]))
    await run_tick(desk.database, await lead(desk.database))

    assert [] == [text for text in texts if tells(text)]
    assert not tells(await dump(desk.database))


async def test_secrets_are_shown_masked_to_their_owner_too(desk: Desk) -> None:
    job = await desk.create(target=SEALED)

    assert job["target"] == IsPartialDict(MASKED)


@pytest.mark.parametrize(
    ("target", "headers", "signing"),
    [
        (MASKED | {"url": "https://new.example/"}, [f"Bearer {CANARY}"], SIGNING),
        (MASKED | {"secret_headers": {"Authorization": "********", "X-New": "n"}}, [f"Bearer {CANARY}", "n"], SIGNING),
        (MASKED | {"secret_headers": {"Authorization": "other"}}, ["other"], SIGNING),
        (MASKED | {"signing_secret": None}, [f"Bearer {CANARY}"], None),
        (TARGET, [], None),
    ],
)
async def test_a_secret_that_comes_back_masked_is_kept(
    desk: Desk, target: dict[str, Any], headers: list[str], signing: str | None
) -> None:
    job = await desk.create(target=SEALED)

    answer = await desk.call("PATCH", f"/{job['id']}", {"target": target})

    assert 200 == answer.status_code
    assert (headers, signing) == await secrets_of(desk, job)


async def test_a_change_elsewhere_keeps_the_secrets(desk: Desk) -> None:
    job = await desk.create(target=SEALED)

    await desk.call("PATCH", f"/{job['id']}", {"timeout_seconds": 5, "metadata": {"a": 1}})

    assert ([f"Bearer {CANARY}"], SIGNING) == await secrets_of(desk, job)


async def test_a_masked_secret_without_a_stored_one_is_refused(desk: Desk) -> None:
    job = await desk.create()

    answer = await desk.call("PATCH", f"/{job['id']}", {"target": MASKED})

    assert ["/target/secret_headers/Authorization"] == faults(answer)


async def test_a_sealed_secret_opens_in_its_own_row_only(desk: Desk) -> None:
    """S23: copied to another job by whoever can write to the database, it is of no use there."""
    job, thief = await desk.create(target=SEALED), await desk.create(target=SEALED)
    stored = (await read_job(desk.database, UUID(job["id"]))).target
    await set_job(desk.database, UUID(thief["id"]), target=stored | {"url": "https://thief.example/"})

    answer = await desk.call("POST", f"/{thief['id']}/execute", {"params": {"a": 1}})

    assert (409, "The secrets of the job cannot be read") == (answer.status_code, answer.json()["title"])


async def test_a_job_whose_secrets_cannot_be_read_is_shown_and_can_be_deleted(desk: Desk) -> None:
    """After a change of the key one such job must not take the whole list with it."""
    job = await desk.create(target=SEALED)
    rules: JobRules = desk.app.state.job_rules

    with desk.ruled_by(replace(rules, sealer=Sealer(b"another key of thirty-two bytes."))):
        listed = await desk.call("GET", "?size=1")
        changed = await desk.call("PATCH", f"/{job['id']}", {"timeout_seconds": 5})
        deleted = await desk.call("DELETE", f"/{job['id']}")

    assert [IsPartialDict(id=job["id"], target=job["target"])] == listed.json()["items"]
    assert [409, 204] == [changed.status_code, deleted.status_code]
