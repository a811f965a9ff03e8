"""Closed times out of iCal files."""

from datetime import UTC, datetime

import pytest

from stationmaster.domains.jobs.calendars.ical import IcalError, read_ical

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def calendar(*events: str) -> str:
    body = "".join(
        f"BEGIN:VEVENT\nUID:{index}\nSUMMARY:Event\n{text}\nEND:VEVENT\n" for index, text in enumerate(events)
    )
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:tests\n{body}END:VCALENDAR\n"


@pytest.mark.parametrize(
    ("event", "times"),
    [
        ("DTSTART;VALUE=DATE:20261225", [["2026-12-25", "2026-12-25"]]),
        ("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227", [["2026-12-24", "2026-12-26"]]),
        ("DTSTART;VALUE=DATE:20261224\nDURATION:P2D", [["2026-12-24", "2026-12-25"]]),
        (
            "DTSTART:20261201T220000Z\nDTEND:20261202T020000Z",
            [["2026-12-01T22:00:00.000Z", "2026-12-02T02:00:00.000Z"]],
        ),
        (
            "DTSTART;TZID=Europe/Berlin:20260701T220000\nDURATION:PT1H",
            [["2026-07-01T20:00:00.000Z", "2026-07-01T21:00:00.000Z"]],
        ),
        (
            "DTSTART;VALUE=DATE:20261102\nRRULE:FREQ=WEEKLY;COUNT=3\nEXDATE;VALUE=DATE:20261109",
            [["2026-11-02", "2026-11-02"], ["2026-11-16", "2026-11-16"]],
        ),
        (
            "DTSTART;TZID=Europe/Berlin:20261020T030000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;UNTIL=20261027T020000Z",
            [
                ["2026-10-20T01:00:00.000Z", "2026-10-20T02:00:00.000Z"],
                ["2026-10-27T02:00:00.000Z", "2026-10-27T03:00:00.000Z"],
            ],
        ),
        (
            "DTSTART;VALUE=DATE:20261101\nRDATE;VALUE=DATE:20261111,20261121",
            [["2026-11-01", "2026-11-01"], ["2026-11-11", "2026-11-11"], ["2026-11-21", "2026-11-21"]],
        ),
        ("DTSTART;VALUE=DATE:20261225\nSTATUS:CANCELLED", []),
    ],
)
def test_events_become_times(event: str, times: list[list[str]]) -> None:
    assert [[*one, "Event"] for one in times] == read_ical(calendar(event), now=NOW)


def test_what_repeats_for_ever_is_written_out_for_some_years() -> None:
    found = read_ical(calendar("DTSTART;VALUE=DATE:20001225\nRRULE:FREQ=YEARLY"), now=NOW)

    assert [str(year) for year in range(2025, 2031)] == [first[:4] for first, _, _ in found]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "is not a calendar"),
        (calendar("DTSTART:20261201T220000"), "a time without a zone"),
        (calendar("DTEND:20261201T220000Z"), "cannot be read"),
        (calendar("DTSTART:20261201T220000Z\nRRULE:FREQ=SECONDLY"), "more than 2000 times"),
        (calendar("DTSTART:20261201T220000Z\nRRULE:FREQ=NEVER"), "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, words: str) -> None:
    with pytest.raises(IcalError, match=words):
        read_ical(text, now=NOW)
