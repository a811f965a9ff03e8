"""Who asked for it hears by mail how their own jobs went, once for each day and week."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col

from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from stationmaster.domains.jobs import reports
from stationmaster.domains.outbox.rendering import render
from stationmaster.domains.users import preferences
from stationmaster.domains.users.models import User
from stationmaster.kit import clock
from tests.domains.notifications.telling import read_messages
from tests.support.executions import make_spec, store
from tests.support.people import make_user

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)  # a Monday
YESTERDAY = NOW - timedelta(hours=20)


@pytest.fixture(autouse=True)
def at_nine(monkeypatch: pytest.MonkeyPatch) -> None:
    async def now(_session: object) -> datetime:
        return NOW

    monkeypatch.setattr(reports, "database_now", now)


async def subscriber(database: Database, **wishes: bool) -> User:
    user = await make_user(database)
    async with unit_of_work(database) as session:
        await preferences.set_preferences(session, user.id, wishes)
    return user


async def run(database: Database, owner: User, job: str, state: State, at: datetime = YESTERDAY) -> None:
    (id_,) = await store(database, make_spec(), owner_id=owner.id)
    async with unit_of_work(database) as session:
        ended = sa.update(Execution).where(col(Execution.id) == id_)
        await session.execute(ended.values(job_name=job, state=state, queued_at=at, finished_at=clock.now()))


async def send(database: Database) -> int:
    async with unit_of_work(database) as session:
        return await reports.send_reports(session, zone="UTC")


@pytest.mark.parametrize(
    ("now", "zone", "wishes"),
    [
        ("2026-11-23T07:59", "UTC", []),
        ("2026-11-23T08:00", "UTC", ["daily_digest", "weekly_report"]),
        ("2026-11-24T07:59", "UTC", ["weekly_report"]),
        ("2026-11-24T08:00", "UTC", ["daily_digest"]),
        ("2026-11-24T08:00", "Asia/Tokyo", ["daily_digest"]),
        ("2026-11-22T22:59", "Asia/Tokyo", []),
        ("2026-11-22T23:00", "Asia/Tokyo", ["daily_digest", "weekly_report"]),
    ],
)
def test_when_a_report_is_due(now: str, zone: str, wishes: list[str]) -> None:
    instant = datetime.fromisoformat(now).replace(tzinfo=UTC)

    assert wishes == [span.wish for span in reports.due_spans(instant, zone)]


async def test_a_digest_tells_of_ones_own_jobs_of_yesterday(database: Database) -> None:
    ada, eve = await subscriber(database, daily_digest=True), await subscriber(database)
    for state in (State.SUCCEEDED, State.SUCCEEDED, State.FAILED, State.SKIPPED):
        await run(database, ada, "nightly", state)
    await run(database, ada, "old", State.FAILED, NOW - timedelta(days=3))
    await run(database, eve, "others", State.FAILED)

    assert [1, 0] == [await send(database) for _ in range(2)]
    (message,) = await read_messages(database)
    assert (message.recipient, message.kind) == (ada.email, "report")
    assert message.facts is not None
    assert message.facts["title"] == "Your day: 2 succeeded, 1 failed"
    assert message.facts["jobs"] == [{"name": "nightly", "succeeded": 2, "failed": 1, "other": 1}]
    content = render("report", {"public_url": "https://station.example", **message.facts})
    assert "on 2026-11-22: 66.7 % of what ran succeeded." in content.text
    assert "- nightly: 2 succeeded, 1 failed, 1 skipped or cancelled\n" in content.text


async def test_a_week_has_seven_days(database: Database) -> None:
    ada = await subscriber(database, weekly_report=True)
    for days in (1, 7, 8):
        await run(database, ada, "nightly", State.SUCCEEDED, NOW - timedelta(days=days))

    assert await send(database) == 1
    (message,) = await read_messages(database)
    assert message.facts is not None
    assert message.facts["title"] == "Your week: 2 succeeded, 0 failed"
    assert message.facts["days"] == "from 2026-11-16 to 2026-11-22"


async def test_who_has_nothing_to_hear_gets_no_mail(database: Database) -> None:
    await subscriber(database, daily_digest=True, weekly_report=True)

    assert await send(database) == 0
