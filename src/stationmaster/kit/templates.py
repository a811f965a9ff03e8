"""Templates in texts: `{{ scheduled_time - 1 day | date }}`, resolved when a run is made.

    {{ NAME [+|- NUMBER UNIT]... [| FILTER]... }}

Names are `scheduled_time`, `last_success` and `job_name`; units are second, minute, hour, day, week, month and year (also in
the plural), days and longer in wall time; filters are `date`, `time`, `iso`, `unix`, `format "%Y/%m"`, and `start_of` with
hour, day, week, month or year. Nothing else is known, nothing is executed, and what is not known is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from stationmaster.kit.instants import format_instant

INSTANTS = ("scheduled_time", "last_success")
NAMES = (*INSTANTS, "job_name")
UNITS = ("second", "minute", "hour", "day", "week", "month", "year")
PERIODS = ("hour", "day", "week", "month", "year")
MOST_STEPS = 20
MOST_UNITS = 100_000

_TEMPLATE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_SHIFT = re.compile(rf"([+-])\s*(\d{{1,6}})\s*({'|'.join(UNITS)})s?\b")
_NAME = re.compile(r"[a-z_]+")
_FORMAT = re.compile(r'format\s*\(?\s*(?:"([^"{}]{1,100})"|\'([^\'{}]{1,100})\')\s*\)?')
_START = re.compile(rf"start_of\s*\(?\s*[\"']?({'|'.join(PERIODS)})[\"']?\s*\)?")


class TemplateError(ValueError):
    """A template that is not known here, in a sentence for people."""


@dataclass(frozen=True)
class Moment:
    """What names stand for in one run."""

    scheduled_time: datetime
    job_name: str
    zone: ZoneInfo
    last_success: datetime | None = None


def _example(year: int) -> Moment:
    return Moment(datetime(year, 6, 15, tzinfo=UTC), "job", ZoneInfo("UTC"), datetime(year, 6, 14, tzinfo=UTC))


EXAMPLE = _example(2026)
TRIALS = (EXAMPLE, _example(1900), _example(2300))
"""By which templates are tried before they are kept: what leads out of the calendar from none of them never does."""


def has_templates(value: Any) -> bool:
    """Say whether there is a template anywhere in a JSON value; quickly, for it is asked of every value of every order."""
    if isinstance(value, str):
        return "{{" in value
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return False
    return any(map(has_templates, value))


def resolve(value: Any, moment: Moment) -> Any:
    """Return a JSON value with its templates resolved. A text that is one template becomes null where there is nothing.

    Raises:
        TemplateError: one is not known, or leads out of the calendar.
    """
    match value:
        case str():
            return _resolve_text(value, moment)
        case Mapping():
            return {name: resolve(one, moment) for name, one in value.items()}
        case list():
            return [resolve(one, moment) for one in value]
    return value


def _resolve_text(text: str, moment: Moment) -> Any:
    whole = _TEMPLATE.fullmatch(text)
    if whole and "{{" not in whole[1]:
        return _evaluate(whole[1], moment)
    return _TEMPLATE.sub(lambda found: _evaluate(found[1], moment) or "", text)


def _evaluate(expression: str, moment: Moment) -> str | None:
    head, *filters = (part.strip() for part in expression.split("|"))
    name = _NAME.match(head)
    if name is None or name[0] not in NAMES:
        raise TemplateError(f"{{{{{expression[:60]}}}}} is not known; there are {', '.join(NAMES)}")
    rest = head[name.end() :].strip()
    if name[0] == "job_name":
        if rest or filters:
            raise TemplateError("job_name takes no arithmetic and no filters")
        return moment.job_name
    instant: datetime | None = getattr(moment, name[0])
    if instant is None:
        return None
    try:
        return _filter(_shift(instant.astimezone(moment.zone), rest), filters)
    except (OverflowError, ValueError) as error:
        if isinstance(error, TemplateError):
            raise
        raise TemplateError(f"{{{{{expression[:60]}}}}} leads out of the calendar") from error


def _shift(instant: datetime, steps: str) -> datetime:
    position = count = 0
    while position < len(steps):
        step = _SHIFT.match(steps, position)
        count += 1
        if step is None or count > MOST_STEPS or int(step[2]) > MOST_UNITS:
            raise TemplateError(f"{steps[position : position + 40]!r} is not like '+ 2 days'")
        number = int(step[2]) * (1 if step[1] == "+" else -1)
        if step[3] in {"second", "minute", "hour"}:  # elapsed time, whatever clocks do
            moved = instant.astimezone(UTC) + timedelta(**{f"{step[3]}s": number})
            instant = moved.astimezone(instant.tzinfo)
        else:
            instant += relativedelta(**{f"{step[3]}s": number})  # type: ignore[arg-type]  # the names are those of UNITS
        position = step.end()
        position += len(steps[position:]) - len(steps[position:].lstrip())
    return instant


def _filter(instant: datetime, filters: list[str]) -> str:
    for index, text in enumerate(filters):
        start = _START.fullmatch(text)
        if start is None:
            if index != len(filters) - 1:
                raise TemplateError(f"nothing follows the filter {text[:40]!r}")
            return _write(instant, text)
        instant = _start_of(instant, start[1])
    return format_instant(instant.astimezone(UTC))


def _start_of(instant: datetime, period: str) -> datetime:
    hour = instant.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    match period:
        case "hour":
            return hour
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
    return day.replace(month=1, day=1)


def _write(instant: datetime, text: str) -> str:
    match text:
        case "date":
            return instant.date().isoformat()
        case "time":
            return instant.strftime("%H:%M:%S")
        case "iso":
            return format_instant(instant.astimezone(UTC))
        case "unix":
            return str(int(instant.timestamp()))
    found = _FORMAT.fullmatch(text)
    if found is None:
        raise TemplateError(
            f"the filter {text[:40]!r} is not known; there are date, time, iso, unix, format and start_of"
        )
    return instant.strftime(found[1] or found[2])
