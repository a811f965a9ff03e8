"""Steps that run scripts are saved with right parameters only."""

from typing import Any

import pytest

from tests.support.tracking import Yard, faults

PARAMETERS = {"required": ["text"], "properties": {"text": {"type": "string"}, "count": {"type": "integer"}}}


@pytest.fixture(scope="module")
async def script(yard: Yard) -> str:
    body = {"name": "Tell", "source": "print()", "parameters": PARAMETERS}
    made = await yard.ask("POST", "/scripts", body)
    return str(made["slug"])


def step(script: str, **params: Any) -> dict[str, Any]:
    return {"name": "tell", "target": {"type": "script", "script": script, "params": params}}


async def save(yard: Yard, step: dict[str, Any], name: str) -> Any:
    return await yard.call("POST", "/processes", {"name": name, "steps": [step]})


async def test_wrong_parameters_are_named(yard: Yard, script: str) -> None:
    answer = await save(yard, step(script, count="x", more=1), "wrong")

    place = "/steps/0/target/params"
    assert answer.status_code == 422
    assert set(faults(answer)) == {f"{place}/text", f"{place}/count", f"{place}/more"}


async def test_what_comes_later_is_not_missed(yard: Yard, script: str) -> None:
    answer = await save(yard, step(script, count=1) | {"inputs": {"text": "params.text"}}, "later")

    assert answer.status_code == 201, answer.text


async def test_a_script_that_is_not_there(yard: Yard) -> None:
    answer = await save(yard, step("absent"), "absent")

    assert faults(answer) == ["/steps/0/target/script"]


async def test_a_changed_step_is_checked(yard: Yard, script: str) -> None:
    made = (await save(yard, step(script, text="x"), "changed")).json()
    path = f"/steps/{made['steps'][0]['id']}"

    answer = await yard.call("PATCH", path, {"target": step(script, text=1)["target"]})

    assert faults(answer) == ["/target/params/text"]
