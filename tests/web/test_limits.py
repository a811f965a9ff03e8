"""Which operations are limited, and how the answers say so."""

import pytest
from fastapi import APIRouter, FastAPI
from starlette.requests import HTTPConnection

from stationmaster.app import create_app
from stationmaster.config import Settings
from stationmaster.errors import Conflict
from stationmaster.web.limits import LimitClass, limit_class_of, limited_as, promise_headers
from stationmaster.web.routes import RouteTable, route_table
from tests.web.building import client_of, make_app

# What is called by machines every few seconds, and says nothing that costs anything.
WITHOUT_LIMIT = {"/", "/health", "/health/live", "/health/ready", "/ping/{ping_key}", "/ping/{ping_key}/{signal}"}

CLASSES = {
    ("POST", "/api/v1/auth/login"): LimitClass.LOGIN,
    ("POST", "/api/v1/auth/token"): LimitClass.LOGIN,
    ("POST", "/api/v1/auth/register"): LimitClass.REGISTRATION,
    ("POST", "/api/v1/auth/verify-email"): LimitClass.REGISTRATION,
    ("POST", "/api/v1/auth/resend-verification"): LimitClass.REGISTRATION,
    ("POST", "/api/v1/auth/password-reset"): LimitClass.RECOVERY,
    ("POST", "/api/v1/auth/password-reset/confirm"): LimitClass.RECOVERY,
    ("POST", "/api/v1/jobs/test-run"): LimitClass.EXECUTION,
    ("POST", "/api/v1/jobs/{job_id}/execute"): LimitClass.EXECUTION,
    ("POST", "/api/v1/executions/{execution_id}/retry"): LimitClass.EXECUTION,
}


def classes_of(table: RouteTable) -> dict[tuple[str, str], LimitClass | None]:
    """Return the class of every operation: of what has dependencies, so not of plain pages and files."""
    operations = [route for route in table.routes if hasattr(route.context, "dependant")]
    return {(method, route.template): limit_class_of(route) for route in operations for method in route.methods}


def test_every_operation_has_a_limit_but_the_probes() -> None:
    classes = classes_of(route_table(create_app(Settings(_env_file=None))))

    assert {path for (_method, path), limit_class in classes.items() if limit_class is None} == WITHOUT_LIMIT


def test_the_particular_classes_are_where_they_should_be() -> None:
    classes = classes_of(route_table(create_app(Settings(_env_file=None))))
    particular = {operation: each for operation, each in classes.items() if each not in {None, LimitClass.GENERAL}}

    assert CLASSES.items() <= particular.items()


@pytest.mark.parametrize("limit_class", LimitClass)
def test_a_route_names_its_class(limit_class: LimitClass) -> None:
    app, router = FastAPI(), APIRouter()

    @router.post("/ping", openapi_extra=limited_as(limit_class))
    async def ping() -> None: ...

    app.include_router(router)

    assert classes_of(RouteTable(app.routes))["POST", "/ping"] is limit_class


@pytest.mark.parametrize(("path", "status"), [("/fine", 200), ("/refused", 409), ("/broken", 500)])
async def test_promised_headers_are_on_whatever_the_answer_is(path: str, status: int) -> None:
    app = make_app()

    @app.get("/{how}")
    async def answer(how: str, connection: HTTPConnection) -> str:
        promise_headers(connection.scope, {"X-RateLimit-Remaining": "7"})
        if how == "refused":
            raise Conflict("no")
        return str(1 / (how != "broken"))

    async with client_of(app) as client:
        got = await client.get(path)

    assert (got.status_code, got.headers["X-RateLimit-Remaining"]) == (status, "7")
