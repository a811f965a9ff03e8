"""A cron expression in plain English.

Written from the sets of numbers, not from the spelling, so it says what will happen: `0-59/15` and `*/15` read the same.
"""

from collections.abc import Sequence
from itertools import pairwise

from stationmaster.kit.cron import Cron

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MOST_TIMES = 6


def describe(cron: Cron, zone_name: str | None = None) -> str:
    """Say when it runs, in 24-hour wall time: `At 02:30, Monday to Friday (Europe/Berlin)`."""
    parts = [_describe_times(cron), _describe_days(cron), _describe_months(cron)]
    sentence = ", ".join(part for part in parts if part)
    return f"{sentence} ({zone_name})" if zone_name else sentence


def _describe_times(cron: Cron) -> str:
    if cron.runs_every_hour:
        return _describe_minutes_of_each_hour(cron.minutes)
    if len(cron.hours) * len(cron.minutes) <= _MOST_TIMES and not _is_steady(cron):
        return f"At {_join([_time(hour, minute) for hour in cron.hours for minute in cron.minutes])}"
    if len(cron.minutes) == 1 and (step := _step_of(cron.hours)):
        unit = "hour" if step == 1 else f"{step} hours"
        return f"Every {unit} from {_time(cron.hours[0], cron.minutes[0])} to {_time(cron.hours[-1], cron.minutes[0])}"
    if every := _steady_minutes(cron.minutes):
        return f"{every} {_describe_spans(cron)}"
    return f"At {_plural('minute', cron.minutes)} {_runs(cron.minutes)} of {_plural('hour', cron.hours)} {_runs(cron.hours)}"


def _describe_minutes_of_each_hour(minutes: Sequence[int]) -> str:
    if tuple(minutes) == (0,):
        return "Every hour, on the hour"
    if (every := _steady_minutes(minutes)) and minutes[0] == 0:
        return every
    return f"At {_plural('minute', minutes)} {_runs(minutes)} of every hour"


def _is_steady(cron: Cron) -> bool:
    """Whether a short list of times reads better as a rhythm: three or more times at one distance."""
    if len(cron.minutes) == 1:
        return len(cron.hours) > 3 and _step_of(cron.hours) is not None
    return len(cron.minutes) > 2 and _steady_minutes(cron.minutes) is not None


def _steady_minutes(minutes: Sequence[int]) -> str | None:
    """Say `Every n minutes` where the distance is the same all through the hour and on into the next."""
    step = _step_of([*minutes, minutes[0] + 60])
    if step is None or len(minutes) == 1:
        return None
    return "Every minute" if step == 1 else f"Every {step} minutes"


def _describe_spans(cron: Cron) -> str:
    """Say from when to when, for minutes that go on through adjacent hours."""
    first, last = cron.minutes[0], cron.minutes[-1]
    return _join([f"from {_time(low, first)} to {_time(high, last)}" for low, high in _group(cron.hours)])


def _describe_days(cron: Cron) -> str:
    by_month = "" if cron.has_every_day_of_month else _describe_days_of_month(cron)
    by_week = "" if cron.has_every_weekday else _describe_weekdays(cron.weekdays)
    if by_month and by_week:
        return f"{by_month}, or {by_week}" if cron.either_day else f"{by_month}, where that is {_bare(by_week)}"
    return by_month or by_week or ("" if cron.runs_every_hour else "every day")


def _describe_days_of_month(cron: Cron) -> str:
    last = "the last day of the month"
    if not cron.days:
        return f"on {last}"
    step = _step_of(cron.days) or 0
    if len(cron.days) > 3 and step > 1:
        numbers = f"on every {step}{_ordinal(step)} day of the month from day {cron.days[0]} to day {cron.days[-1]}"
    else:
        numbers = f"on {_plural('day', cron.days)} {_runs(cron.days)} of the month"
    return f"{numbers} and on {last}" if cron.on_last_day else numbers


def _describe_weekdays(weekdays: Sequence[int]) -> str:
    from_monday = sorted(7 if day == 0 else day for day in weekdays)
    for days in (from_monday, list(weekdays)):
        if len(days) > 2 and _step_of(days) == 1:
            return f"{_WEEKDAYS[days[0]]} to {_WEEKDAYS[days[-1]]}"
    return f"on {_join([_WEEKDAYS[day] for day in from_monday])}"


def _bare(weekdays: str) -> str:
    """Turn `on Monday` into `a Monday`, and a range of weekdays into `a day from Monday to Friday`."""
    if not weekdays.startswith("on "):
        return f"a day from {weekdays}"
    return f"a {weekdays.removeprefix('on ').replace(' and ', ' or ')}"


def _describe_months(cron: Cron) -> str:
    if len(cron.months) == 12:
        return ""
    groups = [(low, high) for low, high in _group(cron.months)]
    words = [_MONTHS[low - 1] if low == high else f"{_MONTHS[low - 1]} to {_MONTHS[high - 1]}" for low, high in groups]
    return f"in {_join(words)}"


def _runs(values: Sequence[int]) -> str:
    """Write numbers with their runs drawn together: `1, 2 and 5 to 9`."""
    words: list[str] = []
    for low, high in _group(values):
        words.extend([f"{low} to {high}"] if high - low > 1 else [str(value) for value in range(low, high + 1)])
    return _join(words)


def _group(values: Sequence[int]) -> list[tuple[int, int]]:
    """Return the first and last number of each run of adjacent ones."""
    starts = [values[0], *(later for earlier, later in pairwise(values) if later - earlier > 1)]
    ends = [*(earlier for earlier, later in pairwise(values) if later - earlier > 1), values[-1]]
    return list(zip(starts, ends, strict=True))


def _step_of(values: Sequence[int]) -> int | None:
    """Return the distance between neighbours when it is the same for all; two numbers at least."""
    steps = {later - earlier for earlier, later in pairwise(values)}
    return steps.pop() if len(steps) == 1 else None


def _join(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _plural(noun: str, values: Sequence[int]) -> str:
    return noun if len(values) == 1 else f"{noun}s"


def _ordinal(number: int) -> str:
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if not 10 < number < 20 else 0, "th")


def _time(hour: int, minute: int) -> str:
    return f"{hour:02}:{minute:02}"
