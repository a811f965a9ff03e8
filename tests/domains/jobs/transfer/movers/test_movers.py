"""What other schedulers write, as jobs of ours."""

from typing import Any

import pytest
from dirty_equals import IsPartialDict

from stationmaster.domains.executions.specs import targets
from stationmaster.domains.jobs.schemas import JobIn
from stationmaster.domains.jobs.transfer.movers.crontab import move_crontab
from stationmaster.domains.jobs.transfer.movers.curl import move_curl
from stationmaster.domains.jobs.transfer.movers.github import move_workflow
from stationmaster.domains.jobs.transfer.movers.kubernetes import move_cron_jobs
from stationmaster.domains.jobs.transfer.movers.moved import CannotMove, Moved
from tests.support.databases import ONLY_SQLITE
from tests.support.work import Desk, faults

URL = "https://example.com/hook"
CRON_JOB = """
apiVersion: batch/v1
kind: CronJob
metadata: {name: report}
spec:
  schedule: "0 3 * * *"
  timeZone: Europe/Berlin
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 600
  suspend: true
  jobTemplate:
    spec:
      backoffLimit: 2
      activeDeadlineSeconds: 900
      template:
        spec:
          volumes: [{name: data}]
          containers:
            - name: main
              image: registry.example.com/report:1.4
              command: [python]
              args: [report.py, "--all"]
              env:
                - {name: MODE, value: full}
                - {name: TOKEN, valueFrom: {secretKeyRef: {name: s, key: k}}}
              resources: {limits: {cpu: 500m, memory: 1Gi}}
            - {name: side, image: side}
---
apiVersion: v1
kind: Service
metadata: {name: other}
"""
WORKFLOW = """
name: Nightly
on:
  schedule:
    - cron: '30 2 * * 1-5'
    - cron: '0 6 * * 0'
jobs: {}
"""


def only(moved: Moved) -> dict[str, Any]:
    [job] = moved.jobs
    assert JobIn.model_validate(job).name == job["name"]
    return job


