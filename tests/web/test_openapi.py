"""The OpenAPI document of a small application."""

from typing import Any
from uuid import UUID

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.security import HTTPBearer
from pydantic import Field

from stationmaster.web import openapi
from stationmaster.web.openapi import problems
from stationmaster.web.paging import Page, PageParamsDep
from stationmaster.web.schema import Input, Instant, Output, ShortText
from tests.web.building import client_of, make_app


class JobIn(Input):
    name: ShortText = Field(examples=["nightly"])


class JobOut(Output):
    id: UUID
    name: str = Field(examples=["nightly"])
    created_at: Instant


def make_described_app() -> FastAPI:
    app, router = make_app(), APIRouter(prefix="/jobs", tags=["jobs"])
    secured = [Depends(HTTPBearer(auto_error=False))]

    @router.get("", dependencies=secured)
    async def list_jobs(params: PageParamsDep) -> Page[JobOut]: ...  # type: ignore[empty-body]

    @router.post("", status_code=201, dependencies=secured, responses=problems(409))
    async def create_job(job: JobIn) -> JobOut: ...  # type: ignore[empty-body]

    @router.get("/{job_id}", dependencies=secured, openapi_extra=openapi.ANONYMOUS_TOO)
    async def get_job(job_id: UUID) -> JobOut: ...  # type: ignore[empty-body]

    @router.get("/public")
    async def get_public() -> str: ...  # type: ignore[empty-body]

    app.include_router(router, prefix="/api/v1")
    openapi.install(app, {"jobs": "What to do and when."})
    return app


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return make_described_app().openapi()


def statuses(document: dict[str, Any], method: str, path: str) -> set[str]:
    return set(document["paths"][f"/api/v1/jobs{path}"][method]["responses"])


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("get", "", {"200", "400", "401", "403", "422", "429", "503"}),
        ("post", "", {"201", "400", "401", "403", "409", "413", "415", "422", "429", "503"}),
        ("get", "/{job_id}", {"200", "400", "401", "403", "404", "422", "429", "503"}),
        ("get", "/public", {"200", "400", "422", "429", "503"}),
    ],
)
def test_refusals_follow_from_what_an_operation_is(
    document: dict[str, Any], method: str, path: str, expected: set[str]
) -> None:
    assert statuses(document, method, path) == expected


def test_a_refusal_is_described_as_a_problem_with_an_example(document: dict[str, Any]) -> None:
    conflict = document["components"]["responses"]["Problem409"]["content"]["application/problem+json"]

    assert conflict["schema"] == {"$ref": "#/components/schemas/ProblemDocument"}
    assert conflict["example"]["type"] == "/problems/conflict"
    assert {"type", "title", "status", "detail", "instance", "timestamp"} == set(conflict["example"])


def test_nothing_of_fastapis_own_errors_is_left(document: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in str(document)
    assert {"ProblemDocument", "FieldProblem"} <= document["components"]["schemas"].keys()


def test_a_described_problem_looks_like_a_real_one(document: dict[str, Any]) -> None:
    described = document["components"]["schemas"]["ProblemDocument"]

    assert set(described["required"]) == {"type", "title", "status", "detail", "instance", "timestamp"}
    assert set(described["properties"]) - set(described["required"]) == {"errors"}


def test_bodies_have_examples_of_their_fields(document: dict[str, Any]) -> None:
    operation = document["paths"]["/api/v1/jobs"]["post"]

    assert operation["requestBody"]["content"]["application/json"]["example"] == {"name": "nightly"}
    assert operation["responses"]["201"]["content"]["application/json"]["example"] == {
        "id": "0193b0c8-7d3e-7c4a-9d5e-1f2a3b4c5d6e",
        "name": "nightly",
        "created_at": "2026-11-21T08:30:00.000Z",
    }


def test_lists_and_new_objects_have_their_headers(document: dict[str, Any]) -> None:
    operations = document["paths"]["/api/v1/jobs"]

    assert "X-Total-Count" in operations["get"]["responses"]["200"]["headers"]
    assert "Location" in operations["post"]["responses"]["201"]["headers"]


def test_a_caller_may_be_optional(document: dict[str, Any]) -> None:
    assert document["paths"]["/api/v1/jobs/{job_id}"]["get"]["security"] == [{"HTTPBearer": []}, {}]


def test_operations_are_named_after_their_functions_and_grouped(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]

    assert names == ["list_jobs", "create_job", "get_job", "get_public"]
    assert document["tags"] == [{"name": "jobs", "description": "What to do and when."}]


async def test_the_served_document_is_the_completed_one() -> None:
    app = make_described_app()

    async with client_of(app) as client:
        served = (await client.get("/openapi.json")).json()

    assert served == app.openapi()
    assert app.openapi() is app.openapi()
