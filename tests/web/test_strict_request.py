"""What a route never declared is refused, on every route."""

import json
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Form, Query, UploadFile
from pydantic import BaseModel, Field

from stationmaster.web.schema import Input, JsonObject, JsonValue
from tests.web.building import client_of, make_app


class Filters(BaseModel):
    state: str = ""
    since: str = Field("", alias="from")


async def ask_team(team: str = "") -> str:
    return team


class ThingIn(Input):
    count: int = 0
    ratio: float = 0
    name: str = ""
    meta: JsonObject = {}
    value: JsonValue = None


def make_nested_app() -> FastAPI:
    """Build an application with each way to declare a query parameter."""
    app, outer, inner = make_app(), APIRouter(), APIRouter(prefix="/inner")

    @inner.get("/{thing}")
    async def get_inner(
        thing: str,
        filters: Annotated[Filters, Query()],
        tag: Annotated[list[str], Query(alias="tag[]")],
        plain: int = 0,
    ) -> list[object]:
        return [thing, filters.state, filters.since, tag, plain]

    @inner.post("/form")
    async def create_form(field: Annotated[str, Form()]) -> str:
        return field

    @inner.post("/file")
    async def create_file(file: UploadFile) -> int:
        return len(await file.read())

    @inner.post("/json")
    async def create_json(body: ThingIn) -> ThingIn:
        return body

    @inner.post("/nothing")
    async def create_nothing() -> None: ...

    outer.include_router(inner, prefix="/outer", dependencies=[Depends(ask_team)])
    app.include_router(outer, prefix="/api")
    app.include_router(inner, prefix="/again")
    return app


URL = "/api/outer/inner"


async def ask(method: str, url: str, **options: Any) -> httpx.Response:
    async with client_of(make_nested_app()) as client:
        return await client.request(method, url, **options)


@pytest.mark.parametrize("query", ["", "state=a&from=b&tag[]=1&tag[]=2&plain=3&team=x", "state=&team="])
async def test_every_declared_parameter_is_known(query: str) -> None:
    answer = await ask("GET", f"{URL}/a?{query}&tag[]=0")

    assert answer.status_code == 200


@pytest.mark.parametrize("name", ["nothing", "since", "tag", "STATE", "page", "thing", "filters", "", "a\r\nb"])
async def test_an_unknown_parameter_is_named(name: str) -> None:
    answer = await ask("GET", f"{URL}/a", params=[("tag[]", "0"), (name, "1")])

    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == [name]


async def test_a_parameter_of_one_inclusion_is_unknown_in_the_other() -> None:
    assert (await ask("GET", "/again/inner/a?tag[]=0&team=x")).status_code == 422
    assert (await ask("GET", "/again/inner/a?tag[]=0")).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("path", ["/json", "/form", "/file", "/nothing"])
async def test_posts_are_strict_too(method: str, path: str) -> None:
    assert (await ask(method, f"{URL}{path}?x=1")).status_code == (422 if method == "POST" else 405)


async def test_a_path_of_its_own_is_no_value_of_a_parameter() -> None:
    answer = await ask("GET", f"{URL}/json?tag[]=0")

    assert (answer.status_code, answer.headers["allow"]) == (405, "OPTIONS, POST")


@pytest.mark.parametrize(
    ("path", "media_type", "status"),
    [
        ("/json", "application/json", 200),
        ("/json", "application/json; charset=utf-8", 200),
        ("/json", "application/merge-patch+json", 200),
        ("/json", "APPLICATION/JSON", 200),
        ("/json", "text/plain", 415),
        ("/json", "text/json", 415),
        ("/json", "application/x-www-form-urlencoded", 415),
        ("/json", "", 415),
        ("/json", "application/json, text/plain", 415),
        ("/form", "application/json", 415),
        ("/form", "text/plain", 415),
        ("/form", "application/x-www-form-urlencoded", 422),
        ("/nothing", "text/plain", 200),
    ],
)
async def test_the_media_type_decides(path: str, media_type: str, status: int) -> None:
    answer = await ask("POST", URL + path, content=b"{}", headers={"content-type": media_type})

    assert answer.status_code == status


async def test_forms_and_files_are_read() -> None:
    assert (await ask("POST", f"{URL}/form", data={"field": "x"})).json() == "x"
    assert (await ask("POST", f"{URL}/file", files={"file": b"12345"})).json() == 5


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"meta": {"a": ' + nested(31) + "}}", 200),
        ('{"meta": {"a": ' + nested(32) + "}}", 422),
        ('{"value": ' + nested(200) + "}", 422),
        (nested(200_000), 400),
        ('{"value": ' + "9" * 5000 + "}", 400),
        ('{"value": 1e400}', 422),
        ('{"value": [NaN]}', 422),
        ('{"ratio": NaN}', 422),
        ('{"ratio": -Infinity}', 422),
        ('{"count": 9223372036854775807}', 200),
        ('{"count": 9223372036854775808}', 422),
        ('{"count": "5"}', 422),
        ('{"count": true}', 422),
        ('{"count": 5.0}', 422),
        ('{"name": "a\\u0000"}', 422),
        ('{"name": "\\ud800"}', 422),
        ('{"\\ud800": 1}', 422),
        ('{"meta": {"\\u0000": 1}}', 422),
        ('{"meta": {"a": "\\udfff"}}', 422),
        ('{"value": "\\ud83d\\ude00"}', 200),
        ("{", 400),
        ("", 422),
        ("null", 422),
        ("[]", 422),
        ('{"name": "\x00"}', 400),
        ("{} trailing", 400),
    ],
)
async def test_hostile_json_is_refused_and_never_an_error(body: str, status: int) -> None:
    answer = await ask("POST", f"{URL}/json", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == status
    assert answer.headers["content-type"] == ("application/json" if status == 200 else "application/problem+json")
    json.loads(answer.content)


@pytest.mark.parametrize("body", [b'{"name": "\xff"}', b"\xff\xfe", b"\x00"])
async def test_bytes_that_are_no_text_are_unreadable(body: bytes) -> None:
    answer = await ask("POST", f"{URL}/json", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 400


@pytest.mark.parametrize(
    "body", [b"--x\r\n\r\n", b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--", b"x" * 100]
)
async def test_a_broken_form_is_refused(body: bytes) -> None:
    answer = await ask("POST", f"{URL}/file", content=body, headers={"content-type": "multipart/form-data; boundary=x"})

    assert answer.status_code in (400, 422)


async def test_a_form_of_very_many_fields_is_refused() -> None:
    answer = await ask("POST", f"{URL}/form", data={f"f{number}": "x" for number in range(2000)})

    assert answer.status_code == 400
