"""Refusals as `application/problem+json`."""

import json
from typing import Annotated, Any, Literal

import httpx
import pytest
from dirty_equals import IsDatetime, IsStr
from fastapi import FastAPI, Header, HTTPException, Path, WebSocket
from pydantic import Field
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from stationmaster import errors
from stationmaster.web.schema import Input
from tests.web.building import client_of, make_app, serve


class Webhook(Input):
    type: Literal["webhook"]
    url: str


class Script(Input):
    type: Literal["script"]
    params: dict[str, int] = {}


class JobIn(Input):
    name: str
    target: Annotated[Webhook | Script, Field(discriminator="type")]
    tags: list[int] = []


def app_that_raises(error: Exception) -> FastAPI:
    app = make_app()

    @app.get("/")
    async def get_nothing() -> None:
        raise error

    return app


async def answer_to(error: Exception) -> httpx.Response:
    async with client_of(app_that_raises(error)) as client:
        return await client.get("/", headers={"x-request-id": "r-1"})


async def answer_to_job(body: Any, **options: Any) -> httpx.Response:
    app = make_app()

    @app.post("/jobs/{number}")
    async def create_job(
        number: Annotated[int, Path(ge=1)], job: JobIn, if_match: Annotated[int, Header()] = 1
    ) -> None:
        del number, job, if_match

    async with client_of(app) as client:
        headers = {"content-type": "application/json"} | options.get("headers", {})
        return await client.post(options.get("url", "/jobs/1"), content=json.dumps(body), headers=headers)


async def test_a_refusal_is_a_problem_document() -> None:
    answer = await answer_to(errors.Conflict("The job is paused."))

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "/problems/conflict",
        "title": "The present state forbids this",
        "status": 409,
        "detail": "The job is paused.",
        "instance": "r-1",
        "timestamp": IsDatetime(iso_string=True) & IsStr(regex=r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
    }


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (errors.BadRequest("x"), 400, "bad-request"),
        (errors.Unauthenticated("x"), 401, "unauthenticated"),
        (errors.Forbidden("x"), 403, "forbidden"),
        (errors.NotFound("job", 5), 404, "not-found"),
        (errors.AlreadyExists("job", "name", "n"), 409, "already-exists"),
        (errors.PreconditionFailed("x"), 412, "precondition-failed"),
        (errors.TooLarge("x"), 413, "too-large"),
        (errors.UnsupportedMedia("x"), 415, "unsupported-media-type"),
        (errors.Invalid(errors.FieldError("x", pointer="/a")), 422, "invalid"),
        (errors.TooManyRequests("x"), 429, "too-many-requests"),
        (errors.Unavailable("x"), 503, "unavailable"),
        (HTTPException(404, "Not Found"), 404, "not-found"),
        (HTTPException(418), 418, "i'm-a-teapot"),
    ],
)
async def test_each_error_has_its_status_and_type(error: Exception, status: int, slug: str) -> None:
    answer = await answer_to(error)

    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")


@pytest.mark.parametrize(("seconds", "header"), [(0.2, "1"), (2.0, "2"), (59.1, "60")])
async def test_retry_after_is_whole_seconds_rounded_up(seconds: float, header: str) -> None:
    answer = await answer_to(errors.TooManyRequests("x", retry_after_seconds=seconds))

    assert answer.headers["retry-after"] == header


async def test_401_says_how_to_prove_who_you_are() -> None:
    assert (await answer_to(errors.Unauthenticated("x"))).headers["www-authenticate"] == "Bearer"


async def test_headers_of_an_http_exception_are_kept() -> None:
    answer = await answer_to(HTTPException(503, "closed", headers={"Retry-After": "7"}))

    assert (answer.headers["retry-after"], answer.json()["detail"]) == ("7", "closed")


async def test_a_status_without_body_stays_without() -> None:
    answer = await answer_to(HTTPException(304, headers={"ETag": '"a"'}))

    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"a"')


