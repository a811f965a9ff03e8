"""What an expression means, in words."""

import pytest
from hypothesis import assume, given, settings

from stationmaster.kit.cron import Cron, CronError, parse
from stationmaster.kit.cron_words import describe
from tests.kit.cron_expressions import expressions


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("30 2 * * 1-5", "At 02:30, Monday to Friday"),
        ("* * * * *", "Every minute"),
        ("*/15 * * * *", "Every 15 minutes"),
        ("0,30 * * * *", "Every 30 minutes"),
        ("5/15 * * * *", "At minutes 5, 20, 35 and 50 of every hour"),
        ("*/7 * * * *", "At minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour"),
        ("0-29 * * * *", "At minutes 0 to 29 of every hour"),
        ("0 * * * *", "Every hour, on the hour"),
        ("7 * * * *", "At minute 7 of every hour"),
        ("@daily", "At 00:00, every day"),
        ("30 9,17 * * *", "At 09:30 and 17:30, every day"),
        ("0,20 8,9 * * *", "At 08:00, 08:20, 09:00 and 09:20, every day"),
        ("0 9-17 * * 1-5", "Every hour from 09:00 to 17:00, Monday to Friday"),
        ("15 1/6 * * *", "Every 6 hours from 01:15 to 19:15, every day"),
        ("* 2 * * *", "Every minute from 02:00 to 02:59, every day"),
        ("*/10 9-17 * * *", "Every 10 minutes from 09:00 to 17:50, every day"),
        ("* 2,4 * * *", "Every minute from 02:00 to 02:59 and from 04:00 to 04:59, every day"),
        ("0,20,45 8-11 * * *", "At minutes 0, 20 and 45 of hours 8 to 11, every day"),
        ("0 22,23,0,1 * * *", "At 00:00, 01:00, 22:00 and 23:00, every day"),
        ("0 0 * * 6,0", "At 00:00, on Saturday and Sunday"),
        ("0 0 * * 5-7", "At 00:00, Friday to Sunday"),
        ("0 0 * * 0-2", "At 00:00, Sunday to Tuesday"),
        ("0 0 * * */2", "At 00:00, on Tuesday, Thursday, Saturday and Sunday"),
        ("0 0 1 * *", "At 00:00, on day 1 of the month"),
        ("0 0 1,15 * *", "At 00:00, on days 1 and 15 of the month"),
        ("0 0 1-7,20 * *", "At 00:00, on days 1 to 7 and 20 of the month"),
        ("0 0 5-25/5 * *", "At 00:00, on every 5th day of the month from day 5 to day 25"),
        ("0 0 L * *", "At 00:00, on the last day of the month"),
        ("0 0 15,L * *", "At 00:00, on day 15 of the month and on the last day of the month"),
        ("0 0 1 * 5", "At 00:00, on day 1 of the month, or on Friday"),
        ("0 0 1 * 1-5", "At 00:00, on day 1 of the month, or Monday to Friday"),
        ("0 0 */2 * 1", "At 00:00, on every 2nd day of the month from day 1 to day 31, where that is a Monday"),
        ("0 0 */15 * 1,3", "At 00:00, on days 1, 16 and 31 of the month, where that is a Monday or Wednesday"),
        ("0 0 */15 * 1-5", "At 00:00, on days 1, 16 and 31 of the month, where that is a day from Monday to Friday"),
        ("0 0 1-31 * 1", "At 00:00, every day"),
        ("0 0 29 2 *", "At 00:00, on day 29 of the month, in February"),
        ("* * 1 6-8 *", "Every minute, on day 1 of the month, in June to August"),
        ("0 0 1 jan-mar,12 *", "At 00:00, on day 1 of the month, in January to March and December"),
        ("0 0 * 6 *", "At 00:00, every day, in June"),
    ],
)
def test_an_expression_is_told_in_words(expression: str, expected: str) -> None:
    assert expected == describe(parse(expression))


def test_the_zone_is_named_when_given() -> None:
    assert describe(parse("30 2 * * *"), "Europe/Berlin") == "At 02:30, every day (Europe/Berlin)"


_MEANINGS: dict[str, tuple[object, ...]] = {}


def meaning_of(cron: Cron) -> tuple[object, ...]:
    days = (cron.days, cron.weekdays, cron.on_last_day, cron.either_day and len(cron.weekdays) < 7)
    return (cron.minutes, cron.hours, days, cron.months)


@settings(max_examples=300, deadline=None)
@given(expressions)
def test_the_same_words_always_mean_the_same(expression: str) -> None:
    """Nothing of the meaning is lost: expressions that read alike have the same slots."""
    try:
        cron = parse(expression)
    except CronError:
        assume(False)
        raise

    assert meaning_of(cron) == _MEANINGS.setdefault(describe(cron), meaning_of(cron))
