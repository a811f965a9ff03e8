"""Scopes: what an API key is narrowed to.

A scope is `<resource>:read` or `<resource>:write`, the resource being the first part of the path: `jobs:read` covers every
GET under `/api/v1/jobs`, `jobs:write` every other method there. So no route can forget to ask for its scope, and none of them
has to. Asking who one is (`/auth`) needs no scope.
"""

from fastapi import FastAPI
from starlette.types import Scope as ConnectionScope

from stationmaster.web.routes import route_table

PREFIX = "/api/v1/"
UNSCOPED = frozenset({"auth"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def needed_scope(app: FastAPI, connection: ConnectionScope) -> str | None:
    """Name the scope that a call needs, or None when it needs none."""
    route = route_table(app).find(connection)
    resource = _resource_of(route.template) if route else None
    if resource is None:
        return None
    return f"{resource}:{'read' if connection.get('method', 'GET') in SAFE_METHODS else 'write'}"


def known_scopes(app: FastAPI) -> frozenset[str]:
    """Return every scope that some operation of the application needs."""
    resources = {_resource_of(route.template) for route in route_table(app).routes} - {None}
    return frozenset(f"{resource}:{kind}" for resource in resources for kind in ("read", "write"))


def _resource_of(template: str) -> str | None:
    resource = template.removeprefix(PREFIX).partition("/")[0]
    return resource if template.startswith(PREFIX) and resource not in UNSCOPED else None
