"""The schema of a script's parameters: a strict subset of JSON Schema 2020-12, and how each value is handed over.

    {"type": "object", "required": ["input"], "properties": {
        "input": {"type": "string", "format": "file", "extensions": [".csv"], "bind": {"as": "argument"}},
        "skip_images": {"type": "boolean", "default": false, "bind": {"as": "flag", "name": "--skip-images"}}}}

For people who write manifests by hand, `type` may also be `file`, `secret`, `date`, `list` or `enum`.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from stationmaster.domains.scripts.variables import check_variable
from stationmaster.web.schema import Input, JsonValue

MOST_PARAMETERS = 100
DEEPEST = 5

Scalar = str | int | float | bool
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,99}$")]
FLAG = re.compile(r"--?[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\Z")
FlagName = Annotated[str, StringConstraints(pattern=r"^--?[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]
Extension = Annotated[str, StringConstraints(pattern=r"^\.[a-z0-9]{1,10}$")]

SHORT_TYPES: dict[str, dict[str, Any]] = {
    "file": {"type": "string", "format": "file"},
    "secret": {"type": "string", "format": "secret"},
    "date": {"type": "string", "format": "date"},
    "list": {"type": "array"},
}

_ONLY_FOR: dict[str, frozenset[str]] = {
    "string": frozenset({"minLength", "maxLength", "pattern", "format", "extensions", "maxBytes"}),
    "number": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
    "array": frozenset({"items", "minItems", "maxItems"}),
    "object": frozenset({"properties", "required"}),
}


class Binding(Input):
    """How a value reaches the script, beside PARAMS, where every one is."""

    way: Literal["argument", "flag", "environment", "json"] = Field(
        alias="as",
        description="`argument` by its place, `flag` with a name before it, `environment` a variable, `json` in PARAMS only.",
    )
    name: str | None = Field(
        None, max_length=101, description="Of the flag or variable; else made from the parameter's."
    )
    style: Literal["separate", "equals"] | None = Field(
        None,
        description="`--name value` (unless said) or `--name=value`. A value that begins with `-` is always joined.",
    )
    inverse: FlagName | None = Field(None, description="The flag that stands for false: `--no-cache`.")
    position: int | None = Field(None, ge=0, le=99, description="Place among the arguments; else by their order here.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        wrong = {
            "name": self.way not in {"flag", "environment"},
            "style": self.way != "flag",
            "inverse": self.way != "flag",
            "position": self.way != "argument",
        }
        for field, is_wrong in wrong.items():
            if is_wrong and getattr(self, field) is not None:
                raise ValueError(f"`{field}` says nothing when a value is handed over as `{self.way}`")
        if self.way == "flag" and self.name is not None and not FLAG.match(self.name):
            raise ValueError("the name of a flag is written -x or --long-name")
        return self


def _spell_out(given: Any) -> Any:
    if not isinstance(given, dict) or not isinstance(given.get("type"), str):
        return given
    if given["type"] == "enum":
        return {name: value for name, value in given.items() if name != "type"}
    return {**given, **SHORT_TYPES.get(given["type"], {})}


class Property(Input):
    """What one value may be."""

    type: Literal["string", "integer", "number", "boolean", "array", "object"] | None = None
    title: Annotated[str, StringConstraints(max_length=200)] | None = None
    description: Annotated[str, StringConstraints(max_length=2000)] | None = None
    default: JsonValue = None
    examples: list[JsonValue] | None = Field(None, max_length=20)
    enum: list[Scalar] | None = Field(None, min_length=1, max_length=500)
    format: Literal["date", "date-time", "file", "secret"] | None = None
    minLength: int | None = Field(None, ge=0, le=1_000_000)  # noqa: N815  # JSON Schema's own spelling, here and below
    maxLength: int | None = Field(None, ge=0, le=1_000_000)  # noqa: N815
    pattern: Annotated[str, StringConstraints(max_length=500)] | None = None
    extensions: list[Extension] | None = Field(None, min_length=1, max_length=50)
    maxBytes: int | None = Field(None, ge=1)  # noqa: N815
    minimum: float | None = None
    maximum: float | None = None
    exclusiveMinimum: float | None = None  # noqa: N815
    exclusiveMaximum: float | None = None  # noqa: N815
    multipleOf: float | None = Field(None, gt=0)  # noqa: N815
    items: "PropertyIn | None" = None
    minItems: int | None = Field(None, ge=0, le=10_000)  # noqa: N815
    maxItems: int | None = Field(None, ge=0, le=10_000)  # noqa: N815
    properties: dict[Name, "PropertyIn"] | None = Field(None, max_length=MOST_PARAMETERS)
    required: list[Name] | None = Field(None, max_length=MOST_PARAMETERS)
    bind: Binding | None = None

    @property
    def kind(self) -> str:
        """Name what it is, in one word: its type, or what its text stands for."""
        return self.format or self.type or "enum"

    @property
    def has_default(self) -> bool:
        return "default" in self.model_fields_set

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.type is None) == (self.enum is None) and self.type is None:
            raise ValueError("say its `type`, or the values it may have in `enum`")
        own = _ONLY_FOR.get("number" if self.type == "integer" else self.type or "", frozenset())
        for field in sorted(self.model_fields_set & frozenset().union(*_ONLY_FOR.values())):
            if field not in own:
                raise ValueError(f"`{field}` says nothing about {self.type or 'an enum'}")
        if self.format != "file" and (self.extensions or self.maxBytes):
            raise ValueError("`extensions` and `maxBytes` are for files")
        self._check_required()
        self._check_binding()
        return self

    def _check_required(self) -> None:
        for name in self.required or ():
            if name not in (self.properties or {}):
                raise ValueError(f"`required` names {name}, which is not among the properties")

    def _check_binding(self) -> None:
        if self.bind is None:
            return
        if self.format == "secret" and self.bind.way != "environment":
            raise ValueError("a secret is handed over as `environment` only: the command line can be seen by others")
        if self.type == "boolean" and self.bind.way == "flag" and self.bind.style:
            raise ValueError("a boolean flag has no value and so no `style`")
        if self.bind.inverse and self.type != "boolean":
            raise ValueError("`inverse` is for booleans")

    def depth(self) -> int:
        """Return how deep it goes; a plain value is 1."""
        inner = [*(self.properties or {}).values(), *([self.items] if self.items else [])]
        return 1 + max((each.depth() for each in inner), default=0)


PropertyIn = Annotated[Property, BeforeValidator(_spell_out)]


class Parameters(Input):
    """All parameters of a script. Values that it does not name are refused, whatever the schema says."""

    type: Literal["object"] = "object"
    title: Annotated[str, StringConstraints(max_length=200)] | None = None
    description: Annotated[str, StringConstraints(max_length=2000)] | None = None
    properties: dict[Name, PropertyIn] = Field({}, max_length=MOST_PARAMETERS)
    required: list[Name] = Field([], max_length=MOST_PARAMETERS)
    additionalProperties: Literal[False] = False  # noqa: N815

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in self.required:
            if name not in self.properties:
                raise ValueError(f"`required` names {name}, which is not among the properties")
        for name, inner in self.properties.items():
            if inner.depth() > DEEPEST:
                raise ValueError(f"{name} goes deeper than {DEEPEST} levels")
            _check_inner(name, inner)
        self._check_variables()
        return self

    def _check_variables(self) -> None:
        seen: set[str] = set()
        for variable in self.variables().values():
            check_variable(variable)
            if variable in seen:
                raise ValueError(f"two parameters become the variable {variable}")
            seen.add(variable)

    def variables(self) -> dict[str, str]:
        """Return the variable of each parameter that becomes one."""
        return {
            name: (found.bind.name if found.bind and found.bind.name else variable_name(name))
            for name, found in self.properties.items()
            if found.format == "secret" or (found.bind and found.bind.way == "environment")
        }

    def secret_names(self) -> Iterator[str]:
        """Yield the parameters that name secrets."""
        yield from (name for name, found in self.properties.items() if found.format == "secret")


def variable_name(parameter: str) -> str:
    """Return the variable that a parameter becomes when nothing else is said: `batch-size` becomes BATCH_SIZE."""
    return parameter.upper().replace("-", "_").replace(".", "_")


def _check_inner(name: str, outer: Property) -> None:
    """Files and secrets stand at the top or in a list at the top, where they can be found; bindings at the top."""
    for inner in [*(outer.properties or {}).values(), *([outer.items] if outer.items else [])]:
        if inner.bind is not None:
            raise ValueError(f"{name}: only whole parameters are bound, not their parts")
        if inner.format == "secret" or (inner.format == "file" and outer.type != "array"):
            raise ValueError(f"{name}: a {inner.format} cannot stand inside of another value")
        _check_inner(name, inner)
