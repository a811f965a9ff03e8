"""The audit log over HTTP."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.db.session import unit_of_work
from stationmaster.domains.audit.archive import Archive
from stationmaster.domains.audit.models import ActorKind, Outcome
from stationmaster.domains.users import management
from stationmaster.identity.actor import Role
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id
from tests.domains.audit.operations import Stage
from tests.domains.audit.reading import disarm, execute, read_entries, seal, write
from tests.support.people import Person, make_key, make_person

LOGS = "/api/v1/audit-logs"
JOB, OTHER = str(new_id()), new_id()


@pytest.fixture
async def admin(app: FastAPI) -> Person:
    return await make_person(app, Role.ADMIN)


@pytest.fixture
def archive(app: FastAPI) -> Archive:
    found: Archive = app.state.audit_archive
    return found


async def items(client: httpx.AsyncClient, person: Person, **params: Any) -> list[dict[str, Any]]:
    answer = await client.get(LOGS, headers=person.headers, params=params)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


@pytest.mark.parametrize("path", ["", "/stats", f"/{OTHER}"])
async def test_only_administrators_read(app: FastAPI, client: httpx.AsyncClient, path: str) -> None:
    user = await make_person(app)

    assert (await client.get(f"{LOGS}{path}")).status_code == 401
    assert (await client.get(f"{LOGS}{path}", headers=user.headers)).status_code == 403


async def test_only_administrators_verify(app: FastAPI, client: httpx.AsyncClient) -> None:
    user = await make_person(app)

    assert (await client.post(f"{LOGS}/verify")).status_code == 401
    assert (await client.post(f"{LOGS}/verify", headers=user.headers)).status_code == 403


async def test_an_entry_that_is_not_there(client: httpx.AsyncClient, admin: Person) -> None:
    assert (await client.get(f"{LOGS}/{OTHER}", headers=admin.headers)).status_code == 404


async def test_an_entry_is_shown_with_names(stage: Stage, admin: Person) -> None:
    key, headers = await make_key(stage.app, stage.owner.user)
    _, (entry,) = await stage.call("update_job", headers=headers, json={"timeout_seconds": 7})

    shown = (await stage.client.get(f"{LOGS}/{entry.id}", headers=admin.headers)).json()

    owner = str(stage.owner.id)
    assert shown["actor"] == {"kind": "api_key", "id": str(key.id), "user_id": owner, "name": key.name}
    assert shown["via"] == {"kind": "api_key", "id": str(key.id)}
    assert (shown["action"], shown["resource_type"], shown["resource_id"]) == (
        "update_job",
        "job",
        stage.objects["job_id"],
    )
    assert (shown["before"], shown["after"]) == ({"timeout_seconds": 300}, {"timeout_seconds": 7})
    assert (shown["outcome"], shown["sequence"], shown["request_id"]) == ("success", None, entry.request_id)


async def test_a_session_is_named(stage: Stage, admin: Person) -> None:
    _, (entry,) = await stage.call("pause_job", headers=stage.owner.headers)

    shown = (await stage.client.get(f"{LOGS}/{entry.id}", headers=admin.headers)).json()

    assert shown["via"] == {"kind": "session", "id": str(stage.owner.grant.session_id)}
    assert shown["actor"]["name"] == stage.owner.user.name


async def test_the_list_is_newest_first_and_can_leave_out_fields(
    app: FastAPI, client: httpx.AsyncClient, admin: Person
) -> None:
    written = await write(app.state.database, 3)

    found = await items(client, admin, exclude="before,after,actor")

    assert [item["id"] for item in found] == [str(entry.id) for entry in reversed(written)]
    assert not found[0].keys() & {"before", "after", "actor"}


@pytest.mark.parametrize(
    "params",
    [
        {"actor_id": str(OTHER)},
        {"user_id": str(OTHER)},
        {"action": "delete_job"},
        {"resource_type": "job"},
        {"resource_id": JOB},
        {"resource_type": "job", "resource_id": JOB},
        {"outcome": "denied"},
        {"from": "2026-01-01", "to": "2026-01-01"},
        {"filter": "action=delete_job,outcome!=success"},
        {"filter": "actor_kind=api_key"},
        {"cursor": "", "action": "delete_job"},
    ],
)
async def test_the_list_can_be_narrowed(
    app: FastAPI, client: httpx.AsyncClient, admin: Person, params: dict[str, str]
) -> None:
    facts: dict[str, Any] = {
        "actor_id": OTHER,
        "user_id": OTHER,
        "action": "delete_job",
        "resource_type": "job",
        "resource_id": JOB,
    }
    at = clock.now().replace(year=2026, month=1, day=1)
    (wanted,) = await write(app.state.database, actor_kind=ActorKind.API_KEY, outcome=Outcome.DENIED, at=at, **facts)
    await write(app.state.database, 2)

    assert [item["id"] for item in await items(client, admin, **params)] == [str(wanted.id)]


@pytest.mark.parametrize("params", [{"outcome": "maybe"}, {"filter": "digest=x"}, {"user_name": "ada"}, {"page": "0"}])
async def test_what_the_list_does_not_know_is_refused(
    client: httpx.AsyncClient, admin: Person, params: dict[str, str]
) -> None:
    assert (await client.get(LOGS, headers=admin.headers, params=params)).status_code == 422


async def test_the_list_is_paged(app: FastAPI, client: httpx.AsyncClient, admin: Person) -> None:
    await write(app.state.database, 3)

    answer = await client.get(LOGS, headers=admin.headers, params={"size": 2})

    assert (answer.json()["total"], answer.json()["total_capped"], len(answer.json()["items"])) == (3, False, 2)
    assert answer.headers["x-total-pages"] == "2"


async def test_the_statistics_count_by_action_actor_outcome_and_day(
    app: FastAPI, client: httpx.AsyncClient, admin: Person
) -> None:
    who = {"actor_kind": ActorKind.USER, "actor_id": admin.id, "user_id": admin.id}
    day = clock.now().replace(year=2026, month=1, day=2, hour=23, minute=59)
    await write(app.state.database, 2, at=day, **who)
    await write(app.state.database, 1, at=day.replace(day=3), action="delete_job", outcome=Outcome.DENIED)

    counted = (await client.get(f"{LOGS}/stats", headers=admin.headers)).json()

    assert counted["total"] == 3
    assert counted["by_outcome"] == {"success": 2, "denied": 1}
    assert counted["by_action"] == [{"action": "create_job", "count": 2}, {"action": "delete_job", "count": 1}]
    assert counted["by_actor"] == [
        {"kind": "user", "id": str(admin.id), "name": admin.user.name, "count": 2},
        {"kind": "operator", "id": None, "name": None, "count": 1},
    ]
    assert counted["by_day"] == [{"day": "2026-01-03", "count": 1}, {"day": "2026-01-02", "count": 2}]


async def test_the_statistics_can_be_narrowed(app: FastAPI, client: httpx.AsyncClient, admin: Person) -> None:
    await write(app.state.database, 2)
    await write(app.state.database, action="delete_job")

    counted = await client.get(f"{LOGS}/stats", headers=admin.headers, params={"action": "delete_job"})

    assert counted.json()["total"] == 1


async def test_verifying_says_how_much_and_where_the_chain_ends(
    app: FastAPI, client: httpx.AsyncClient, admin: Person, archive: Archive
) -> None:
    await write(app.state.database, 2)
    await seal(app.state.database, archive.key)
    await write(app.state.database)

    verdict = (await client.post(f"{LOGS}/verify", headers=admin.headers)).json()

    assert verdict["is_intact"]
    assert (verdict["verified_entries"], verdict["verified_seals"], verdict["unsealed_entries"]) == (2, 1, 1)
    assert (verdict["head"]["seal"], verdict["broken"]) == (1, None)


async def test_verifying_names_the_first_entry_that_was_changed(
    app: FastAPI, client: httpx.AsyncClient, admin: Person, archive: Archive
) -> None:
    entries = await write(app.state.database, 3)
    await seal(app.state.database, archive.key)
    await disarm(app.state.database)
    await execute(app.state.database, "UPDATE audit_logs SET action = 'x' WHERE sequence > 1")

    verdict = (await client.post(f"{LOGS}/verify", headers=admin.headers)).json()

    assert not verdict["is_intact"]
    assert verdict["broken"] == {
        "what": "entry",
        "fault": "changed",
        "seal": 1,
        "sequence": 2,
        "id": str(entries[1].id),
    }


async def test_verifying_with_an_anchor_shows_what_was_cut_off(client: httpx.AsyncClient, admin: Person) -> None:
    anchor = {"seal": 1, "digest": "0" * 64}

    verdict = (await client.post(f"{LOGS}/verify", headers=admin.headers, json=anchor)).json()

    assert verdict["broken"] == {"what": "seal", "fault": "missing", "seal": 1, "sequence": None, "id": None}


@pytest.mark.parametrize("anchor", [{"seal": 0, "digest": "0" * 64}, {"seal": 1, "digest": "x"}, {"seal": 1}])
async def test_an_anchor_that_is_none_is_refused(
    client: httpx.AsyncClient, admin: Person, anchor: dict[str, Any]
) -> None:
    assert (await client.post(f"{LOGS}/verify", headers=admin.headers, json=anchor)).status_code == 422


async def test_erasing_a_person_leaves_the_chain_whole_and_no_trace_of_them(
    stage: Stage, admin: Person, archive: Archive
) -> None:
    database = stage.app.state.database
    ada = await make_person(stage.app, name="marker-ada", email="marker@example.com", country="marker-land")
    await stage.call("patch_own_account", headers=ada.headers, json={"institution": "marker-house"})
    await stage.call("log_in", json={"username": "marker@example.com", "password": "marker-guess"})
    await seal(database, archive.key)

    async with unit_of_work(database) as session:
        await management.delete_own(session, ada.id)

    assert "marker" not in repr(await read_entries(database))
    entries = await items(stage.client, admin, user_id=str(ada.id))
    assert [entry["actor"]["name"] for entry in entries] == [None]
    verdict = await stage.client.post(f"{LOGS}/verify", headers=admin.headers)
    assert verdict.json()["is_intact"]
