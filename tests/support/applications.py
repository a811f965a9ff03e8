"""Applications that are used again: routes are built once for each shape of settings, state is new each time.

Building the routes of all operations costs most of a second of processor time, and thousands of tests want an application.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI
from starlette.datastructures import State

from stationmaster.app import create_app
from stationmaster.config import Settings

OF_ROUTES = ("openapi", "route_table", "scoped_resources", "upload_routes")
"""What is read off the routes and kept in the state; everything else belongs to one life of the application."""

READ_BY_ROUTES: Any = {
    "http": True,
    "cors_origins": True,
    "files": {"max_bytes"},
    "journal": {"max_artifact_bytes"},
    "scripts": {"max_archive_bytes"},
}
"""The settings that `create_app` itself looks at; all others are read by each life of the application."""

_free: defaultdict[str, list[FastAPI]] = defaultdict(list)


@contextmanager
def borrowed_app(settings: Settings) -> Iterator[FastAPI]:
    """Give an application that nobody else has at this time; one that a test has changed is not given again."""
    shape = settings.model_dump_json(include=READ_BY_ROUTES)
    app = _free[shape].pop() if _free[shape] else create_app(settings)
    app.state = State({name: app.state[name] for name in OF_ROUTES if hasattr(app.state, name)})
    app.state.settings = settings
    before = _count(app)
    yield app
    if _count(app) == before:
        _free[shape].append(app)


def _count(app: FastAPI) -> tuple[int, ...]:
    changeable = (app.router.routes, app.user_middleware, app.dependency_overrides, app.exception_handlers)
    return tuple(len(part) for part in changeable)