@pytest.mark.parametrize(
    ("command", "target"),
    [
        (f"curl {URL}", {"url": URL, "method": "GET"}),
        ("curl example.com", {"url": "http://example.com", "method": "GET"}),
        (f"/usr/bin/curl -fsS -X PUT '{URL}'", {"url": URL, "method": "PUT"}),
        (f"curl --request=DELETE --url {URL}", {"url": URL, "method": "DELETE"}),
        (f"curl -I {URL}", {"url": URL, "method": "HEAD"}),
        (
            f"curl {URL} --json '{{\"a\": 1}}'",
            {"method": "POST", "body": {"a": 1}, "headers": {"Content-Type": "application/json"}},
        ),
        (
            f"curl {URL} -d a=1 -d b=2",
            {"method": "POST", "body": "a=1&b=2", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        ),
        (f"curl -G {URL}?c=3 -da=1", {"url": f"{URL}?c=3&a=1", "method": "GET"}),
        (
            f"curl {URL} -H 'Content-Type: application/json' --data-raw '{{\"a\": [1]}}' \\\n -m 5",
            {"body": {"a": [1]}, "timeout_seconds": 5},
        ),
        (f"curl {URL} -H 'X-A: b: c' -A me", {"headers": {"X-A": "b: c", "User-Agent": "me"}}),
        (f"curl -u ada:secret {URL}", {"secret_headers": {"Authorization": "Basic YWRhOnNlY3JldA=="}}),
        (f"curl --oauth2-bearer t {URL}", {"secret_headers": {"Authorization": "Bearer t"}}),
    ],
)
def test_a_curl_command_is_a_webhook(command: str, target: dict[str, Any]) -> None:
    job = only(move_curl(command))

    assert job["target"] == IsPartialDict(type="webhook", **target)
    assert "example.com" == job["name"]


def test_what_curl_does_otherwise_is_noted() -> None:
    moved = move_curl(f"curl -fsSLk --retry 3 -H 'Authorization: Bearer x' {URL}", name="ping")

    assert IsPartialDict(name="ping", retry={"max_attempts": 4}) == only(moved)
    assert ["Redirects", "Certificates", "Authorization"] == [note.split()[0].rstrip(":") for note in moved.notes]


@pytest.mark.parametrize(
    "command",
    [
        "wget x", "", "curl", "curl 'x", f"curl {URL} -d @file", f"curl --proxy p {URL}", "curl -H", f"curl -m soon {URL}",
        f"curl -T file {URL}",
    ],
)  # fmt: skip
def test_other_commands_are_refused(command: str) -> None:
    with pytest.raises(CannotMove):
        move_curl(command)


def test_a_crontab_is_jobs() -> None:
    text = f"""
# comment
MAILTO=ops@example.com
CRON_TZ=Europe/Berlin
*/5 * * * * curl -fsS {URL} >/dev/null 2>&1
@daily /usr/local/bin/backup.sh --full 2>&1 | logger
0 3 * * 1 curl {URL}
@reboot start
61 * * * * never
"""

    moved = move_crontab(text, timezone="UTC")

    assert [
        ("example.com", "webhook", "*/5 * * * *"),
        ("backup-sh", "script", "0 0 * * *"),
        ("example.com-2", "webhook", "0 3 * * 1"),
    ] == [(job["name"], job["target"]["type"], job["schedules"][0]["cron_expression"]) for job in moved.jobs]
    assert {"Europe/Berlin"} == {job["schedules"][0]["timezone"] for job in moved.jobs}
    assert ["MAILTO", "backup.sh", "@reboot", "minute"] == [
        word
        for word, note in zip(("MAILTO", "backup.sh", "@reboot", "minute"), moved.notes, strict=True)
        if word in note
    ]
    for job in moved.jobs:
        JobIn.model_validate(job)


def test_a_workflow_is_a_job_that_dispatches_it() -> None:
    moved = move_workflow(WORKFLOW, repository="acme/reports", file_name="nightly.yml", name=None)

    assert only(moved) == {
        "name": "Nightly",
        "target": {"type": "github", "owner": "acme", "repo": "reports", "workflow": "nightly.yml"},
        "schedules": [
            {"cron_expression": "30 2 * * 1-5", "timezone": "UTC"},
            {"cron_expression": "0 6 * * 0", "timezone": "UTC"},
        ],
    }
    assert "workflow_dispatch" in moved.notes[1]


def test_a_cron_job_is_a_job_that_runs_a_container() -> None:
    moved = move_cron_jobs(CRON_JOB)

    job = only(moved)
    assert job == {
        "name": "report",
        "target": {
            "type": "docker",
            "image": "registry.example.com/report:1.4",
            "command": ["python", "report.py", "--all"],
            "env": {"MODE": "full"},
            "secrets": ["TOKEN"],
            "cpu": 0.5,
            "memory_mb": 1024,
        },
        "schedules": [{"cron_expression": "0 3 * * *", "timezone": "Europe/Berlin"}],
        "overlap": {"policy": "skip"},
        "retry": {"max_attempts": 3},
        "is_active": False,
        "misfire": {"policy": "last", "max_lateness_seconds": 600},
        "timeout_seconds": 900,
    }
    assert 4 == len(moved.notes)
    assert "docker" == targets.validate_python(job["target"]).type


@ONLY_SQLITE
async def test_over_http_it_is_a_document(desk: Desk) -> None:
    body = {"format": "curl", "text": f"curl {URL}", "name": "ping"}

    converted = await desk.call("POST", "/convert", body)
    imported = await desk.call("POST", "/import", {"document": converted.json()["document"], "mode": "apply"})

    assert 200 == converted.status_code == imported.status_code
    assert imported.json()["counts"] == IsPartialDict(create=1)


@ONLY_SQLITE
@pytest.mark.parametrize(
    "body",
    [
        {"format": "curl", "text": "wget x"},
        {"format": "crontab", "text": "# nothing"},
        {"format": "github", "text": WORKFLOW},
        {"format": "github", "text": "a: [", "repository": "a/b", "file_name": "c"},
        {"format": "github", "text": "on: push", "repository": "a/b", "file_name": "c"},
        {"format": "kubernetes", "text": "kind: Service"},
        {"format": "kubernetes", "text": "kind: CronJob\nspec: {schedule: '* * * * *'}"},
        {"format": "kubernetes", "text": CRON_JOB.replace("backoffLimit: 2", "backoffLimit: [x]")},
        {"format": "kubernetes", "text": "kind: CronJob\nspec: 5"},
    ],
)
async def test_what_cannot_be_converted_is_refused(desk: Desk, body: dict[str, Any]) -> None:
    assert ["/text"] == faults(await desk.call("POST", "/convert", body))
