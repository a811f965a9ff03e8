"""Rules of the house that a linter does not know: clocks, broad excepts, sizes, docstrings, and where tests stand."""

import ast
from collections.abc import Iterator

import pytest

from tests.support.source import PACKAGE, ROOT, Rule, calls, files_with, modules, places

LINES_AT_MOST = 300

# Where any error at all must be answered, because something goes on that must not stop; each logs what it was.
BROAD_EXCEPTS = {
    "domains/executions/aftermath.py": "a follower's fault must not keep the other rooms from hearing",
    "domains/executions/attempt.py": "an executor's fault ends its execution, not the replica",
    "domains/jobs/tick.py": "one broken schedule is quarantined, the others go on",
    "station.py": "half a service helps nobody: a part that fails ends the process",
    "web/middleware.py": "whatever it was, the caller gets a problem document",
}
CLIENT = frozenset({"entrypoints/cli/script/commands.py", "entrypoints/cli/script/following.py"})
"""Processes that have nothing else to do while they wait for a service."""
TEST_FOLDERS_OF_THEIR_OWN = {"architecture", "clients", "fuzz", "support"}


def broad_excepts(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = "" if node.type is None else ast.unparse(node.type)
            if caught == "" or {"Exception", "BaseException"} & set(caught.strip("()").split(", ")):
                yield node


def own_clocks(tree: ast.Module) -> Iterator[ast.AST]:
    yield from calls(tree, "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time")


def blocking_sleeps(tree: ast.Module) -> Iterator[ast.AST]:
    yield from calls(tree, "time.sleep")


@pytest.mark.parametrize(("rule", "but"), [(own_clocks, frozenset({"kit/clock.py"})), (blocking_sleeps, CLIENT)])
def test_the_source_keeps_the_rule(rule: Rule, but: frozenset[str]) -> None:
    assert places(rule, but=but) == []


def test_everything_is_caught_only_where_listed() -> None:
    assert files_with(broad_excepts) == set(BROAD_EXCEPTS)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (own_clocks, "datetime.now(UTC)"),
        (own_clocks, "datetime.datetime.utcnow()"),
        (own_clocks, "time.time()"),
        (blocking_sleeps, "time.sleep(1)"),
        (broad_excepts, "try: ...\nexcept: ..."),
        (broad_excepts, "try: ...\nexcept Exception: ..."),
        (broad_excepts, "try: ...\nexcept (OSError, BaseException): ..."),
    ],
)
def test_the_rule_notices(rule: Rule, text: str) -> None:
    assert list(rule(ast.parse(text)))


def test_files_are_short() -> None:
    files = [file for folder in ("src", "tests") for file in (ROOT / folder).rglob("*.py")]
    lengths = {file.relative_to(ROOT).as_posix(): len(file.read_text().splitlines()) for file in files}

    assert {file: length for file, length in lengths.items() if length > LINES_AT_MOST} == {}


def test_every_module_says_what_it_is() -> None:
    assert [module.path for module in modules() if not ast.get_docstring(module.tree)] == []


def test_the_tests_stand_where_the_source_stands() -> None:
    tests = ROOT / "tests"
    folders = {file.parent.relative_to(tests) for file in tests.rglob("test_*.py")}
    of_source = {folder for folder in folders if folder.parts[:1] and folder.parts[0] not in TEST_FOLDERS_OF_THEIR_OWN}

    assert [folder for folder in of_source if not (PACKAGE / folder).is_dir()] == []
