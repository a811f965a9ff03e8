"""The cron dialect: what an expression may say, and the sets of numbers it stands for.

Exactly five fields, as in Unix: minute, hour, day-of-month, month, day-of-week. Numbers, `*`, lists, ranges and steps;
`L` in the day-of-month field for the month's last day; names of months and weekdays (three letters, any case); 0 and 7 are
Sunday. A few `@` aliases stand for five fields.

The two day fields join as in Vixie cron (crontab(5)): when neither starts with `*`, a day counts if *either* matches; when
one starts with `*` (also `*/2`), *both* must match.

Refused, because schedulers disagree on the meaning or have none: seconds and years, `?`, `H`, `R`, `W`, `#`, ranges that run
backwards, a start with a step but no end in day-of-week, steps wider than the field, `@reboot`, and dates that never come.
"""

from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from types import MappingProxyType

MAX_LENGTH = 200

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "@yearly": "0 0 1 1 *",
        "@annually": "0 0 1 1 *",
        "@monthly": "0 0 1 * *",
        "@weekly": "0 0 * * 0",
        "@daily": "0 0 * * *",
        "@midnight": "0 0 * * *",
        "@hourly": "0 * * * *",
    }
)

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_LAST_DAY = "l"


class CronError(ValueError):
    """An expression that is refused, in a sentence for people; `field` names the part that is wrong, if one is."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Cron:
    """A parsed expression: sorted numbers of each field. Two are equal when their text is.

    `text` is the normal form: five lower-case fields with one space between, aliases spelled out. Weekdays run from
    0 = Sunday to 6. `on_last_day` is the `L` of day-of-month. `either_day`: a day that matches one of the day fields is
    enough; otherwise it must match both.
    """

    text: str
    minutes: tuple[int, ...] = field(compare=False, repr=False)
    hours: tuple[int, ...] = field(compare=False, repr=False)
    days: tuple[int, ...] = field(compare=False, repr=False)
    months: tuple[int, ...] = field(compare=False, repr=False)
    weekdays: tuple[int, ...] = field(compare=False, repr=False)
    on_last_day: bool = field(compare=False, repr=False)
    either_day: bool = field(compare=False, repr=False)

    @property
    def runs_every_hour(self) -> bool:
        """Whether the hour field covers all 24 hours, however it is spelled; such expressions follow elapsed time."""
        return len(self.hours) == 24

    @property
    def has_every_day_of_month(self) -> bool:
        return len(self.days) == 31

    @property
    def has_every_weekday(self) -> bool:
        return len(self.weekdays) == 7

    def matches_day(self, day: date) -> bool:
        """Tell whether there are slots on this day."""
        if day.month not in self.months:
            return False
        by_weekday = day.isoweekday() % 7 in self.weekdays
        if by_weekday == self.either_day:
            return by_weekday
        return day.day in self.days or (self.on_last_day and day.day == monthrange(day.year, day.month)[1])


@dataclass(frozen=True)
class _Field:
    """One of the five places, and the numbers that may stand there."""

    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()

    def find_value(self, token: str) -> int | None:
        if token in self.names:
            return self.names.index(token) + self.lowest
        return int(token) if token.isdigit() else None

    def describe_values(self) -> str:
        names = f" or a name from {self.names[0]} to {self.names[-1]}" if self.names else ""
        return f"a number from {self.lowest} to {self.highest}{names}"


_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY = _Field("day-of-month", 1, 31)
_MONTH = _Field("month", 1, 12, _MONTH_NAMES)
_WEEKDAY = _Field("day-of-week", 0, 7, _WEEKDAY_NAMES)

# What other dialects write, by what is left of the token without its digits.
_FOREIGN = MappingProxyType(
    {
        "?": "'?' is not known here; write '*'",
        "h": "'H' would choose a time by itself; write the number",
        "r": "'R' would be random; write the number",
        "#": "'#' (the nth weekday of a month) is not supported",
        "w": "'W' (the nearest working day) is not supported",
        "lw": "'LW' (the last working day) is not supported",
        "l": "'L' stands alone, and only in day-of-month",
    }
)


def parse(expression: str) -> Cron:
    """Read an expression; parsed ones are remembered.

    Raises:
        CronError: it is not of this dialect, or it never fires.
    """
    return _parse_fields(_normalise(expression))


def _normalise(expression: str) -> str:
    """Return the five fields with one space between, in lower case."""
    if len(expression) > MAX_LENGTH:
        raise CronError(f"A cron expression has at most {MAX_LENGTH} characters; this one has {len(expression)}.")
    text = expression.strip().lower()
    for character in text:
        if character != "\t" and not " " <= character <= "~":
            raise CronError(f"The character {character!r} cannot stand in a cron expression.")
    if text.startswith("@"):
        return _resolve_alias(text)
    parts = text.split()
    if len(parts) != 5:
        raise CronError(_explain_count(len(parts)))
    return " ".join(parts)


def _resolve_alias(text: str) -> str:
    if text == "@reboot":
        raise CronError("'@reboot' names an event, not a time; it is not supported.")
    if text not in ALIASES:
        raise CronError(f"{text!r} is not a known alias; there are {', '.join(ALIASES)}.")
    return ALIASES[text]


def _explain_count(count: int) -> str:
    fields = "minute, hour, day-of-month, month and day-of-week"
    if count == 0:
        return f"The cron expression is empty; it needs five fields: {fields}."
    more = " Seconds and years are not supported." if count > 5 else ""
    return f"A cron expression has five fields ({fields}); this one has {count}.{more}"


@lru_cache(maxsize=4096)
def _parse_fields(text: str) -> Cron:
    minute, hour, day, month, weekday = text.split(" ")
    minutes = _parse_field(_MINUTE, minute)
    hours = _parse_field(_HOUR, hour)
    days = _parse_days(day)
    on_last_day = _LAST_DAY in day.split(",") and len(days) < 31
    months = _parse_field(_MONTH, month)
    weekdays = tuple(sorted({value % 7 for value in _parse_field(_WEEKDAY, weekday)}))
    either_day = not day.startswith("*") and not weekday.startswith("*")
    if either_day and (len(days) == 31 or len(weekdays) == 7):
        days, weekdays, on_last_day, either_day = tuple(range(1, 32)), tuple(range(7)), False, False
    if not either_day and not on_last_day:
        _require_date(days, months)
    return Cron(text, minutes, hours, days, months, weekdays, on_last_day, either_day)


def _require_date(days: tuple[int, ...], months: tuple[int, ...]) -> None:
    """Refuse days that none of the months has; 29 February comes, so it is fine."""
    if days[0] > max(_LONGEST_MONTHS[month - 1] for month in months):
        raise CronError(f"This never fires: no month it names has a day {days[0]}.", _DAY.name)


def _parse_days(text: str) -> tuple[int, ...]:
    """Parse day-of-month, where `L` may stand among the numbers; it is no number itself."""
    items = [item for item in text.split(",") if item != _LAST_DAY]
    return _parse_field(_DAY, ",".join(items)) if items else ()


def _parse_field(place: _Field, text: str) -> tuple[int, ...]:
    """Return the sorted numbers that a comma-separated field stands for."""
    return tuple(sorted({value for item in text.split(",") for value in _parse_item(place, item)}))


def _parse_item(place: _Field, item: str) -> Iterator[int]:
    span, slash, step = item.partition("/")
    if not item:
        raise CronError(f"The {place.name} field has an empty item between commas.", place.name)
    low, high = _parse_span(place, span, is_stepped=bool(slash))
    yield from range(low, high + 1, _parse_step(place, item, step) if slash else 1)


def _parse_span(place: _Field, span: str, *, is_stepped: bool) -> tuple[int, int]:
    if span == "*":
        return place.lowest, place.highest
    first, dash, last = span.partition("-")
    low = _parse_value(place, first)
    if dash:
        return low, _parse_range_end(place, span, low, last)
    if is_stepped and place is _WEEKDAY:
        raise CronError(
            f"The {place.name} field has a step from {first!r} without an end; write '{first}-{_last_of(place, low)}'.",
            place.name,
        )
    return low, place.highest if is_stepped else low


def _parse_range_end(place: _Field, span: str, low: int, token: str) -> int:
    high = _parse_value(place, token)
    if high < low:
        first = span.partition("-")[0]
        raise CronError(
            f"The {place.name} field has the range {span!r}, which runs backwards;"
            f" write '{first}-{_last_of(place, low)},{place.lowest}-{token}' to go past the end.",
            place.name,
        )
    return high


def _last_of(place: _Field, low: int) -> int:
    """Return the end to advise for a range from `low`; Sunday ends a week only where it began it as 7."""
    return max(low, 6) if place is _WEEKDAY else place.highest


def _parse_value(place: _Field, token: str) -> int:
    value = place.find_value(token)
    if value is None:
        foreign = _FOREIGN.get(token.strip("0123456789()-"))
        reason = f": {foreign}" if foreign else f", which is not {place.describe_values()}"
        raise CronError(f"The {place.name} field has {token!r}{reason}.", place.name)
    if not place.lowest <= value <= place.highest:
        raise CronError(f"The {place.name} field has {token!r}, which is not {place.describe_values()}.", place.name)
    return value


def _parse_step(place: _Field, item: str, step: str) -> int:
    if not step.isdigit() or not 1 <= int(step) <= place.highest:
        raise CronError(
            f"The {place.name} field has {item!r}; the step must be a number from 1 to {place.highest}.", place.name
        )
    return int(step)
