"""The transaction rule, read from the source: one place commits, nothing goes out meanwhile, every task has an owner."""

import ast
from collections.abc import Iterator

import pytest

from tests.support.source import Rule, calls, places

COMMITS = frozenset({"db/session.py"})
BEGINS = frozenset({"db/migrate.py"})  # migrations own their connection; Alembic commits

NETWORK_MODULES = (
    "aiohttp",
    "httpx",
    "aiodocker",
    "aiosmtplib",
    "stationmaster.outbound.http",
    "stationmaster.outbound.docker",
)
TRANSACTIONS = ("unit_of_work", "read_only")


def commits(tree: ast.Module) -> Iterator[ast.AST]:
    yield from calls(tree, "commit")


def begins(tree: ast.Module) -> Iterator[ast.AST]:
    """`begin()` as a context manager commits at its end; a savepoint does not."""
    yield from calls(tree, "begin")


def background_tasks(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.alias) and node.name == "BackgroundTasks":
            yield node


def ownerless_tasks(tree: ast.Module) -> Iterator[ast.AST]:
    yield from calls(tree, "asyncio.create_task", "ensure_future", "loop.create_task")
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "asyncio":
            yield from (alias for alias in node.names if alias.name == "create_task")


def network_in_a_transaction(tree: ast.Module) -> Iterator[ast.AST]:
    """Find names of network clients where a session is open: in its `async with`, or in a function that was given one."""
    clients = set(_network_names(tree))
    for scope in _scopes_with_a_session(tree):
        for statement in scope.body:
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and node.id in clients:
                    yield node


def _network_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.asname or alias.name for alias in node.names if alias.name in NETWORK_MODULES)
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if node.module in NETWORK_MODULES or f"{node.module}.{alias.name}" in NETWORK_MODULES:
                    yield alias.asname or alias.name


def _scopes_with_a_session(tree: ast.Module) -> Iterator[ast.AsyncWith | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncWith) and any(any(calls(item, *TRANSACTIONS)) for item in node.items):
            yield node
        if isinstance(node, ast.AsyncFunctionDef) and any(argument.arg == "session" for argument in node.args.args):
            yield node


@pytest.mark.parametrize(
    ("rule", "but"),
    [
        (commits, COMMITS),
        (begins, BEGINS),
        (background_tasks, frozenset[str]()),
        (ownerless_tasks, frozenset[str]()),
        (network_in_a_transaction, frozenset[str]()),
    ],
)
def test_the_source_keeps_the_rule(rule: Rule, but: frozenset[str]) -> None:
    assert places(rule, but=but) == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (commits, "await session.commit()"),
        (begins, "async with engine.begin() as connection: ..."),
        (background_tasks, "from fastapi import BackgroundTasks"),
        (ownerless_tasks, "asyncio.create_task(work())"),
        (ownerless_tasks, "from asyncio import create_task"),
        (ownerless_tasks, "asyncio.ensure_future(work())"),
        (network_in_a_transaction, "import httpx\nasync with unit_of_work(database): await httpx.get(url)"),
        (
            network_in_a_transaction,
            "from stationmaster.outbound import http\nasync def work(session): await http.post(url)",
        ),
    ],
)
def test_the_rule_notices(rule: Rule, text: str) -> None:
    tree = ast.parse(f"async def outer():\n    {text}" if text.startswith("await") else text, mode="exec")

    assert list(rule(tree))


def test_a_task_with_an_owner_and_a_savepoint_are_fine() -> None:
    tree = ast.parse("group.create_task(work())\nsession.begin_nested()")

    assert not [*ownerless_tasks(tree), *begins(tree)]
