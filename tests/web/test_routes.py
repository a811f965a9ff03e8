"""The table of all routes."""

import pytest
from fastapi import APIRouter, FastAPI, Response

from stationmaster.web.routes import local_path, route_table
from tests.web.building import call, make_app


async def get_leaf(leaf: str) -> str:
    return leaf


@pytest.fixture
def app() -> FastAPI:
    app, outer, inner = make_app(), APIRouter(), APIRouter()
    inner.add_api_route("/{leaf}", get_leaf, methods=["GET"])
    inner.add_api_route("/{leaf}", lambda: None, methods=["DELETE"], name="delete_leaf")
    inner.add_api_route("/own", lambda: None, methods=["POST"], name="create_own")
    outer.include_router(inner, prefix="/inner")
    app.include_router(outer, prefix="/api")
    app.include_router(inner, prefix="/other")
    app.add_route("/plain", lambda request: Response())
    return app


@pytest.mark.parametrize(
    ("path", "template"),
    [("/api/inner/x", "/api/inner/{leaf}"), ("/other/x", "/other/{leaf}"), ("/nowhere/x", None)],
)
def test_the_template_has_all_prefixes(app: FastAPI, path: str, template: str | None) -> None:
    found = route_table(app).find({"endpoint": get_leaf, "path": path})

    assert (found.template if found else None) == template


def test_nothing_is_found_before_routing(app: FastAPI) -> None:
    assert route_table(app).find({"path": "/plain"}) is None


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/inner/x", {"GET", "HEAD", "OPTIONS", "DELETE"}),
        ("/api/inner/own", {"OPTIONS", "POST"}),
        ("/plain", {"GET", "HEAD", "OPTIONS"}),
        ("/api/inner", set()),
    ],
)
def test_the_methods_of_all_routes_of_a_path_are_named(app: FastAPI, path: str, methods: set[str]) -> None:
    assert route_table(app).methods_at(path) == methods


def test_the_prefix_of_a_proxy_is_no_part_of_the_path() -> None:
    assert local_path({"path": "/behind/api", "root_path": "/behind"}) == "/api"


async def test_the_table_is_built_once(app: FastAPI) -> None:
    table = route_table(app)
    await call(app, "/other/x")

    assert route_table(app) is table
