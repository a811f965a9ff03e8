"""The rules of plain tables: what is old goes, everything else stays."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel, col

from stationmaster.db.blobs import Blob
from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.audit.chain import SealKey
from stationmaster.domains.auth.models import UserSession
from stationmaster.domains.executions.artifact_models import Artifact
from stationmaster.domains.executions.journals.models import Journal, JournalChunk
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from stationmaster.domains.notifications.models import Notification
from stationmaster.domains.notifications.notice import Severity
from stationmaster.domains.outbox.models import Message, MessageState
from stationmaster.domains.retention.models import Removal
from stationmaster.domains.retention.rules import Policy, make_policy
from stationmaster.kit import clock
from stationmaster.kit.ids import first_id_at
from stationmaster.retention_settings import RetentionSettings
from tests.support.executions import make_spec, store
from tests.support.people import make_user

DAY = timedelta(days=1)
POLICY = make_policy(RetentionSettings(), SealKey(b"k" * 32))


async def apply(database: Database, name: str, limit: int = 1000, *, policy: Policy = POLICY) -> int:
    """Apply a rule to what is older than a day; what it removes it must have counted before."""
    [rule], before = [rule for rule in policy.rules if rule.name == name], clock.now() - DAY
    async with unit_of_work(database) as session:
        counted = await rule.count(session, before, limit)
        removed = await rule.remove(session, before, limit)
    assert counted == removed
    return removed


async def add(database: Database, *rows: SQLModel) -> None:
    async with unit_of_work(database) as session:
        session.add_all(rows)


async def keys_of(database: Database, model: type[SQLModel]) -> set[Any]:
    async with read_only(database) as session:
        return set(await session.scalars(sa.select(sa.inspect(model).primary_key[0])))


def id_at(age: timedelta, number: int = 0) -> UUID:
    """Make a key as old as this."""
    return UUID(int=first_id_at(clock.now() - age).int + number)


def test_rules_have_names_of_their_own() -> None:
    names = [rule.name for rule in POLICY.rules]

    assert len(names) == len(set(names))
    assert {"executions", "logs", "audit", "notifications", "messages", "sessions"} <= set(names)


def test_by_default_the_audit_log_and_the_number_of_executions_are_left_alone() -> None:
    by_count = {"executions_per_job", "notifications_per_person", "sessions_per_person", "audit_entries"}

    assert {"audit", *by_count} == {rule.name for rule in POLICY.rules if not rule.is_active}


def make_notices(user_id: UUID, *ids: UUID) -> list[Notification]:
    facts: dict[str, Any] = {
        "user_id": user_id,
        "topic": "job_failed",
        "severity": Severity.ERROR,
        "title": "t",
        "message": "m",
    }
    return [Notification(id=id_, dedupe_key=id_.hex, **facts) for id_ in ids]


async def test_notices(database: Database) -> None:
    old, young = id_at(2 * DAY), id_at(DAY / 2)
    await add(database, *make_notices((await make_user(database)).id, old, young))

    assert 1 == await apply(database, "notifications")
    assert {young} == await keys_of(database, Notification)


@pytest.mark.parametrize(("most", "limit", "left"), [(2, 1000, 2), (3, 1000, 3), (4, 1000, 4), (9, 1000, 4), (1, 2, 2)])
async def test_of_each_person_the_newest_notices_stay(database: Database, most: int, limit: int, left: int) -> None:
    """However young the others are."""
    ids, others = [id_at(DAY / 2, number) for number in range(4)], [id_at(DAY, 9)]
    await add(database, *make_notices((await make_user(database)).id, *ids))
    await add(database, *make_notices((await make_user(database)).id, *others))
    policy = make_policy(RetentionSettings(notifications_per_person=most), SealKey(b"k" * 32))

    assert 4 - left == await apply(database, "notifications_per_person", limit, policy=policy)
    kept = await keys_of(database, Notification)
    assert (left + 1, True) == (len(kept), {*others, *ids[-most:]} <= kept)


async def test_messages_that_wait_stay(database: Database) -> None:
    states = [MessageState.SENT, MessageState.FAILED, MessageState.QUEUED]
    ids = [id_at(2 * DAY, number) for number in range(3)]
    await add(
        database,
        *(
            Message(
                id=id_, kind="k", dedupe_key=id_.hex, recipient="a@example.com", state=state, available_at=clock.now()
            )
            for id_, state in zip(ids, states, strict=True)
        ),
    )

    assert 2 == await apply(database, "messages")
    assert {ids[2]} == await keys_of(database, Message)


@pytest.mark.parametrize(
    ("ended", "expires", "removed"),
    [(None, DAY, 0), (None, -DAY / 2, 0), (-DAY / 2, DAY, 0), (-2 * DAY, DAY, 1), (None, -2 * DAY, 1)],
)
async def test_sessions(database: Database, ended: timedelta | None, expires: timedelta, removed: int) -> None:
    user, now = await make_user(database), clock.now()
    ended_at = None if ended is None else now + ended
    await add(database, UserSession(user_id=user.id, user_version=1, expires_at=now + expires, ended_at=ended_at))

    assert removed == await apply(database, "sessions")


async def test_of_each_person_the_newest_sessions_stay_and_those_in_use(database: Database) -> None:
    user, now = await make_user(database), clock.now()
    ids = [id_at(DAY, number) for number in range(4)]
    ends = [None, now, now, now]
    facts: dict[str, Any] = {"user_id": user.id, "user_version": 1, "expires_at": now + DAY}
    await add(database, *(UserSession(id=id_, ended_at=end, **facts) for id_, end in zip(ids, ends, strict=True)))
    policy = make_policy(RetentionSettings(sessions_per_person=2), SealKey(b"k" * 32))

    assert 1 == await apply(database, "sessions_per_person", policy=policy)
    assert {ids[0], *ids[2:]} == await keys_of(database, UserSession)


async def store_three(database: Database) -> list[UUID]:
    """Store an execution that ended long ago, one that ended lately, and one that has not ended."""
    now, ids = clock.now(), [id_at(3 * DAY, number) for number in range(3)]
    for id_, ended in zip(ids, (2 * DAY, DAY / 2, None), strict=True):
        (made,) = await store(database, make_spec())
        async with unit_of_work(database) as session:
            ends = {"state": State.SUCCEEDED, "finished_at": now - ended} if ended else {}
            await session.execute(sa.update(Execution).where(col(Execution.id) == made).values(id=id_, **ends))
    return ids


async def test_artifacts_go_before_their_execution(database: Database) -> None:
    ids = await store_three(database)
    await add(database, Blob(digest="d", size_bytes=0))
    facts: dict[str, Any] = {"attempt": 1, "media_type": "text/plain", "size_bytes": 0, "digest": "d"}
    await add(database, *(Artifact(execution_id=id_, name=name, **facts) for id_ in ids for name in ("a", "b")))

    assert 1 == await apply(database, "artifacts")
    assert {*ids[1:]} == await keys_of(database, Artifact)
    assert {*ids} == await keys_of(database, Execution)


async def test_logs_go_before_their_execution(database: Database) -> None:
    ids = await store_three(database)
    for id_ in ids:
        chunk: dict[str, Any] = {
            "first_sequence": 1,
            "last_sequence": 1,
            "attempt": 1,
            "lines": 1,
            "size_bytes": 1,
            "body": "x",
        }
        await add(database, Journal(execution_id=id_), JournalChunk(execution_id=id_, **chunk))

    assert 1 == await apply(database, "logs")
    assert {*ids[1:]} == await keys_of(database, Journal) == await keys_of(database, JournalChunk)
    assert {*ids} == await keys_of(database, Execution)


async def test_reports(database: Database) -> None:
    now = clock.now()
    await add(
        database,
        *(Removal(rule="executions", day=(now - age).date(), removed=1, last_at=now) for age in (3 * DAY, 0 * DAY)),
    )

    assert 1 == await apply(database, "reports")


async def test_no_more_than_asked_for(database: Database) -> None:
    user, now = await make_user(database), clock.now()
    await add(database, *(UserSession(user_id=user.id, user_version=1, expires_at=now - 2 * DAY) for _ in range(3)))

    assert [2, 1, 0] == [await apply(database, "sessions", limit=2) for _ in range(3)]
