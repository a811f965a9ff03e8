"""Stored secrets get a new key: all of them, in batches, and again where it was broken off."""

import json
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from pydantic import SecretStr
from sqlmodel import SQLModel

from stationmaster.db import resealing
from stationmaster.db.base import SECRETS_AT_REST, table_of
from stationmaster.db.engine import Database
from stationmaster.db.idempotency import KeptAnswer
from stationmaster.db.resealing import Tally, reseal_column, sealed_columns
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.executions.models import Spec
from stationmaster.domains.executions.specs import open_target
from stationmaster.domains.executions.targets.webhook import WebhookTarget
from stationmaster.domains.outbox.models import Message
from stationmaster.domains.processes.models import Process, ProcessVersion
from stationmaster.domains.secrets.models import Secret
from stationmaster.identity.actor import Role
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id
from stationmaster.kit.sealing import Keyring, is_sealed
from tests.support.executions import make_spec, webhook
from tests.support.people import PASSWORD, make_person, make_user

OLD, NEW = Keyring(("old key",)), Keyring(("new key", "old key"))
MOVED = Keyring(("new key",))


async def store_secrets(database: Database, names: list[str], keyring: Keyring = OLD) -> None:
    sealer = keyring.sealer(SECRETS_AT_REST)
    async with unit_of_work(database) as session:
        for name in names:
            id_ = new_id()
            value = sealer.seal(f"value of {name}", row=str(id_))
            session.add(Secret(id=id_, name=name, description="", value=value, value_set_at=clock.now()))


async def read_secrets(database: Database, keyring: Keyring) -> dict[str, str]:
    sealer = keyring.sealer(SECRETS_AT_REST)
    async with read_only(database) as session:
        rows = await session.execute(sa.select(table_of(Secret)))
        return {row.name: sealer.open(row.value, row=str(row.id)) for row in rows}


async def reseal(database: Database, model: Any = Secret, name: str = "value", keyring: Keyring = NEW) -> Tally:
    return await reseal_column(database, table_of(model).c[name], keyring.sealer)


async def test_every_row_is_opened_by_the_new_key(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resealing, "BATCH", 2)
    await store_secrets(database, list("ABCDE"))

    tally = await reseal(database)

    assert tally == Tally(resealed=5)
    assert await read_secrets(database, MOVED) == {name: f"value of {name}" for name in "ABCDE"}


async def test_goes_on_where_it_was_broken_off(database: Database) -> None:
    await store_secrets(database, ["A", "B"], NEW)
    await store_secrets(database, ["C"])

    assert [await reseal(database), await reseal(database)] == [Tally(resealed=1), Tally()]


async def test_what_no_key_opens_stays(database: Database) -> None:
    await store_secrets(database, ["A"], Keyring(("lost key",)))

    tally = await reseal(database)

    assert tally == Tally(unreadable=1)
    assert await read_secrets(database, Keyring(("lost key",))) == {"A": "value of A"}


async def test_nobody_edited_it(database: Database) -> None:
    await store_secrets(database, ["A"])

    async def updated_at() -> object:
        async with read_only(database) as session:
            return await session.scalar(sa.select(table_of(Secret).c.updated_at))

    before = await updated_at()
    await reseal(database)

    assert await updated_at() == before


async def test_texts_inside_of_json(database: Database) -> None:
    target = webhook(headers={"A": "plain"}, secret_headers={"B": SecretStr("hidden")})
    spec = make_spec(target=target, sealer=OLD.sealer(SECRETS_AT_REST))
    async with unit_of_work(database) as session:
        session.add(spec)

    tally = await reseal(database, Spec, "target")

    async with read_only(database) as session:
        opened = open_target(MOVED.sealer(SECRETS_AT_REST), await session.get_one(Spec, spec.id))
    assert tally == Tally(resealed=1)
    assert isinstance(opened, WebhookTarget)
    assert opened.headers == {"A": "plain"}
    assert opened.secret_headers["B"].get_secret_value() == "hidden"


