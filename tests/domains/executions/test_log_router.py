"""Logs and results over HTTP."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.domains.executions.journal import Stream
from stationmaster.kit.ids import new_id
from stationmaster.web import paging
from tests.domains.executions.watching import Speaker, Theatre, theatre_of


@pytest.fixture
async def theatre(app: FastAPI, client: httpx.AsyncClient) -> AsyncIterator[Theatre]:
    async with theatre_of(app, client, max_bytes=1 << 16) as opened:
        yield opened


@pytest.fixture
async def speaker(theatre: Theatre) -> Speaker:
    """Begin an execution that has said some things."""
    speaking = await theatre.speaker()
    await speaking.say("one", "::progress 10", "Two", "three")
    await speaking.journal.feed(b"broken\n", Stream.STDERR)
    await speaking.journal.line("slow", level="warning")
    await speaking.journal.close()
    return speaking


def texts(answer: httpx.Response) -> list[str]:
    assert 200 == answer.status_code, answer.text
    return [item["text"] for item in answer.json()["items"]]


@pytest.mark.parametrize("path", ["logs", "results", "logs?format=text"])
async def test_only_the_owner_and_admins_read(theatre: Theatre, speaker: Speaker, path: str) -> None:
    anonymous = await theatre.client.get(f"/api/v1/executions/{speaker.id}/{path}")
    people = (theatre.stranger, theatre.viewer, theatre.owner, theatre.admin)
    statuses = [(await theatre.get(f"/{speaker.id}/{path}", by)).status_code for by in people]

    assert [401, 404, 404, 200, 200] == [anonymous.status_code, *statuses]
    assert 404 == (await theatre.get(f"/{new_id()}/{path}")).status_code


async def test_a_page_shows_lines_oldest_first(theatre: Theatre, speaker: Speaker) -> None:
    answer = await theatre.get(f"/{speaker.id}/logs?size=2&page=2")

    assert ["three", "broken"] == texts(answer)
    assert {"total": 5, "page": 2, "size": 2, "pages": 3}.items() <= answer.json().items()
    assert "5" == answer.headers["x-total-count"]
    assert {"stream": "stderr", "level": "error", "attempt": 1, "sequence": 6}.items() <= answer.json()["items"][
        1
    ].items()


async def test_a_long_log_is_counted_to_a_cap(
    theatre: Theatre, speaker: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "LARGE_TOTAL_CAP", 3)
    capped = await theatre.get(f"/{speaker.id}/logs?size=2&page=2")
    exact = await theatre.get(f"/{speaker.id}/logs?size=2&count=exact")

    assert ["three", "broken"] == texts(capped)
    assert {"total": 3, "total_capped": True}.items() <= capped.json().items()
    assert 'rel="last"' not in capped.headers["link"]
    assert {"total": 5, "total_capped": False}.items() <= exact.json().items()


async def test_cursors_lead_through_the_log_and_back(theatre: Theatre, speaker: Speaker) -> None:
    seen, cursor = [], ""
    for _ in range(3):
        part = (await theatre.get(f"/{speaker.id}/logs?size=2&cursor={cursor}")).json()
        seen.append([item["text"] for item in part["items"]])
        cursor = part["next_cursor"]
    back = (await theatre.get(f"/{speaker.id}/logs?size=2&cursor={part['previous_cursor']}")).json()

    assert [["one", "Two"], ["three", "broken"], ["slow"]] == seen
    assert ["three", "broken"] == [item["text"] for item in back["items"]]
    assert cursor is not None  # the execution goes on, and may say more


async def test_a_log_that_is_over_has_a_last_cursor(theatre: Theatre, speaker: Speaker) -> None:
    await speaker.end()
    part = (await theatre.get(f"/{speaker.id}/logs?cursor=")).json()

    assert (5, None, None) == (len(part["items"]), part["next_cursor"], part["previous_cursor"])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("level=error", ["broken"]),
        ("level=error&level=warning", ["broken", "slow"]),
        ("stream=system", ["slow"]),
        ("q=tWO", ["Two"]),
        ("q=%25", []),
        ("attempt=1&q=o", ["one", "Two", "broken", "slow"]),
        ("attempt=2", []),
    ],
)
async def test_filters_narrow_the_log(theatre: Theatre, speaker: Speaker, query: str, expected: list[str]) -> None:
    assert expected == texts(await theatre.get(f"/{speaker.id}/logs?{query}"))
    assert expected == texts(await theatre.get(f"/{speaker.id}/logs?{query}&cursor="))


@pytest.mark.parametrize(
    "query", ["level=loud", "cursor=x", "cursor=after-1&page=2", "cursor=&count=exact", "format=xml", "attempt=0"]
)
async def test_what_is_wrong_is_refused(theatre: Theatre, speaker: Speaker, query: str) -> None:
    assert 422 == (await theatre.get(f"/{speaker.id}/logs?{query}")).status_code


async def test_downloads_have_the_whole_log(theatre: Theatre, speaker: Speaker) -> None:
    text = await theatre.get(f"/{speaker.id}/logs?format=text")
    jsonl = await theatre.get(f"/{speaker.id}/logs?format=jsonl&level=error")

    assert ["one", "Two", "three", "broken", "slow"] == [line.partition(" ")[2] for line in text.text.splitlines()]
    assert ["broken"] == [json.loads(line)["text"] for line in jsonl.text.splitlines()]
    assert f'attachment; filename="{speaker.id}.jsonl"' == jsonl.headers["content-disposition"]
    assert ["text/plain", "application/jsonl"] == [
        answer.headers["content-type"].partition(";")[0] for answer in (text, jsonl)
    ]


async def test_what_is_left_out_is_marked(theatre: Theatre) -> None:
    speaker = await theatre.speaker()
    for _ in range(50):
        await speaker.say(*["x" * 99] * 200)
    await speaker.journal.close()
    text = (await theatre.get(f"/{speaker.id}/logs?format=text")).text
    marks: list[dict[str, Any]] = []
    cursor = ""
    while len(part := (await theatre.get(f"/{speaker.id}/logs?size=100&cursor={cursor}")).json()["items"]):
        marks += [item for item in part if item["left_out"]]
        cursor = f"after-{part[-1]['sequence'] + (part[-1]['left_out'] or 1) - 1}"

    assert "entries are left out here" in text
    assert marks
    assert 10_001 == sum(mark["left_out"] for mark in marks) + text.count("x" * 99) + 1


async def test_a_result_is_there_while_it_runs_and_after(theatre: Theatre, speaker: Speaker) -> None:
    await speaker.say('::result {"rows": 3}')
    await speaker.journal.close()
    running = (await theatre.get(f"/{speaker.id}/results")).json()

    assert {"execution_id": str(speaker.id), "state": "running", "result": {"rows": 3}} == running


async def test_lists_show_the_last_lines_to_those_who_may(theatre: Theatre, speaker: Speaker) -> None:
    [mine] = (await theatre.get("?include=logs")).json()["items"]
    [theirs] = (await theatre.get("?include=logs", theatre.viewer)).json()["items"]

    assert ["one", "Two", "three", "broken", "slow"] == [line["text"] for line in mine["logs"]]
    assert theirs["logs"] is None
