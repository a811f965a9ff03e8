"""What every operation must say about itself, whoever wrote it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from stationmaster.app import create_app
from stationmaster.config import Settings
from stationmaster.web.examples import REF_PREFIX

Operation = dict[str, Any]

DOCUMENT = create_app(Settings(_env_file=None)).openapi()


def operations() -> Iterator[Any]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield pytest.param(path, method, operation, id=f"{method.upper()} {path}")


EVERY = pytest.mark.parametrize(("path", "method", "operation"), list(operations()))


def resolve(part: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference to the shared responses."""
    reference: str = part.get("$ref", "")
    return DOCUMENT["components"]["responses"][reference.rpartition("/")[2]] if reference else part


def json_contents(part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for media_type, media in part.get("content", {}).items():
        if re.fullmatch(r"application/(.+\+)?json|.*form.*", media_type):
            yield media


def fields_without_example(media: dict[str, Any]) -> str:
    """Name what to mend: required text fields of the outermost model that show nothing."""
    schema = media.get("schema", {})
    model = DOCUMENT["components"]["schemas"].get(schema.get("$ref", "").removeprefix(REF_PREFIX), schema)
    silent = [
        name
        for name, field in model.get("properties", {}).items()
        if field.get("type") == "string" and not {"examples", "format", "const", "enum", "default"} & field.keys()
    ]
    return f"{schema} has no example; give Field(examples=[...]) to {silent or 'the text fields inside'}"


@EVERY
def test_an_operation_is_named_by_a_verb_and_a_noun(path: str, method: str, operation: Operation) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", operation["operationId"])


def test_names_are_given_once() -> None:
    names = [operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()]

    assert sorted(names) == sorted(set(names))


@EVERY
def test_an_operation_is_summed_up_described_and_grouped(path: str, method: str, operation: Operation) -> None:
    groups = {tag["name"] for tag in DOCUMENT["tags"]}

    assert operation["summary"]
    assert operation["description"].endswith((".", "`", ")", "|", ":"))
    assert len(operation["tags"]) == 1
    assert set(operation["tags"]) <= groups


@EVERY
def test_a_success_is_declared_with_an_example(path: str, method: str, operation: Operation) -> None:
    successes = {status: answer for status, answer in operation["responses"].items() if status < "400"}

    assert successes
    for media in (media for answer in successes.values() for media in json_contents(answer)):
        assert {"example", "examples"} & media.keys(), fields_without_example(media)


@EVERY
def test_a_body_is_declared_with_an_example(path: str, method: str, operation: Operation) -> None:
    for media in json_contents(operation.get("requestBody", {})):
        assert {"example", "examples"} & media.keys(), fields_without_example(media)


@EVERY
def test_refusals_are_declared_as_problems(path: str, method: str, operation: Operation) -> None:
    refusals = {status: resolve(answer) for status, answer in operation["responses"].items() if status >= "400"}

    assert {"400", "422"} <= refusals.keys()
    assert not operation.get("security") or {"401", "403"} <= refusals.keys()
    assert "{" not in path or "404" in refusals
    assert "requestBody" not in operation or {"413", "415"} <= refusals.keys()
    if path.startswith("/api/"):
        assert {*(media for refusal in refusals.values() for media in refusal["content"])} == {
            "application/problem+json"
        }


@EVERY
def test_parameters_are_described(path: str, method: str, operation: Operation) -> None:
    silent = [
        parameter["name"]
        for parameter in operation.get("parameters", [])
        if parameter["in"] != "path" and not parameter.get("description")
    ]

    assert silent == []


@EVERY
def test_paths_are_plural_kebab_case_without_trailing_slash(path: str, method: str, operation: Operation) -> None:
    assert path == "/" or re.fullmatch(r"(/([a-z][a-z0-9-]*|\{[a-z_]+(:path)?\}))+", path)


def test_whatever_is_referred_to_is_there() -> None:
    named = set(re.findall(rf"'{REF_PREFIX}(\w+)'", str(DOCUMENT)))

    assert named - DOCUMENT["components"]["schemas"].keys() == set()


def test_every_way_in_is_described() -> None:
    schemes = DOCUMENT["components"]["securitySchemes"]

    assert {scheme["type"] for scheme in schemes.values()} >= {"oauth2", "http", "apiKey"}
    [password] = [scheme for scheme in schemes.values() if scheme["type"] == "oauth2"]
    assert password["flows"]["password"]["tokenUrl"] == "/api/v1/auth/token"


def test_groups_are_described() -> None:
    assert [tag["name"] for tag in DOCUMENT["tags"] if not tag["description"].endswith(".")] == []
