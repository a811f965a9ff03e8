"""All routes of an application with their full paths.

Since FastAPI 0.137 the routes form a tree, and a request's own route object does not know the prefix it was included
under. This table is built once, from FastAPI's public walk over the tree; routes added after the first request are not
seen.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from fastapi import FastAPI, params
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from pydantic import BaseModel
from starlette.routing import BaseRoute
from starlette.types import Scope

Media = Literal["json", "form"]


@dataclass(frozen=True)
class RouteFacts:
    """What we ask about a route."""

    context: RouteContext

    @property
    def template(self) -> str:
        """Return the path as declared, with all prefixes: `/api/v1/jobs/{job_id}`."""
        return self.context.path_format or self.context.path or ""

    @property
    def methods(self) -> frozenset[str]:
        return frozenset(self.context.methods or ())

    @property
    def openapi_extra(self) -> Mapping[str, Any]:
        """Return what the route adds to its own description."""
        return getattr(self.context, "openapi_extra", None) or {}

    @cached_property
    def query_names(self) -> frozenset[str]:
        """Return the query parameters that the route and its dependencies declare."""
        dependant: Dependant | None = getattr(self.context, "dependant", None)
        return frozenset() if dependant is None else frozenset(_query_names(dependant))

    @cached_property
    def media(self) -> Media | None:
        """Return how the route reads its body, or None when it declares none."""
        field = getattr(self.context, "body_field", None)
        if field is None:
            return None
        return "form" if isinstance(field.field_info, params.Form) else "json"

    def matches(self, path: str) -> bool:
        return bool(self.context.path_regex.match(path))


class RouteTable:
    """Finds the facts of a request's route."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes = [
            RouteFacts(context) for context in iter_route_contexts(routes) if hasattr(context, "path_regex")
        ]
        self._by_endpoint: defaultdict[Any, list[RouteFacts]] = defaultdict(list)
        self._without_parameters: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
        for route in self._routes:
            self._by_endpoint[route.context.endpoint].append(route)
            if route.methods and "{" not in route.template:
                self._without_parameters[route.template] |= route.methods

    @property
    def routes(self) -> Sequence[RouteFacts]:
        return self._routes

    def find(self, scope: Scope) -> RouteFacts | None:
        """Return the route that the router chose, or None when it chose none (yet)."""
        candidates = self._by_endpoint.get(scope.get("endpoint"), [])
        if len(candidates) == 1:
            return candidates[0]
        path = local_path(scope)
        return next((route for route in candidates if route.matches(path)), None)

    def is_taken_for_a_value(self, route: RouteFacts, path: str) -> bool:
        """Say whether the path has routes of its own, and this one only reads it as the value of a parameter.

        So is `PATCH /jobs/cron-preview` by `PATCH /jobs/{job_id}`, where only POST is declared for that path.
        """
        return path in self._without_parameters and "{" in route.template

    def declared_at(self, path: str) -> frozenset[str]:
        """Return the methods that the routes of a path declare, all routes together."""
        if path in self._without_parameters:
            return self._without_parameters[path]
        return frozenset[str]().union(*(route.methods for route in self._routes if route.matches(path)))

    def methods_at(self, path: str) -> frozenset[str]:
        """Return the methods that a path answers to: OPTIONS comes with any other, HEAD with GET."""
        declared = self.declared_at(path)
        if not declared:
            return declared
        return declared | {"OPTIONS"} | ({"HEAD"} if "GET" in declared else set())


def route_table(app: FastAPI) -> RouteTable:
    """Return the application's table, built at the first call."""
    if not hasattr(app.state, "route_table"):
        app.state.route_table = RouteTable(app.routes)
    table: RouteTable = app.state.route_table
    return table


def local_path(scope: Scope) -> str:
    """Return the request's path as the routes spell it, without the prefix a proxy adds."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _query_names(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        model = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from (inner.alias or name for name, inner in model.model_fields.items())
        else:
            yield field.alias
    for inner_dependant in dependant.dependencies:
        yield from _query_names(inner_dependant)
