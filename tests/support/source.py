"""Reads the source tree, for the rules that a linter does not know."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "stationmaster"

Rule = Callable[[ast.Module], Iterator[ast.AST]]


@dataclass(frozen=True)
class Module:
    """One source file; `path` is relative to the package."""

    path: str
    text: str
    tree: ast.Module


@cache
def modules() -> tuple[Module, ...]:
    """Parse the package, once."""
    return tuple(
        Module(file.relative_to(PACKAGE).as_posix(), text := file.read_text(), ast.parse(text))
        for file in sorted(PACKAGE.rglob("*.py"))
    )


def places(rule: Rule, *, but: frozenset[str] = frozenset()) -> list[str]:
    """List where a rule finds something, as `file:line`, leaving some files out."""
    return [
        f"{module.path}:{getattr(node, 'lineno', 1)}"
        for module in modules()
        if module.path not in but
        for node in rule(module.tree)
    ]


def files_with(rule: Rule) -> set[str]:
    """List the files where a rule finds something."""
    return {place.split(":")[0] for place in places(rule)}


def calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    """Find calls by their written name: `commit` matches `x.commit()`, `asyncio.create_task` only that."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and any(_is_named(node.func, name) for name in names):
            yield node


def _is_named(function: ast.expr, name: str) -> bool:
    written = ast.unparse(function)
    return written == name or written.endswith(f".{name}")
