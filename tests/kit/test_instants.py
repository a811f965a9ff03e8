"""Instants as the API writes and reads them."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.kit.instants import format_instant, parse_instant, parse_span

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (NOON, "2026-11-21T12:00:00.000Z"),
        (NOON.replace(microsecond=123_999), "2026-11-21T12:00:00.123Z"),
        (NOON.astimezone(timezone(timedelta(hours=-5, minutes=-30))), "2026-11-21T12:00:00.000Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000Z"),
    ],
)
def test_it_writes_utc_with_milliseconds(instant: datetime, text: str) -> None:
    assert format_instant(instant) == text


def test_it_does_not_write_an_instant_without_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        format_instant(NOON.replace(tzinfo=None))


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T12:00:00Z",
        "2026-11-21t12:00:00.000z",
        "2026-11-21 12:00Z",
        "2026-11-21T13:00:00+01:00",
        "2026-11-21T12:00:00.000999999Z",
    ],
)
def test_it_reads_any_offset(text: str) -> None:
    assert parse_instant(text) == NOON


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026-11-21T12:00:00", "which time zone"),
        ("2026-11-21", "write an instant"),
        ("1700000000", "write an instant"),
        ("2026-11-21T13:00:00 01:00", "%2B"),
        ("2026-11-21T12:00:00+0100", "write an instant"),
        ("٢٠٢٦-11-21T12:00:00Z", "write an instant"),
        ("2026-02-30T12:00:00Z", "day"),
        ("2026-11-21T24:00:01Z", "hour"),
        ("2026-11-21T12:00:00+99:00", "offset"),
        ("0001-01-01T00:00:00+01:00", "outside the years"),
        ("9999-12-31T23:59:59-01:00", "outside the years"),
        ("", "write an instant"),
        ("2026-11-21T12:00:00Z\n", "write an instant"),
    ],
)
def test_it_says_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_instant(text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_written_reads_the_same_to_the_millisecond(instant: datetime) -> None:
    assert timedelta(0) <= instant - parse_instant(format_instant(instant)) < timedelta(milliseconds=1)


@given(st.text())
def test_any_text_is_an_instant_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert parse_instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "start", "length"),
    [
        ("2026-11-21", NOON.replace(hour=0), timedelta(days=1)),
        ("2026-11-21T12:00:00Z", NOON, timedelta(milliseconds=1)),
        ("2026-11-21T12:00:00.0009", NOON, timedelta(milliseconds=1)),
        ("2026-11-21 13:00+01:00", NOON, timedelta(milliseconds=1)),
    ],
)
def test_a_date_covers_its_day_and_an_instant_its_millisecond(text: str, start: datetime, length: timedelta) -> None:
    span = parse_span(text)

    assert (span.start, span.end - span.start) == (start, length)
    assert span.is_day == (length == timedelta(days=1))


@pytest.mark.parametrize("text", ["", "2026-13-01", "2026-W47-6", "9999-12-31", "2026-11-21x", "20261121", "now"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"RFC 3339.* or a date"):
        parse_span(text)