async def test_an_unforeseen_error_says_nothing_but_the_request_id(caplog: pytest.LogCaptureFixture) -> None:
    answer = await answer_to(RuntimeError("password=hunter2"))

    assert answer.status_code == 500
    assert answer.json()["instance"] == "r-1"
    assert "hunter2" not in answer.text
    assert "RuntimeError" not in answer.text
    assert [record.exc_info is not None for record in caplog.records if record.message == "http.failed"] == [True]


async def test_an_unknown_address_is_a_problem() -> None:
    async with client_of(make_app()) as client:
        answer = await client.get("/nowhere")

    assert (answer.status_code, answer.json()["detail"]) == (404, "There is nothing at this address.")


async def test_405_names_the_methods_of_all_routes_of_the_address() -> None:
    app = make_app()
    app.add_api_route("/a/{x}", lambda x: x, methods=["GET"], name="get_a")
    app.add_api_route("/a/{y}", lambda y: y, methods=["PATCH", "DELETE"], name="change_a")

    async with client_of(app) as client:
        answer = await client.put("/a/1")

    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET, HEAD, OPTIONS, PATCH")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/name", "/target"]),
        ({"name": "a", "target": {"type": "webhook"}}, ["/target/url"]),
        ({"name": "a", "target": {"type": "webhook", "url": 5}}, ["/target/url"]),
        ({"name": "a", "target": {"type": "nonsense"}}, ["/target/type"]),
        ({"name": "a", "target": {}}, ["/target/type"]),
        ({"name": "a", "target": {"type": "script", "params": {"a/b~c": "x"}}}, ["/target/params/a~1b~0c"]),
        ({"name": "a", "target": {"type": "script"}, "tags": [1, "2", True]}, ["/tags/1", "/tags/2"]),
        ({"name": "a", "target": {"type": "script"}, "surprise": 1}, ["/surprise"]),
        ([], [""]),
        (None, [""]),
    ],
)
async def test_a_pointer_leads_to_the_wrong_field(body: Any, pointers: list[str]) -> None:
    answer = await answer_to_job(body)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == pointers


@pytest.mark.parametrize(
    ("options", "parameter"),
    [({"url": "/jobs/x"}, "number"), ({"url": "/jobs/0"}, "number"), ({"headers": {"if-match": "x"}}, "if-match")],
)
async def test_a_wrong_parameter_is_named(options: dict[str, Any], parameter: str) -> None:
    answer = await answer_to_job({"name": "a", "target": {"type": "script"}}, **options)

    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


async def test_the_wrong_value_is_not_repeated() -> None:
    answer = await answer_to_job({"name": {"secret": "hunter2"}, "target": {"type": "script"}})

    assert "hunter2" not in answer.text


async def test_a_thousand_wrong_items_are_named_fifty_times() -> None:
    answer = await answer_to_job({"name": "a", "target": {"type": "script"}, "tags": ["x"] * 1000})

    assert len(answer.json()["errors"]) == 50


def app_with_socket(error: Exception, *, accept: bool) -> FastAPI:
    app = make_app()

    @app.websocket("/ws")
    async def stream(socket: WebSocket) -> None:
        if accept:
            await socket.accept()
        raise error

    return app


@pytest.mark.parametrize(
    ("error", "code"), [(errors.Unauthenticated("x"), 4401), (errors.Forbidden("x"), 4403), (KeyError("x"), 1011)]
)
async def test_an_open_websocket_is_closed_with_a_code(error: Exception, code: int) -> None:
    async with serve(app_with_socket(error, accept=True)) as port, connect(f"ws://127.0.0.1:{port}/ws") as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code


@pytest.mark.parametrize(("path", "status"), [("/ws", 401), ("/ws?unknown=1", 422)])
async def test_a_refused_websocket_gets_a_problem(path: str, status: int) -> None:
    async with serve(app_with_socket(errors.Unauthenticated("x"), accept=False)) as port:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://127.0.0.1:{port}{path}")

    assert refused.value.response.status_code == status
    assert refused.value.response.headers["content-type"] == "application/problem+json"
