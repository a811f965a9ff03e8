"""Scopes follow from the path and the method."""

from typing import Any

import pytest
from fastapi import FastAPI

from stationmaster.app import create_app
from stationmaster.config import Settings
from stationmaster.identity.scopes import known_scopes, needed_scope


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_app(Settings(_env_file=None))


def endpoint_of(app: FastAPI, method: str, path: str) -> dict[str, Any]:
    """Return the scope of a connection as the router leaves it."""
    connection: dict[str, Any] = {"type": "http", "method": method, "path": path, "headers": [], "app": app}
    for route in app.state.route_table.routes:
        if route.template == path and method in route.methods:
            connection["endpoint"] = route.context.endpoint
    return connection


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/api/v1/jobs", "jobs:read"),
        ("POST", "/api/v1/jobs", "jobs:write"),
        ("DELETE", "/api/v1/jobs/{job_id}", "jobs:write"),
        ("GET", "/api/v1/users/me/export", "users:read"),
        ("GET", "/api/v1/api-keys/{key_id}", "api-keys:read"),
        ("GET", "/api/v1/auth/me", None),
        ("GET", "/health", None),
    ],
)
def test_needs(app: FastAPI, method: str, path: str, scope: str | None) -> None:
    known_scopes(app)

    assert needed_scope(app, endpoint_of(app, method, path)) == scope


def test_knows_two_scopes_of_each_resource(app: FastAPI) -> None:
    scopes = known_scopes(app)

    assert {"jobs:read", "jobs:write", "api-keys:read", "executions:write"} <= scopes
    assert not [scope for scope in scopes if scope.startswith(("auth:", "health:"))]
    assert {scope.partition(":")[2] for scope in scopes} == {"read", "write"}
