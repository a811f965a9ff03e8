"""The cron dialect: what is taken, what it stands for, and what is refused with which words."""

import gc
import random
from collections.abc import Iterator
from datetime import date, datetime
from time import thread_time

import pytest

from stationmaster.kit.cron import ALIASES, MAX_LENGTH, Cron, CronError, parse
from stationmaster.kit.cron_wall import next_slot
from stationmaster.kit.cron_words import describe
from tests.kit.cron_expressions import make_noise

MOST_SECONDS = 0.005
NOW = datetime.fromisoformat("2026-11-20T12:00")


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Keep the garbage of other tests out of what is timed here."""
    gc.disable()
    yield
    gc.enable()


def error_of(expression: str) -> CronError:
    with pytest.raises(CronError) as caught:
        parse(expression)
    return caught.value


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("5", (5,)),
        ("05", (5,)),
        ("1,3,2,3", (1, 2, 3)),
        ("10-13", (10, 11, 12, 13)),
        ("7-7", (7,)),
        ("*/20", (0, 20, 40)),
        ("5/20", (5, 25, 45)),
        ("10-30/10", (10, 20, 30)),
        ("10-10/15", (10,)),
        ("0-5/2,50", (0, 2, 4, 50)),
        ("*", tuple(range(60))),
        ("*/59", (0, 59)),
    ],
)
def test_a_field_stands_for_its_numbers(field: str, expected: tuple[int, ...]) -> None:
    assert expected == parse(f"{field} * * * *").minutes


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("0", (0,)),
        ("7", (0,)),
        ("sun", (0,)),
        ("MON-Fri", (1, 2, 3, 4, 5)),
        ("5-7", (0, 5, 6)),
        ("0-7", (0, 1, 2, 3, 4, 5, 6)),
        ("1-7/2", (0, 1, 3, 5)),
        ("*/2", (0, 2, 4, 6)),
        ("*/7", (0,)),
        ("sat,sun", (0, 6)),
    ],
)
def test_weekdays_count_from_sunday_as_zero_or_seven(field: str, expected: tuple[int, ...]) -> None:
    assert expected == parse(f"0 0 * * {field}").weekdays


def test_months_have_names() -> None:
    assert parse("0 0 1 JAN,jun-Aug *").months == (1, 6, 7, 8)


def test_the_normal_form_is_lower_case_with_single_spaces() -> None:
    cron = parse("  0\t9   * *  MON-FRI \n")

    assert cron.text == "0 9 * * mon-fri"
    assert cron == parse("0 9 * * mon-fri")


@pytest.mark.parametrize(("alias", "fields"), ALIASES.items())
def test_an_alias_stands_for_five_fields(alias: str, fields: str) -> None:
    assert parse(fields) == parse(alias.upper())


@pytest.mark.parametrize(
    ("hour", "expected"), [("*", True), ("*/1", True), ("0-23", True), ("*/2", False), ("0-22", False), ("3", False)]
)
def test_every_hour_is_a_matter_of_meaning_not_of_spelling(hour: str, expected: bool) -> None:
    assert expected is parse(f"0 {hour} * * *").runs_every_hour


@pytest.mark.parametrize(
    ("expression", "matching"),
    [
        ("0 0 13 * *", [13]),
        ("0 0 * * 5", [6, 13, 20, 27]),
        ("0 0 13 * 1", [2, 9, 13, 16, 23, 30]),
        ("0 0 */10 * 6", [21]),
        ("0 0 20,21,22 * */6", [21, 22]),
        ("0 0 1-31 * 5", [*range(1, 31)]),
        ("0 0 L * *", [30]),
        ("0 0 1,L * 0", [1, 8, 15, 22, 29, 30]),
        ("0 0 * 10 *", []),
    ],
)
def test_the_day_fields_join_as_in_vixie_cron(expression: str, matching: list[int]) -> None:
    """November 2026 begins on a Sunday. Either field is enough, unless one of them starts with a star."""
    cron = parse(expression)

    assert matching == [day for day in range(1, 31) if cron.matches_day(date(2026, 11, day))]


def test_the_last_day_follows_leap_years() -> None:
    cron = parse("0 0 L 2 *")

    assert [cron.matches_day(date(2028, 2, day)) for day in (28, 29)] == [False, True]
    assert cron.matches_day(date(2027, 2, 28))


@pytest.mark.parametrize("expression", ["0 0 29 2 *", "0 0 31 1,2 *", "0 0 30 2 1", "0 0 30,L 2 *", "0 0 29 2 */7"])
def test_rare_dates_are_taken(expression: str) -> None:
    assert isinstance(parse(expression), Cron)


REFUSED = [
    ("60 * * * *", "minute", "a number from 0 to 59"),
    ("* 24 * * *", "hour", "a number from 0 to 23"),
    ("* * 0 * *", "day-of-month", "a number from 1 to 31"),
    ("* * 32 * *", "day-of-month", "a number from 1 to 31"),
    ("* * * 13 *", "month", "a number from 1 to 12 or a name from jan to dec"),
    ("* * * * 8", "day-of-week", "a number from 0 to 7 or a name from sun to sat"),
    ("* * * * monday", "day-of-week", "'monday'"),
    ("* * * sun *", "month", "'sun'"),
    ("jan * * * *", "minute", "'jan'"),
    ("-1 * * * *", "minute", "''"),
    ("1.5 * * * *", "minute", "'1.5'"),
    ("*/0 * * * *", "minute", "the step must be a number from 1 to 59"),
    ("*/60 * * * *", "minute", "the step must be a number from 1 to 59"),
    ("* */24 * * *", "hour", "the step must be a number from 1 to 23"),
    ("*/x * * * *", "minute", "'*/x'"),
    ("*/ * * * *", "minute", "'*/'"),
    ("*/5/5 * * * *", "minute", "'*/5/5'"),
    ("50-10 * * * *", "minute", "write '50-59,0-10'"),
    ("* * * * 5-1", "day-of-week", "write '5-6,0-1'"),
    ("* * * * mon-sun", "day-of-week", "write 'mon-6,0-sun'"),
    ("* * * * 7-1", "day-of-week", "write '7-7,0-1'"),
    ("* * * nov-feb *", "month", "write 'nov-12,1-feb'"),
    ("* * * * 1/2", "day-of-week", "write '1-6'"),
    ("1-2-3 * * * *", "minute", "'2-3'"),
    ("1,,2 * * * *", "minute", "an empty item"),
    ("1, * * * *", "minute", "an empty item"),
    ("** * * * *", "minute", "'**'"),
    ("*-5 * * * *", "minute", "'*'"),
    ("0 0 ? * *", "day-of-month", "write '*'"),
    ("H * * * *", "minute", "'H'"),
    ("H/15 * * * *", "minute", "'H'"),
    ("0 R(1-5) * * *", "hour", "'R'"),
    ("0 0 15W * *", "day-of-month", "'W'"),
    ("0 0 LW * *", "day-of-month", "'LW'"),
    ("0 0 L-3 * *", "day-of-month", "'L' stands alone"),
    ("0 0 L/2 * *", "day-of-month", "'L' stands alone"),
    ("0 0 * * 5L", "day-of-week", "'L' stands alone"),
    ("0 0 * * 5#2", "day-of-week", "'#'"),
    ("0 0 30 2 *", "day-of-month", "never fires"),
    ("0 0 31 2,4,6,9,11 *", "day-of-month", "never fires"),
    ("0 0 31 4 */2", "day-of-month", "never fires"),
    (f"{9**400} * * * *"[:200], None, "five fields"),
    (f"{'9' * 190} * * * *", "minute", "a number from 0 to 59"),
    ("", None, "empty"),
    ("   ", None, "empty"),
    ("* * * *", None, "this one has 4"),
    ("0 * * * * *", None, "Seconds and years are not supported"),
    ("0 * * * * * 2030", None, "this one has 7"),
    ("@reboot", None, "'@reboot'"),
    ("@every 5m", None, "@hourly"),
    ("@", None, "not a known alias"),
    ("* * * * *\x00", None, r"'\x00'"),
    ("* *\n* * *", None, r"'\n'"),
    ("* *\u00a0* * *", None, r"'\xa0'"),
    ("\u0661 * * * *", None, "'\u0661'"),
    ("\ud800 * * * *", None, r"'\ud800'"),
    ("*" * (MAX_LENGTH + 1), None, "at most 200 characters"),
    ("1," * 5_000 + "1 * * * *", None, "at most 200 characters"),
]


@pytest.mark.parametrize(("expression", "field", "words"), REFUSED)
def test_what_is_refused_says_where_and_why(expression: str, field: str | None, words: str) -> None:
    error = error_of(expression)

    assert field == error.field
    assert words in str(error)
    assert field is None or words == "never fires" or f"The {field} field" in str(error)


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("expression", [case[0] for case in REFUSED])
def test_refusing_is_cheap(expression: str) -> None:
    started = thread_time()
    error_of(expression)

    assert thread_time() - started < MOST_SECONDS


@pytest.mark.parametrize(
    ("expression", "field", "words"), [case for case in REFUSED if "write" in case[2] and "*" not in case[2]]
)
def test_advice_is_taken(expression: str, field: str, words: str) -> None:
    """What the refusal tells to write is accepted in that field."""
    advice = words.split("'")[1]
    place = ("minute", "hour", "day-of-month", "month", "day-of-week").index(field)
    parts = expression.split()
    parts[place] = advice

    assert parse(" ".join(parts)).text == " ".join(parts)


@pytest.mark.usefixtures("no_collector")
def test_noise_raises_nothing_but_cron_errors() -> None:
    chance = random.Random(7)
    taken, slowest = 0, 0.0
    for _ in range(10_000):
        expression = make_noise(chance)
        started = thread_time()
        try:
            cron = parse(expression)
            taken += bool(describe(cron) and next_slot(cron, NOW))
        except CronError:
            pass
        slowest = max(slowest, thread_time() - started)

    assert taken > 500
    assert slowest < MOST_SECONDS
