"""Reading closed times from an iCal file (RFC 5545)."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from dateutil.rrule import rrule, rruleset, rrulestr
from icalendar import Calendar, Component

from stationmaster.kit.instants import format_instant

YEARS_BACK = 1
YEARS_AHEAD = 5
MOST_TIMES = 2000
MOST_NAME = 200

_DAY = timedelta(days=1)


class IcalError(ValueError):
    """The text is not read; says why for people."""


def read_ical(text: str, *, now: datetime) -> list[list[str]]:
    """Return the times of all events: first, last and name of each; what repeats is written out from last year on.

    Raises:
        IcalError: it is no calendar, an event has times without zone, or there are too many.
    """
    try:
        events = [event for event in Calendar.from_ical(text).walk("VEVENT") if event.get("STATUS") != "CANCELLED"]
    except ValueError as error:
        raise IcalError("is not a calendar in the form of RFC 5545") from error
    found: list[list[str]] = []
    for event in events:
        for times in _read_event(event, now):
            found.append([*times, str(event.get("SUMMARY", ""))[:MOST_NAME]])
            if len(found) > MOST_TIMES:
                raise IcalError(f"has more than {MOST_TIMES} times in these years")
    return sorted(found)


def _read_event(event: Component, now: datetime) -> Iterator[tuple[str, str]]:
    try:
        start, length = _read_first(event)
        starts = _repeat(event, start, now)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise IcalError(f"the event {str(event.get('SUMMARY', ''))[:60]!r} cannot be read: {error}") from error
    for one in starts:
        yield _write(one, length)


def _read_first(event: Component) -> tuple[date | datetime, timedelta]:
    start = event.decoded("DTSTART")
    if isinstance(start, datetime) and start.tzinfo is None:
        raise ValueError("it has a time without a zone")
    if "DTEND" in event:
        return start, event.decoded("DTEND") - start
    if "DURATION" in event:
        return start, event.decoded("DURATION")
    return start, timedelta(0) if isinstance(start, datetime) else _DAY


def _repeat(event: Component, start: date | datetime, now: datetime) -> list[date | datetime]:
    if not {"RRULE", "RDATE"} & event.keys():
        return [start]
    rules = rruleset()
    base = _naive(start)
    for rule in _several(event, "RRULE"):
        rules.rrule(_parse_rule(_rule_text(rule, start), dtstart=base))
    if "RRULE" not in event:
        rules.rdate(base)
    for listed, add in ((_listed(event, "RDATE"), rules.rdate), (_listed(event, "EXDATE"), rules.exdate)):
        for one in listed:
            add(_naive(one))
    first, last = _naive(now - timedelta(days=366 * YEARS_BACK)), _naive(now + timedelta(days=366 * YEARS_AHEAD))
    return [_like(start, found) for found in _bounded(rules, first, last)]


def _bounded(rules: rruleset, first: datetime, last: datetime) -> Iterator[datetime]:
    for count, found in enumerate(rules.xafter(first, inc=True)):
        if found > last:
            return
        if count > MOST_TIMES:
            raise IcalError(f"has more than {MOST_TIMES} times in these years")
        yield found


def _parse_rule(text: str, *, dtstart: datetime) -> rrule:
    rule = rrulestr(text, dtstart=dtstart)
    assert isinstance(rule, rrule), "a text of several rules makes a set, and ours is of one"
    return rule


def _rule_text(rule: Any, start: date | datetime) -> str:
    """Write a rule with its end in the zone of its event, as the wall times that it is counted in."""
    until = rule.get("UNTIL")
    if until:
        end = until[0]
        if isinstance(end, datetime) and end.tzinfo is not None and isinstance(start, datetime):
            end = end.astimezone(start.tzinfo)
        rule = rule.copy()
        rule["UNTIL"] = [_naive(end)]
    return str(rule.to_ical().decode())


def _several(event: Component, name: str) -> list[Any]:
    value = event.get(name, [])
    return value if isinstance(value, list) else [value]


def _listed(event: Component, name: str) -> list[date | datetime]:
    return [one.dt for several in _several(event, name) for one in several.dts]


def _naive(value: date | datetime) -> datetime:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return datetime.combine(value, datetime.min.time())


def _like(start: date | datetime, found: datetime) -> date | datetime:
    return found.replace(tzinfo=start.tzinfo) if isinstance(start, datetime) else found.date()


def _write(start: date | datetime, length: timedelta) -> tuple[str, str]:
    if isinstance(start, datetime):
        return format_instant(start.astimezone(UTC)), format_instant((start + length).astimezone(UTC))
    last = start + max(length, _DAY) - _DAY
    return start.isoformat(), last.isoformat()
