"""From checked values to what the script is started with. Pure: no file is opened, no secret is looked up.

Every value is one argument or one variable, unchanged: it may hold quotes, semicolons and new lines, for there is no shell.
What a program could take for an option is joined to its flag (`--name=-5`), or refused where it has no flag.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stationmaster.domains.scripts.parameters.schema import Binding, Parameters, Property, variable_name
from stationmaster.errors import FieldError, Invalid


@dataclass(frozen=True)
class Bound:
    """What a script is started with, beside its command: `params` is the document that it finds in PARAMS."""

    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)


def bind(parameters: Parameters, values: Mapping[str, Any], secrets: Mapping[str, str]) -> Bound:
    """Hand values over. `secrets` are the opened values of secret parameters, by the parameter's name.

    Files stand in `values` as the paths under which the script will find them.
    """
    variables = parameters.variables()
    return Bound(
        arguments=(*_flags(parameters, values), *_positional(parameters, values)),
        environment={
            variable: secrets[name] if name in secrets else _as_text(values[name])
            for name, variable in variables.items()
            if name in values
        },
        params={name: value for name, value in values.items() if name not in secrets},
    )


def check_options(parameters: Parameters, values: Mapping[str, Any], *, pointer: str = "/params") -> None:
    """Refuse values that the script would take for an option, because they stand alone and begin with `-`.

    Raises:
        Invalid: names each of them.
    """
    wrong = [
        FieldError("It begins with '-', and the script would take it for an option.", pointer=f"{pointer}/{name}")
        for name, found in parameters.properties.items()
        if name in values and _stands_alone(found) and any(each.startswith("-") for each in _texts(values[name]))
    ]
    if wrong:
        raise Invalid(*wrong)


def _stands_alone(found: Property) -> bool:
    if found.bind is None or found.type in {"integer", "number", "boolean"} or found.format == "file":
        return False
    is_short_flag = found.bind.way == "flag" and not (found.bind.name or "--").startswith("--")
    return found.bind.way == "argument" or is_short_flag


def _texts(value: Any) -> list[str]:
    return [_as_text(each) for each in value] if isinstance(value, list) else [_as_text(value)]


def _positional(parameters: Parameters, values: Mapping[str, Any]) -> Iterator[str]:
    bound = [
        (found.bind.position if found.bind.position is not None else 100, number, name)
        for number, (name, found) in enumerate(parameters.properties.items())
        if found.bind is not None and found.bind.way == "argument" and name in values
    ]
    for _, _, name in sorted(bound):
        yield from _texts(values[name])


def _flags(parameters: Parameters, values: Mapping[str, Any]) -> Iterator[str]:
    for name, found in parameters.properties.items():
        if found.bind is not None and found.bind.way == "flag" and name in values:
            yield from _flag(found.bind, found.bind.name or flag_name(name), values[name])


def _flag(binding: Binding, flag: str, value: Any) -> Iterator[str]:
    if isinstance(value, bool):
        chosen = flag if value else binding.inverse
        yield from [chosen] if chosen else []
        return
    for text in _texts(value):
        is_joined = binding.style == "equals" or (text.startswith("-") and flag.startswith("--"))
        yield from [f"{flag}={text}"] if is_joined else [flag, text]


def flag_name(parameter: str) -> str:
    """Return the flag that a parameter becomes when nothing else is said: `batch_size` becomes --batch-size."""
    return "--" + variable_name(parameter).lower().replace("_", "-")


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
