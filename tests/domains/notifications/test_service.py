"""A notice reaches everybody whom it is for, once, by the ways that they chose."""

import asyncio
from uuid import UUID

import pytest

from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.notifications import service
from stationmaster.domains.notifications.audience import PERSONAL_TOPICS, WISHES
from stationmaster.domains.notifications.notice import Notice, Topic
from stationmaster.domains.users import preferences
from tests.domains.notifications.telling import FAILED, notice, read_inboxes, read_messages, tell
from tests.support.people import make_user


async def prefer(database: Database, user_id: UUID, **flags: bool) -> None:
    async with unit_of_work(database) as session:
        await preferences.set_preferences(session, user_id, flags)


async def test_tells_the_inbox_and_by_mail(database: Database) -> None:
    ada = await make_user(database)

    await tell(database, users=[ada.id])

    (entry,) = await read_inboxes(database)
    (message,) = await read_messages(database)
    assert (entry.user_id, entry.title, entry.message, entry.read_at) == (ada.id, FAILED.title, FAILED.text, None)
    assert (message.recipient, message.user_id, message.kind) == (ada.email, ada.id, "notice")
    assert message.facts is not None
    assert message.facts["title"] == FAILED.title


async def test_the_same_fact_is_told_once(database: Database) -> None:
    ada, eve = await make_user(database), await make_user(database)

    await asyncio.gather(*(tell(database, users=[ada.id], emails=["ops@example.com"]) for _ in range(3)))
    await tell(database, users=[ada.id, eve.id], emails=["ops@example.com"])

    assert [ada.id, eve.id] == [entry.user_id for entry in await read_inboxes(database)]
    assert {ada.email, eve.email, "ops@example.com"} == {each.recipient for each in await read_messages(database)}
    assert len(await read_messages(database)) == 3


async def test_an_address_that_is_a_persons_too_gets_one_mail(database: Database) -> None:
    ada = await make_user(database)

    await tell(database, users=[ada.id], emails=[ada.email])

    assert len(await read_messages(database)) == 1


async def test_nothing_is_told_of_what_was_taken_back(database: Database) -> None:
    ada = await make_user(database)

    with pytest.raises(ZeroDivisionError):
        await tell_and_fail(database, ada.id)

    assert await read_inboxes(database) == []
    assert await read_messages(database) == []


async def tell_and_fail(database: Database, user_id: UUID) -> None:
    async with unit_of_work(database) as session:
        await service.tell(session, FAILED, users=[user_id])
        raise ZeroDivisionError


@pytest.mark.parametrize(("topic", "wish"), WISHES.items())
async def test_preferences_decide_about_mail(database: Database, topic: Topic, wish: str) -> None:
    yes, no = await make_user(database), await make_user(database)
    await prefer(database, yes.id, **{wish: True})
    await prefer(database, no.id, **{wish: False})

    await tell(database, notice("1", topic), users=[yes.id, no.id])

    assert {yes.id, no.id} == {entry.user_id for entry in await read_inboxes(database)}
    assert [yes.email] == [message.recipient for message in await read_messages(database)]


async def test_without_preferences_the_defaults_decide(database: Database) -> None:
    ada = await make_user(database)

    await tell(database, notice("1", Topic.JOB_SUCCEEDED), users=[ada.id])

    assert len(await read_inboxes(database)) == 1
    assert await read_messages(database) == []


async def test_who_cannot_log_in_is_not_told(database: Database) -> None:
    gone = await make_user(database, is_active=False)
    unproven = await make_user(database, is_verified=False)

    await tell(database, users=[gone.id, unproven.id])

    assert await read_inboxes(database) == []
    assert await read_messages(database) == []


def test_every_topic_can_be_refused() -> None:
    assert set(Topic) - WISHES.keys() == {Topic.TEST}
    assert PERSONAL_TOPICS <= set(Topic)


def test_a_link_leads_to_us() -> None:
    with pytest.raises(ValueError, match="a link is a path of ours"):
        Notice(Topic.TEST, "x", "x", "1", link="https://evil.example")


async def test_a_key_that_is_too_long_is_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="at most 120"):
        await tell(database, notice("x" * 121), emails=["a@example.com"])
