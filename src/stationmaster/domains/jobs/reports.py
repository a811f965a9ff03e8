"""The daily digest and the weekly report: how the jobs of a person went, by mail, to who asked for it.

A day is reported from eight o'clock on, a week on Monday, both in the zone of the house, and not when it is long past: a
service that was away for a day begins with the next one. What was reported last is noted with the mails.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.clock import database_now
from stationmaster.domains.executions.summary import Tally, tally_by_owner
from stationmaster.domains.notifications import service as notifications
from stationmaster.domains.outbox import service as outbox
from stationmaster.domains.outbox.keys import key_of
from stationmaster.domains.outbox.models import Channel
from stationmaster.domains.outbox.service import Post
from stationmaster.domains.settings import service as settings
from stationmaster.domains.users import preferences
from stationmaster.domains.users.models import User
from stationmaster.kit.instants import normalise
from stationmaster.kit.zone import load_zone

REPORTED_AT = time(8)
LATEST = timedelta(hours=24)
MOST_JOBS = 30
NOTED = "reports"


@dataclass(frozen=True)
class Span:
    """What a report is about: the days from `first` to before `last`."""

    wish: str
    first: date
    last: date
    words: str

    @property
    def key(self) -> str:
        return f"{self.wish}:{self.last}"


async def send_reports(session: AsyncSession, *, zone: str) -> int:
    """Queue the reports that are due; return how many mails there are."""
    now = await database_now(session)
    sent = 0
    for span in due_spans(now, zone):
        noted = await settings.read_value(session, NOTED)
        if noted.get(span.wish) != str(span.last):
            sent += await _send(session, span, zone)
            await settings.store_value(session, NOTED, {**noted, span.wish: str(span.last)})
    return sent


def due_spans(now: datetime, zone: str) -> list[Span]:
    """Return the spans that are to be reported at an instant."""
    today = now.astimezone(load_zone(zone)).date()
    monday = today - timedelta(days=today.weekday())
    spans = [
        Span("daily_digest", today - timedelta(days=1), today, "Your day"),
        Span("weekly_report", monday - timedelta(days=7), monday, "Your week"),
    ]
    return [span for span in spans if timedelta(0) <= now - _instant(span.last, REPORTED_AT, zone) < LATEST]


async def _send(session: AsyncSession, span: Span, zone: str) -> int:
    people = await preferences.list_wishing(session, span.wish)
    start, end = (_instant(day, time(), zone) for day in (span.first, span.last))
    tallies = await tally_by_owner(session, [user.id for user in people], start, end)
    posts = [
        await _post(session, span, user, own)
        for user in people
        if (own := [tally for tally in tallies if tally.owner_id == user.id])
    ]
    await outbox.enqueue(session, posts)
    return len(posts)


async def _post(session: AsyncSession, span: Span, user: User, tallies: Sequence[Tally]) -> Post:
    succeeded, failed = sum(tally.succeeded for tally in tallies), sum(tally.failed for tally in tallies)
    last = span.last - timedelta(days=1)
    days = f"on {last}" if span.first == last else f"from {span.first} to {last}"
    facts: dict[str, Any] = {
        "title": f"{span.words}: {succeeded} succeeded, {failed} failed",
        "days": days,
        "rate": f"{100 * succeeded / (succeeded + failed):.1f} %" if succeeded + failed else None,
        "jobs": [
            {"name": tally.job_name, "succeeded": tally.succeeded, "failed": tally.failed, "other": tally.other}
            for tally in tallies[:MOST_JOBS]
        ],
        "left_out": max(0, len(tallies) - MOST_JOBS),
        "unread": await notifications.count_unread(session, user.id),
    }
    return Post(
        Channel.EMAIL, "report", user.email, key_of(span.key, Channel.EMAIL, user.email), facts, user_id=user.id
    )


def _instant(day: date, at: time, zone: str) -> datetime:
    return normalise(datetime.combine(day, at, tzinfo=load_zone(zone)))
