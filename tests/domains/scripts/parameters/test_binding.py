"""Values reach a script unchanged, each as one argument or variable."""

from typing import Any

import pytest

from stationmaster.domains.scripts.manifest import Manifest
from stationmaster.domains.scripts.parameters.binding import Bound, bind, check_options
from stationmaster.domains.scripts.parameters.schema import Parameters
from stationmaster.errors import Invalid

NASTY = '\'; drop table users; -- "$(id)" `id` \\ \n&& rm -rf / # ✓'


def schema(**properties: Any) -> Parameters:
    return Manifest.model_validate({"name": "x", "parameters": {"properties": properties}}).parameters


@pytest.mark.parametrize(
    ("bind_", "expected"),
    [
        ({"as": "argument"}, (NASTY,)),
        ({"as": "flag"}, ("--value", NASTY)),
        ({"as": "flag", "name": "-v"}, ("-v", NASTY)),
        ({"as": "flag", "name": "--text", "style": "equals"}, (f"--text={NASTY}",)),
    ],
)
def test_a_nasty_value_stays_one_argument(bind_: dict[str, Any], expected: tuple[str, ...]) -> None:
    bound = bind(schema(value={"type": "string", "bind": bind_}), {"value": NASTY}, {})

    assert bound.arguments == expected
    assert bound.params == {"value": NASTY}


def test_variables() -> None:
    parameters = schema(
        **{
            "batch-size": {"type": "integer", "bind": {"as": "environment"}},
            "text": {"type": "string", "bind": {"as": "environment", "name": "TEXT"}},
            "is_dry": {"type": "boolean", "bind": {"as": "environment"}},
            "tags": {"type": "list", "bind": {"as": "environment"}},
            "plain": {"type": "string"},
        }
    )

    bound = bind(parameters, {"batch-size": 5, "text": NASTY, "is_dry": False, "tags": ["a"], "plain": "x"}, {})

    assert bound.environment == {"BATCH_SIZE": "5", "TEXT": NASTY, "IS_DRY": "false", "TAGS": '["a"]'}
    assert bound.arguments == ()


def test_arguments_stand_in_their_places_behind_the_flags() -> None:
    parameters = schema(
        a={"type": "string", "bind": {"as": "argument"}},
        b={"type": "list", "bind": {"as": "argument", "position": 0}},
        c={"type": "number", "bind": {"as": "flag"}},
    )

    assert bind(parameters, {"a": "x", "b": ["y", "z"], "c": 1.5}, {}).arguments == ("--c", "1.5", "y", "z", "x")


@pytest.mark.parametrize(
    ("value", "bind_", "expected"),
    [
        (True, {"as": "flag"}, ("--value",)),
        (False, {"as": "flag"}, ()),
        (False, {"as": "flag", "inverse": "--no-value"}, ("--no-value",)),
        (True, {"as": "flag", "name": "-q", "inverse": "--no-value"}, ("-q",)),
    ],
)
def test_flags_without_a_value(value: bool, bind_: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert bind(schema(value={"type": "boolean", "bind": bind_}), {"value": value}, {}).arguments == expected


def test_a_list_repeats_its_flag() -> None:
    parameters = schema(tag={"type": "list", "bind": {"as": "flag"}})

    assert bind(parameters, {"tag": ["a", 1]}, {}).arguments == ("--tag", "a", "--tag", "1")


def test_what_looks_like_an_option_is_joined_to_its_flag() -> None:
    parameters = schema(
        value={"type": "string", "bind": {"as": "flag"}}, number={"type": "number", "bind": {"as": "flag"}}
    )

    assert bind(parameters, {"value": "--privileged", "number": -5}, {}).arguments == (
        "--value=--privileged",
        "--number=-5",
    )


@pytest.mark.parametrize("bind_", [{"as": "argument"}, {"as": "flag", "name": "-v"}])
def test_what_looks_like_an_option_does_not_stand_alone(bind_: dict[str, Any]) -> None:
    parameters = schema(value={"type": "string", "bind": bind_}, other={"type": "string"})

    with pytest.raises(Invalid) as refused:
        check_options(parameters, {"value": "--privileged", "other": "--fine"})

    assert [each.pointer for each in refused.value.errors] == ["/params/value"]


def test_a_secret_is_in_its_variable_and_nowhere_else() -> None:
    parameters = schema(password={"type": "secret"}, plain={"type": "string"})

    bound = bind(parameters, {"password": "WAREHOUSE", "plain": "x"}, {"password": "hidden"})

    assert bound == Bound((), {"PASSWORD": "hidden"}, {"plain": "x"})


def test_what_is_not_given_is_not_handed_over() -> None:
    parameters = schema(
        a={"type": "string", "bind": {"as": "flag"}}, b={"type": "string", "bind": {"as": "environment"}}
    )

    assert bind(parameters, {}, {}) == Bound()