async def test_objects_inside_are_rows_of_their_own(database: Database) -> None:
    owner = await make_user(database)
    id_ = new_id()
    hidden = OLD.sealer(SECRETS_AT_REST).seal("hidden", row=str(id_))
    async with unit_of_work(database) as session:
        process = Process(name="p", owner_id=owner.id, meta={}, run_metadata_schema={}, version=1)
        session.add(process)
        await session.flush()
        steps = [{"id": str(id_), "work": {"target": {"secret_headers": {"A": hidden}}}}]
        session.add(ProcessVersion(process_id=process.id, number=1, steps=steps))

    tally = await reseal(database, ProcessVersion, "steps")

    async with read_only(database) as session:
        [[step]] = await session.scalars(sa.select(table_of(ProcessVersion).c.steps))
    sealed = step["work"]["target"]["secret_headers"]["A"]
    assert tally == Tally(resealed=1)
    assert MOVED.sealer(SECRETS_AT_REST).open(sealed, row=str(id_)) == "hidden"


async def test_rows_have_names_of_their_own(database: Database) -> None:
    id_ = UUID(int=7)
    mail = OLD.sealer("outbox").seal(json.dumps({}), row=f"messages/{id_}")
    answer = OLD.sealer("idempotent answers").seal("{}", row="key")
    async with unit_of_work(database) as session:
        session.add(Message(id=id_, kind="k", dedupe_key="d", recipient="a@example.com", content=mail))
        session.add(KeptAnswer(key="key", fingerprint="f", attempt_id=new_id(), answer=answer, expires_at=clock.now()))

    tallies = [await reseal(database, Message, "content"), await reseal(database, KeptAnswer, "answer")]

    assert tallies == [Tally(resealed=1), Tally(resealed=1)]


def test_the_columns_that_hold_sealed_texts() -> None:
    found = {f"{column.table.name}.{column.name}" for column in sealed_columns()}

    assert found >= {"jobs.target", "kept_answers.answer", "messages.content", "secrets.value", "specs.target"}


async def test_no_other_column_holds_sealed_texts(app: FastAPI, client: httpx.AsyncClient) -> None:
    """Whatever takes a secret must put it into a column with the mark, or it keeps its old key."""
    boss = await make_person(app, Role.SUPERADMIN)
    hook = {"type": "webhook", "url": "https://receiver.example/hook", "secret_headers": {"X": "hidden value"}}
    bodies = {
        "/secrets": {"name": "A", "value": "hidden value"},
        "/jobs": {"name": "a", "target": hook, "schedules": [{"interval_seconds": 60, "params": {"a": 1}}]},
        "/processes": {"name": "a", "steps": [{"name": "a", "target": hook, "rerun_config": {"target": hook}}]},
        "/users": {"email": "a@example.com", "name": "A", "password": PASSWORD},
    }
    for path, body in bodies.items():
        headers = boss.headers | {"Idempotency-Key": path}
        answer = await client.post(f"/api/v1{path}", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
    slack = {"hook_url": "https://hooks.slack.com/services/T/B/hidden", "enabled": True}
    await client.put("/api/v1/settings/slack", json=slack, headers=boss.headers)
    marked = set(sealed_columns())

    holding = set()
    async with read_only(app.state.database) as session:
        for table in SQLModel.metadata.sorted_tables:
            for row in (await session.execute(sa.select(table))).mappings():
                holding |= {column for column in table.columns if _holds_sealed(row[column.name])}

    assert {str(column) for column in holding - marked} == set()
    assert {str(column) for column in holding} >= {"jobs.target", "specs.target", "steps.work", "steps.rerun_config"}


def _holds_sealed(value: Any) -> bool:
    match value:
        case str():
            return is_sealed(value)
        case dict():
            return any(_holds_sealed(item) for item in value.values())
        case list():
            return any(_holds_sealed(item) for item in value)
    return False
