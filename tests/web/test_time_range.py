"""`from` and `to`: what they cover, and what is refused."""

from collections.abc import AsyncIterator

import httpx
import pytest

from stationmaster.errors import Invalid
from stationmaster.kit.instants import format_instant
from stationmaster.web.time_range import TimeRange, TimeRangeDep, read_time_range
from tests.web.building import client_of, make_app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = make_app()

    @app.get("/span")
    async def read(span: TimeRangeDep) -> list[str | None]:
        return [format_instant(end) if end else None for end in (span.start, span.end)]

    async with client_of(app) as opened:
        yield opened


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, [None, None]),
        ("2026-11-21T08:30:00Z", None, ["2026-11-21T08:30:00.000Z", None]),
        ("2026-11-21T08:30:00", "2026-11-21T09:00", ["2026-11-21T08:30:00.000Z", "2026-11-21T09:00:00.000Z"]),
        ("2026-11-21T08:30:00+05:30", None, ["2026-11-21T03:00:00.000Z", None]),
        ("2026-11-21t08:30:00.123456z", None, ["2026-11-21T08:30:00.123Z", None]),
        ("2026-11-21", "2026-11-21", ["2026-11-21T00:00:00.000Z", "2026-11-22T00:00:00.000Z"]),
        (None, "2026-12-31", [None, "2027-01-01T00:00:00.000Z"]),
        ("2028-02-29", None, ["2028-02-29T00:00:00.000Z", None]),
        ("0001-01-01", None, ["0001-01-01T00:00:00.000Z", None]),
        (None, "9999-12-31T23:59:59Z", [None, "9999-12-31T23:59:59.000Z"]),
    ],
)
async def test_from_is_inclusive_and_a_date_in_to_covers_its_day(
    client: httpx.AsyncClient, start: str | None, end: str | None, expected: list[str | None]
) -> None:
    params = {name: text for name, text in (("from", start), ("to", end)) if text is not None}

    answer = await client.get("/span", params=params)

    assert (200, expected) == (answer.status_code, answer.json())


@pytest.mark.parametrize("parameter", ["from", "to"])
@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "soon", "now", "0", "1700000000", "2026", "2026-11", "20261121", "2026-W47-6", "2026-325"),
        *("2026-02-30", "2026-13-01", "0000-01-01", "2026-11-21T25:00:00Z", "2026-11-21T08:30:00 00:00"),
        *("2026-11-21T08:30:00+25:00", "0001-01-01T00:00:00+01:00", "2026-11-21\n", "\uff12026-11-21", "x" * 65),
    ],
)
async def test_what_is_no_time_is_refused_by_the_parameters_name(
    client: httpx.AsyncClient, parameter: str, text: str
) -> None:
    answer = await client.get("/span", params={parameter: text})

    assert (422, [parameter]) == (answer.status_code, [error["parameter"] for error in answer.json()["errors"]])


async def test_a_day_that_ends_after_the_calendar_is_refused(client: httpx.AsyncClient) -> None:
    assert 422 == (await client.get("/span?to=9999-12-31")).status_code


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-11-21T08:30:00Z", "2026-11-21T08:30:00Z"),
        ("2026-11-22", "2026-11-21"),
        ("2026-11-21T08:30:00Z", "2026-11-21T08:30:00+01:00"),
    ],
)
async def test_a_range_that_holds_nothing_is_refused(start: str, end: str) -> None:
    with pytest.raises(Invalid) as refused:
        await read_time_range(start, end)

    assert ["to"] == [error.parameter for error in refused.value.errors]


async def test_a_range_without_ends_is_open() -> None:
    assert TimeRange(None, None) == await read_time_range()
