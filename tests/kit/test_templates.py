"""Templates in texts."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from stationmaster.kit.templates import EXAMPLE, Moment, TemplateError, has_templates, resolve

MOMENT = Moment(
    datetime(2026, 3, 31, 22, 30, tzinfo=UTC),
    "nightly",
    ZoneInfo("Europe/Berlin"),
    last_success=datetime(2026, 3, 28, 23, 30, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ scheduled_time }}", "2026-03-31T22:30:00.000Z"),
        ("{{scheduled_time|date}}", "2026-04-01"),
        ("{{ scheduled_time | time }}", "00:30:00"),
        ("{{ scheduled_time | unix }}", "1774996200"),
        ("{{ scheduled_time - 1 day | date }}", "2026-03-31"),
        ("{{ scheduled_time - 1 month | date }}", "2026-03-01"),
        ("{{ scheduled_time + 2 weeks - 3 hours }}", "2026-04-14T19:30:00.000Z"),
        ("{{ scheduled_time | start_of month | date }}", "2026-04-01"),
        ("{{ scheduled_time - 1 day | start_of(month) | date }}", "2026-03-01"),
        ('{{ scheduled_time | start_of "week" | date }}', "2026-03-30"),
        ("{{ scheduled_time | start_of year }}", "2025-12-31T23:00:00.000Z"),
        ('{{ scheduled_time | format "%Y/%m/%d" }}', "2026/04/01"),
        ("{{ last_success | date }}", "2026-03-29"),
        ("{{ last_success + 1 day }}", "2026-03-29T22:30:00.000Z"),
        ("{{ last_success + 24 hours }}", "2026-03-29T23:30:00.000Z"),
        ("day {{ scheduled_time | date }} of {{ job_name }}", "day 2026-04-01 of nightly"),
        ("plain { text } }}", "plain { text } }}"),
    ],
)
def test_a_template_is_resolved(text: str, expected: str) -> None:
    assert expected == resolve(text, MOMENT)


def test_templates_stand_anywhere_in_a_value() -> None:
    value: dict[str, Any] = {"a": ["{{ job_name }}", 5, None], "b": {"c": "{{ scheduled_time | date }}"}, "d": True}

    assert {"a": ["nightly", 5, None], "b": {"c": "2026-04-01"}, "d": True} == resolve(value, MOMENT)
    assert has_templates(value)
    assert not has_templates({"a": ["{", 5, None]})


def test_before_the_first_success_there_is_nothing() -> None:
    moment = Moment(MOMENT.scheduled_time, "nightly", MOMENT.zone)

    assert (None, "since ") == (resolve("{{ last_success }}", moment), resolve("since {{ last_success }}", moment))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ scheduled }}", "there are scheduled_time"),
        ("{{ }}", "is not known"),
        ("{{ job_name | date }}", "takes no arithmetic"),
        ("{{ scheduled_time + 1 fortnight }}", "is not like"),
        ("{{ scheduled_time * 2 }}", "is not like"),
        ("{{ scheduled_time + 1 }}", "is not like"),
        ("{{ scheduled_time | upper }}", "the filter 'upper' is not known"),
        ("{{ scheduled_time | date | start_of day }}", "nothing follows"),
        ("{{ scheduled_time + 99999 years }}", "out of the calendar"),
        ("{{ scheduled_time.__class__ }}", "is not like"),
        ("{{ scheduled_time " + "+ 1 day " * 21 + "}}", "is not like"),
    ],
)
def test_what_is_not_known_is_refused(text: str, words: str) -> None:
    with pytest.raises(TemplateError, match=words):
        resolve(text, EXAMPLE)
