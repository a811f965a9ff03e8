"""The page on security names every threat, and tests that are there."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support.source import ROOT

PAGE = (ROOT / "docs" / "reference" / "security.md").read_text()
ROWS = {row[1]: row[0] for row in re.finditer(r"^\| (S\d\d) \|.*$", PAGE, flags=re.MULTILINE)}
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def names_in(path: str) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


def test_every_threat_has_its_row() -> None:
    assert [f"S{number:02}" for number in range(1, 56)] == list(ROWS)


@pytest.mark.parametrize("threat", ROWS)
def test_the_tests_that_prove_it_are_there(threat: str) -> None:
    named = NAMED.findall(ROWS[threat])

    assert named
    assert [f"{path}::{name}" for path, name in named if name not in set(names_in(path))] == []
