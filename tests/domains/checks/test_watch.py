"""Silence is told once, within the grace; a sign of life ends it; what nobody could hear is no silence."""

import asyncio
from datetime import timedelta

import pytest

from stationmaster.db.session import unit_of_work
from stationmaster.domains.checks import signs
from stationmaster.domains.checks.models import Signal
from stationmaster.identity.actor import Role
from tests.domains.checks.checking import CHECKS, Post
from tests.domains.notifications.telling import read_messages
from tests.support.people import make_person


async def test_a_new_check_waits_for_its_first_sign(post: Post) -> None:
    check = await post.create()

    assert await post.let_pass(check, 1_000_000) == "new"
    assert await post.told() == []


async def test_silence_goes_by_late_to_down_and_is_told_once(post: Post) -> None:
    check = await post.create()
    await post.ping(check)

    states = [await post.let_pass(check, seconds) for seconds in (3599, 2, 58, 2, 100_000)]

    assert ["up", "late", "late", "down", "down"] == states
    assert ["backup is down"] == await post.told()


async def test_the_next_sign_is_told_as_the_end_of_it(post: Post) -> None:
    check = await post.create()
    await post.ping(check)
    await post.let_pass(check, 4000)

    await post.ping(check)
    await post.ping(check)

    assert (await post.read(check))["state"] == "up"
    assert ["backup is down", "backup is up again"] == await post.told()


async def test_each_change_is_told_anew(post: Post) -> None:
    check = await post.create()
    for _ in range(2):
        await post.ping(check)
        await post.let_pass(check, 4000)

    assert ["backup is down", "backup is up again", "backup is down"] == await post.told()


async def test_replicas_that_look_at_once_tell_once(post: Post) -> None:
    check = await post.create(emails=["ops@example.com"])
    await post.ping(check)
    await post.ping(check, "/fail")
    await post.ping(check)
    await post.shift(check, 3700)

    await asyncio.gather(*(post.look() for _ in range(3)))

    mailed = [message for message in await read_messages(post.app.state.database) if "ops" in message.recipient]
    assert len(mailed) == 3  # down by the failure, up, down by silence


async def test_a_run_that_does_not_end_is_silence(post: Post) -> None:
    check = await post.create()
    await post.ping(check, "/start")

    states = [await post.let_pass(check, seconds) for seconds in (59, 2)]

    assert ["new", "down"] == states
    answer = await post.client.get("/api/v1/notifications", headers=post.owner.headers)
    assert "did not end within 60 seconds" in answer.json()["items"][0]["message"]


async def test_a_paused_check_is_not_missed(post: Post) -> None:
    check = await post.create()
    await post.ping(check)
    await post.client.post(f"{CHECKS}/{check['id']}/pause", headers=post.owner.headers)

    assert await post.let_pass(check, 1_000_000) == "paused"
    await post.client.post(f"{CHECKS}/{check['id']}/resume", headers=post.owner.headers)
    assert await post.let_pass(check, 1_000_000) == "new"


@pytest.mark.parametrize(
    ("reminder", "hours", "times"), [("none", 25, 1), ("hourly", 1, 2), ("daily", 23, 1), ("daily", 25, 2)]
)
async def test_reminders(post: Post, reminder: str, hours: int, times: int) -> None:
    check = await post.create(reminder=reminder)
    await post.ping(check, "/fail")

    await post.let_pass(check, hours * 3600 + 1)
    await post.look()

    told = await post.told()
    assert len(told) == times
    assert told[1:] == ["backup is still down"] * (times - 1)


async def test_a_cron_expression_says_when(post: Post) -> None:
    check = await post.create(cron_expression="* * * * *", timezone="Europe/Berlin")
    await post.ping(check)

    assert (await post.read(check))["due_at"].endswith(":00.000Z")
    assert await post.let_pass(check, 121) == "down"


async def test_what_nobody_could_hear_is_no_silence(post: Post) -> None:
    """The service was away: whatever was sent meanwhile was lost, so a whole grace must be listened to first."""
    check = await post.create()
    await post.ping(check)
    await post.listen_for(timedelta(seconds=30))

    still = await post.let_pass(check, 10_000)
    await post.listen_for(timedelta(seconds=61))
    heard = await post.let_pass(check, 1)

    assert (still, heard) == ("late", "down")


async def test_the_team_hears_too(post: Post) -> None:
    boss = await make_person(post.app, Role.ADMIN)
    eve = await make_person(post.app)
    team = {"name": "Night shift", "members": [str(eve.id)]}
    await post.client.post("/api/v1/teams", json=team, headers=boss.headers)
    check = await post.create(team="night-shift")

    await post.ping(check, "/fail")

    assert (["backup is down"], []) == (await post.told(eve), await post.told(boss))


async def test_old_signs_are_forgotten(post: Post) -> None:
    check, other = await post.create(), await post.create()
    for each in (check, check, check, other):
        await post.ping(each)
    keep, signs.KEEP = signs.KEEP, 2
    try:
        async with unit_of_work(post.app.state.database) as session:
            assert await signs.forget_old(session) == 1
    finally:
        signs.KEEP = keep

    answer = await post.client.get(f"{CHECKS}/{check['id']}/pings", headers=post.owner.headers)
    assert answer.json()["total"] == 2


def test_signals_are_those_of_the_address() -> None:
    assert {"start", "fail", "log"} == {*Signal} - {"success"}
