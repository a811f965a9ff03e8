"""Scopes: what an API key is narrowed to.

A scope is `<resource>:read` or `<resource>:write`, the resource being the first part of the path: `jobs:read` covers every
GET under `/api/v1/jobs`, `jobs:write` every other method there. So no route can forget to ask for its scope, and none of them
has to. Asking who one is (`/auth`) needs no scope.

What leads from one resource into another needs the scope of both: the part after an id (`/jobs/{job_id}/executions`), and
fields that `include` adds.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise

from fastapi import FastAPI
from starlette.requests import HTTPConnection
from starlette.types import Scope as ConnectionScope

from stationmaster.web.routes import route_table

PREFIX = "/api/v1/"
UNSCOPED = frozenset({"auth"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

INCLUDED: Mapping[str, str] = {
    "executions": "executions",
    "script": "scripts",
    "script_name": "scripts",
    "scripts": "scripts",
    "stats": "executions",
    "user": "users",
    "user_email": "users",
    "user_name": "users",
}
"""The resource that a field of `include` comes from, where it is another than the item's own."""


def needed_scopes(app: FastAPI, connection: ConnectionScope) -> frozenset[str]:
    """Name the scopes that a call needs: none, one, or those of all resources that it reads."""
    route = route_table(app).find(connection)
    resource = _resource_of(route.template) if route else None
    if route is None or resource is None:
        return frozenset()
    known = _known_resources(app)
    kind = "read" if connection.get("method", "GET") in SAFE_METHODS else "write"
    paths = {resource, *_resources_after_ids(route.template, known)}
    included = {*_resources_included(connection)} & known
    return frozenset({f"{name}:{kind}" for name in paths} | {f"{name}:read" for name in included})


def known_scopes(app: FastAPI) -> frozenset[str]:
    """Return every scope that some operation of the application needs."""
    return frozenset(f"{resource}:{kind}" for resource in _known_resources(app) for kind in ("read", "write"))


def _known_resources(app: FastAPI) -> frozenset[str]:
    if not hasattr(app.state, "scoped_resources"):
        found = (_resource_of(route.template) for route in route_table(app).routes)
        app.state.scoped_resources = frozenset(name for name in found if name is not None)
    known: frozenset[str] = app.state.scoped_resources
    return known


def _resource_of(template: str) -> str | None:
    resource = template.removeprefix(PREFIX).partition("/")[0]
    return resource if template.startswith(PREFIX) and resource not in UNSCOPED else None


def _resources_after_ids(template: str, known: frozenset[str]) -> Iterator[str]:
    parts = template.split("/")
    for before, part in pairwise(parts):
        if before.startswith("{") and part in known:
            yield part


def _resources_included(connection: ConnectionScope) -> Iterator[str]:
    for text in HTTPConnection(connection).query_params.getlist("include"):
        for name in text.split(","):
            if name.strip() in INCLUDED:
                yield INCLUDED[name.strip()]
