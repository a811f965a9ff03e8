"""Values are held against the schema: every wrong one is named, defaults are laid in."""

from typing import Any

import pytest
from pydantic import ValidationError

from stationmaster.domains.scripts.manifest import Manifest
from stationmaster.domains.scripts.parameters.checking import check_params
from stationmaster.domains.scripts.parameters.schema import Parameters
from stationmaster.errors import Invalid
from stationmaster.kit.ids import new_id

FILE = str(new_id())


def schema(required: Any = None, **properties: Any) -> Parameters:
    manifest = Manifest.model_validate(
        {"name": "x", "parameters": {"properties": properties, "required": required or []}}
    )
    return manifest.parameters


@pytest.mark.parametrize(
    ("property_", "right", "wrong"),
    [
        ({"type": "string"}, ["", "a'b;\n$(x)"], [1, None, True, [], "a\0b"]),
        ({"type": "string", "minLength": 2, "maxLength": 3}, ["ab", "abc"], ["a", "abcd"]),
        ({"type": "string", "pattern": "^[a-z]+$"}, ["ab"], ["", "a1", "A"]),
        ({"type": "integer", "minimum": 1, "maximum": 3}, [1, 3], [0, 4, 1.5, "1", True, 10**30]),
        ({"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.5}, [0.5, 2], [0, 0.3, "1", float("nan")]),
        ({"type": "boolean"}, [True, False], ["true", 1, 0, None]),
        ({"enum": ["a", 1]}, ["a", 1], ["b", True, "1", None]),
        ({"type": "enum", "enum": [True]}, [True], [1, "true"]),
        ({"type": "date"}, ["2026-02-28"], ["2026-02-29", "28.2.2026", "20260228", 5]),
        ({"type": "string", "format": "date-time"}, ["2026-02-28T10:00:00Z"], ["2026-02-28", "now"]),
        (
            {"type": "file"},
            [FILE, {"execution_id": FILE, "artifact": "a.csv"}],
            ["a.csv", "../x", {"artifact": "a"}, 1],
        ),
        ({"type": "secret"}, ["WAREHOUSE"], ["", "a b", "../x"]),
        ({"type": "list", "items": {"type": "integer"}, "maxItems": 2}, [[], [1, 2]], [[1, 2, 3], ["1"], "1", {}]),
        ({"type": "array"}, [[1, "a", None]], ["a"]),
        ({"type": "object"}, [{}, {"a": [1]}], [[], "a"]),
        (
            {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
            [{"a": 1}],
            [{}, {"a": "1"}, {"a": 1, "b": 2}],
        ),
    ],
)
def test_each_type(property_: dict[str, Any], right: list[Any], wrong: list[Any]) -> None:
    parameters = schema(value=property_)

    for value in right:
        assert check_params(parameters, {"value": value}) == {"value": value}
    for value in [each for each in wrong if each is not None]:
        with pytest.raises(Invalid) as refused:
            check_params(parameters, {"value": value})
        assert all((each.pointer or "").startswith("/params/value") for each in refused.value.errors), value


def test_all_wrong_ones_are_named() -> None:
    parameters = schema(
        ["a", "b"], **{"a": {"type": "string"}, "b": {"type": "object"}, "batch-size": {"type": "integer"}}
    )

    with pytest.raises(Invalid) as refused:
        check_params(parameters, {"batch-size": "x", "b": 1, "unknown": 2}, pointer="/target/params")

    assert {each.pointer for each in refused.value.errors} == {
        "/target/params/a",
        "/target/params/b",
        "/target/params/batch-size",
        "/target/params/unknown",
    }


def test_defaults_are_laid_in() -> None:
    parameters = schema(
        a={"type": "integer", "default": 5}, b={"type": "string"}, c={"type": "boolean", "default": False}
    )

    assert check_params(parameters, {}) == {"a": 5, "c": False}
    assert check_params(parameters, {"a": 1, "b": "x"}) == {"a": 1, "b": "x", "c": False}


def test_odd_names_are_names() -> None:
    names = {"class": 1, "model_dump": 2, "from.to": 3, "_private": 4, "copy": 5}
    parameters = schema(**{name: {"type": "integer"} for name in names})

    assert check_params(parameters, names) == names


@pytest.mark.parametrize(
    "property_",
    [
        {},
        {"type": "text"},
        {"type": "string", "minimum": 1},
        {"type": "integer", "pattern": "a"},
        {"type": "string", "extensions": [".csv"]},
        {"type": "string", "$ref": "http://example.com/schema"},
        {"type": "string", "pattern": "(?<=a)b"},
        {"type": "integer", "default": "five"},
        {"type": "secret", "bind": {"as": "argument"}},
        {"type": "secret", "bind": {"as": "environment", "name": "PATH"}},
        {"type": "string", "bind": {"as": "environment", "name": "LD_PRELOAD"}},
        {"type": "string", "bind": {"as": "environment", "name": "STATIONMASTER_TOKEN"}},
        {"type": "string", "bind": {"as": "flag", "name": "name; rm"}},
        {"type": "string", "bind": {"as": "flag", "inverse": "--no"}},
        {"type": "string", "bind": {"as": "argument", "name": "--a"}},
        {"type": "object", "properties": {"a": {"type": "file"}}},
        {"type": "object", "properties": {"a": {"type": "string", "bind": {"as": "argument"}}}},
        {"type": "object", "required": ["absent"]},
        {"enum": []},
    ],
)
def test_a_schema_without_effect_is_refused(property_: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        schema(value=property_)


def test_patterns_take_no_time() -> None:
    parameters = schema(a={"type": "string", "pattern": "^(a+)+$"})

    with pytest.raises(Invalid):
        check_params(parameters, {"a": "a" * 50_000 + "!"})
