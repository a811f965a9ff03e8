"""Arrows run one way. The contracts of floors and rooms stand in pyproject.toml (`make check` runs them too); here is what
contracts by module name cannot say.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import grimp
import pytest

from tests.support.source import ROOT

Arrow = tuple[str, str]  # importer, imported
Rule = Callable[[str, str], bool]

WEB_FRAMEWORK = re.compile(r"(fastapi|starlette|fastapi_pagination)(\..+)?")
OUTER = re.compile(
    r"stationmaster\.(app|lifespan|station|web(\..+)?|identity\.(caller|dependencies|scopes)|entrypoints\.(account_pages|api|export|health)"
    r"|domains\.auth\.(authenticator|cookies|desk)|.+\.(\w+_)?(router|dependencies))"
)
ROUTER = re.compile(r"stationmaster\.(?P<place>.+)\.(\w+_)?router")
REPOSITORY = re.compile(r"stationmaster\.domains\.(?P<room>\w+)(\..+)?\.repository")
AUTH = "stationmaster.domains.auth"


def test_the_import_contracts_are_kept() -> None:
    """In a process of its own: the tool silences all loggers of the one it runs in."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert finished.returncode == 0, finished.stdout


def an_inner_module_knows_the_web(importer: str, imported: str) -> bool:
    return bool(WEB_FRAMEWORK.fullmatch(imported)) and not OUTER.fullmatch(importer)


def a_router_asks_how_proof_works(importer: str, imported: str) -> bool:
    return bool(ROUTER.fullmatch(importer)) and imported.startswith(AUTH) and not importer.startswith(AUTH)


def a_router_is_used_by_what_is_not_one(importer: str, imported: str) -> bool:
    users = importer.startswith("stationmaster.entrypoints.") or ROUTER.fullmatch(importer)
    return bool(ROUTER.fullmatch(imported)) and not users


def a_stranger_uses_a_repository(importer: str, imported: str) -> bool:
    match = REPOSITORY.fullmatch(imported)
    return match is not None and not importer.startswith(f"stationmaster.domains.{match['room']}.")


RULES = [
    an_inner_module_knows_the_web,
    a_router_asks_how_proof_works,
    a_router_is_used_by_what_is_not_one,
    a_stranger_uses_a_repository,
]


@pytest.fixture(scope="module")
def arrows() -> list[Arrow]:
    """List who imports whom."""
    graph = grimp.build_graph("stationmaster", include_external_packages=True, cache_dir=None)
    return list(_arrows(graph))


def _arrows(graph: grimp.ImportGraph) -> Iterator[Arrow]:
    for importer in sorted(graph.modules):
        for imported in sorted(graph.find_modules_directly_imported_by(importer)):
            yield importer, imported


@pytest.mark.parametrize("rule", RULES)
def test_no_import_does_what_it_should_not(rule: Rule, arrows: list[Arrow]) -> None:
    assert [f"{importer} -> {imported}" for importer, imported in arrows if rule(importer, imported)] == []


@pytest.mark.parametrize(
    ("rule", "importer", "imported"),
    [
        (an_inner_module_knows_the_web, "stationmaster.domains.jobs.service", "fastapi"),
        (an_inner_module_knows_the_web, "stationmaster.kit.cron", "starlette"),
        (a_router_asks_how_proof_works, "stationmaster.domains.jobs.router", "stationmaster.domains.auth.sessions"),
        (a_router_is_used_by_what_is_not_one, "stationmaster.domains.jobs.why", "stationmaster.domains.jobs.router"),
        (a_stranger_uses_a_repository, "stationmaster.domains.jobs.why", "stationmaster.domains.users.repository"),
    ],
)
def test_the_rule_notices(rule: Rule, importer: str, imported: str) -> None:
    assert rule(importer, imported)
