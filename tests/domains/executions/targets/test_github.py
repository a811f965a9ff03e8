"""The target `github`: its short forms, and what does not fit."""

from typing import Any

import pytest
from pydantic import ValidationError

from stationmaster.domains.executions.targets.github import GithubTarget

WHOLE = ("acme", "reports", "nightly.yml")


def github(**fields: Any) -> GithubTarget:
    return GithubTarget.model_validate({"type": "github", **fields})


@pytest.mark.parametrize(
    "workflow",
    [
        "acme/reports/nightly.yml",
        "https://github.com/acme/reports/actions/workflows/nightly.yml",
        "https://github.com/acme/reports/actions/workflows/nightly.yml?query=branch%3Amain",
        "https://api.github.com/repos/acme/reports/actions/workflows/nightly.yml/dispatches",
    ],
)
def test_owner_and_repository_are_read_from_a_workflow_that_names_them(workflow: str) -> None:
    target = github(workflow=workflow)

    assert (target.owner, target.repo, target.workflow) == WHOLE


def test_names_that_say_the_same_twice_are_taken() -> None:
    assert github(owner="acme", workflow="acme/reports/nightly.yml").owner == "acme"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"owner": "other", "workflow": "acme/reports/nightly.yml"}, ()),
        ({"workflow": "nightly.yml"}, ("owner",)),
        ({"workflow": "https://evil.example/acme/reports/actions/workflows/nightly.yml"}, ("owner",)),
        ({"owner": "acme", "repo": "..", "workflow": "nightly.yml"}, ("repo",)),
        ({"owner": "-acme", "repo": "reports", "workflow": "nightly.yml"}, ("owner",)),
        ({"owner": "acme", "repo": "reports", "workflow": "a b"}, ("workflow",)),
        ({"workflow": "acme/reports/n.yml", "inputs": {"a": ["list"]}}, ("inputs",)),
        ({"workflow": "acme/reports/n.yml", "inputs": {f"i{n}": "x" for n in range(26)}}, ("inputs",)),
        ({"workflow": "acme/reports/n.yml", "inputs": {"a": "x" * 65_535}}, ("inputs",)),
        ({"workflow": "acme/reports/n.yml", "credential": "not a name"}, ("credential",)),
    ],
)
def test_what_does_not_fit_is_refused_by_its_field(fields: dict[str, Any], field: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as refusal:
        github(**fields)

    assert field in [error["loc"][:1] for error in refusal.value.errors()]


def test_params_are_laid_over_the_inputs() -> None:
    target = github(workflow="acme/reports/n.yml", inputs={"a": "1", "b": "2"}).with_params({"b": 3})

    assert {"a": "1", "b": 3} == target.inputs


@pytest.mark.parametrize("params", [{"a": {"deep": 1}}, {"a": None}, {f"i{n}": "x" for n in range(26)}])
def test_params_that_are_no_inputs_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="inputs"):
        github(workflow="acme/reports/n.yml").with_params(params)
