"""What is wrong with a job is refused by name, and nothing of it is stored."""

import json
from typing import Any

import pytest

from stationmaster.domains.executions.models import Spec
from stationmaster.domains.jobs.models import Job, Schedule
from tests.support.databases import ONLY_SQLITE
from tests.support.work import TARGET, Desk, count_rows, faults

CRON = {"cron_expression": "0 2 * * *"}
Case = tuple[dict[str, Any], list[str]]


def webhook(**fields: Any) -> dict[str, Any]:
    return {"target": TARGET | fields}


def schedule(**fields: Any) -> dict[str, Any]:
    return {"schedules": [fields]}


def cases(pointer: str, *bodies: dict[str, Any]) -> list[Case]:
    return [(body, [pointer]) for body in bodies]


NAMES = [
    *cases("/name", {"name": ""}, {"name": "  "}, {"name": "a\nb"}, {"name": "a\0b"}, {"name": "x" * 256}, {"name": 5}),
    *cases("/description", {"description": "a\0b"}, {"description": "x" * 10_001}, {"description": 5}),
    ({"name": None, "target": None}, ["/name", "/target"]),
]
MASS_ASSIGNMENT = [
    ({field: "x"}, [f"/{field}"])
    for field in ("id", "owner_id", "spec_id", "paused_at", "created_at", "next_run_at", "colour", "cron")
]
NUMBERS = [
    *cases("/timeout_seconds", *({"timeout_seconds": value} for value in (0, -1, 1e300, 10**400, "5", True, None))),
    *cases("/retry/max_attempts", *({"retry": {"max_attempts": value}} for value in (0, 101, 10**30, 1.5, "1"))),
    *cases("/overlap/max_running", *({"overlap": {"max_running": value}} for value in (0, 2**31, 2**63))),
    *cases("/misfire/max_runs", *({"misfire": {"max_runs": value}} for value in (0, 1001))),
    *cases("/misfire/policy", {"misfire": {"policy": "sometimes"}}),
    *cases("/overlap/policy", {"overlap": {"policy": "SKIP"}}),
    *cases("/on_lost", {"on_lost": "shrug"}),
    *cases("/is_active", {"is_active": "false"}, {"is_active": 1}),
    *cases("/retry", {"retry": {"delays_seconds": [1], "multiplier": 3}}),
    *cases("/retry/when", {"retry": {"when": "later"}}),
]
METADATA = cases(
    "/metadata", *({"metadata": value} for value in ({"a": "\0"}, {"\0": 1}, {"a": 2**64}, "text", [1], None))
)
ZONES = [
    case
    for zone in ("Europe/berlin", "../etc/passwd", "/etc/localtime", "US/Nowhere", "UTC\n", "", "x" * 65, 5)
    for case in (
        (CRON | {"timezone": zone}, ["/timezone"]),
        (schedule(**CRON, timezone=zone), ["/schedules/0/timezone"]),
    )
]
CRONS = [
    case
    for text in ("61 * * * *", "* * * *", "0 0 30 2 *", "@reboot", "0 0 * * mon#1", "0 0 ? * *", "", "x" * 201, 5)
    for case in (
        ({"cron_expression": text}, ["/cron_expression"]),
        ({"schedules": [CRON, {"cron_expression": text}]}, ["/schedules/1/cron_expression"]),
    )
]
DATES = [
    *cases(
        "/schedules/0/run_at",
        *(
            schedule(run_at=text)
            for text in ("2027-02-30T00:00:00Z", "2027-01-01", "2027-01-01T00:00:00", "0000-01-01T00:00:00Z", 5, "soon")
        ),
        schedule(run_at="2000-01-01T00:00:00Z"),
    ),
    *cases("/schedules/0/ends_at", schedule(**CRON, ends_at="2000-01-01T00:00:00Z")),
    *cases("/schedules/0", schedule(**CRON, starts_at="2031-01-01T00:00:00Z", ends_at="2030-01-01T00:00:00Z")),
]
KINDS = [
    *cases("/schedules/0", schedule(), schedule(**CRON, interval_seconds=60), schedule(timezone="UTC")),
    *cases(
        "/schedules/0",
        schedule(interval_seconds=60, dst_gap="skip"),
        schedule(run_at="2099-01-01T00:00Z", dst_fold="both"),
    ),
    *cases(
        "/schedules/0/interval_seconds", *(schedule(interval_seconds=value) for value in (0, -1, 1.5, "60", 10**12))
    ),
    *cases("/schedules/0/dst_gap", schedule(**CRON, dst_gap="guess")),
    *cases("/schedules", {"schedules": [CRON] * 101}, {"schedules": None}),
    *cases("", CRON | {"schedules": [CRON]}, {"timezone": "UTC"}),
    *cases("", {"policies": {"colour": 1}}, {"policies": {"on_lost": "fail"}, "on_lost": "fail"}),
]
ADDRESSES = [
    *cases(
        "/target/url",
        *(
            webhook(url=url)
            for url in (
                *(
                    "ftp://receiver.example/",
                    "javascript:alert(1)",
                    "file:///etc/passwd",
                    "gopher://x/",
                    "//x/",
                    "x",
                    "",
                ),
                *("http://", "http:///path", "https://user:secret@receiver.example/", "https://user@receiver.example/"),
                *("https://receiver.example:0/", "https://receiver.example:99999/", "https://receiver.example:x/"),
                *(
                    "https://receiver.example/a b",
                    "https://receiver.example\\@x/",
                    "https://x/\r\nHost: y",
                    "https://[::1",
                ),
            )
        ),
    ),
    *cases(
        "/target/url",
        *(
            webhook(url=f"http://{host}/")
            for host in (
                "169.254.169.254",
                "127.0.0.1",
                "0x7f.1",
                "2130706433",
                "[::1]",
                "[::ffff:10.0.0.1]",
                "10.0.0.1",
            )
        ),
    ),
]
HEADERS = [
    *cases(
        "/target",
        *(webhook(headers={"X-A": value}) for value in ("a\r\nb: c", "a\nb", "\x7f")),
        *(webhook(secret_headers={"X-A": value}) for value in ("a\r\nb: c", "a\nb")),
        *(webhook(headers={name: "x"}) for name in ("Host", "transfer-encoding", "Content-Length", "a b", "", "a:b")),
        *(webhook(secret_headers={name: "x"}) for name in ("webhook-signature", "Webhook-Id", "Stationmaster-Attempt")),
        webhook(headers={"X-A": "1", "x-a": "2"}),
        webhook(headers={"X-A": "1"}, secret_headers={"x-A": "2"}),
        *(webhook(signing_secret=value) for value in ("abc", "whsec_", "whsec_!!!", "whsec_c2hvcnQ=")),
    ),
    *cases("/target/headers", webhook(headers={f"x-{number}": "y" for number in range(51)})),
    *cases("/target/headers/X-A", webhook(headers={"X-A": "a\0b"}), webhook(headers={"X-A": 5})),
    *cases("/target/secret_headers/X-A", webhook(secret_headers={"X-A": "********"})),
]
TARGETS = [
    *cases("/target/type", webhook(type="pigeon"), {"target": {"url": "https://receiver.example/"}}),
    *cases("/target/method", webhook(method="TRACE"), webhook(method="post")),
    *cases("/target/success_statuses/1", webhook(success_statuses=[200, 99])),
    *cases("/target/colour", webhook(colour="red")),
    *cases("/target/body", webhook(body="a\0b"), webhook(body={"a": {"b": "\0"}})),
    *cases("/target", {"target": "https://receiver.example/"}, {"target": []}),
    *cases("/schedules/0/params", webhook(body="text") | schedule(**CRON, params={"a": 1})),
]


@pytest.mark.parametrize(
    "wrong",
    [NAMES, MASS_ASSIGNMENT, NUMBERS, METADATA, ZONES, CRONS, DATES, KINDS, ADDRESSES, HEADERS, TARGETS],
    ids=["names", "mass", "numbers", "metadata", "zones", "crons", "dates", "kinds", "addresses", "headers", "targets"],
)
@ONLY_SQLITE
async def test_wrong_input_is_refused_by_the_fields_name_and_nothing_is_stored(desk: Desk, wrong: list[Case]) -> None:
    """Refused before any database is asked, hence on one of them only."""
    found = []
    for body, _ in wrong:
        text = json.dumps({"name": "wrong", "target": TARGET} | body)
        answer = await desk.call("POST", content=text, headers={"content-type": "application/json"})
        found.append((body, faults(answer)))

    assert wrong == found
    assert [0, 0, 0] == await count_rows(desk.database, Job, Schedule, Spec)
