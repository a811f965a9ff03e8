"""Secrets as the API takes and shows them: values go in and never come out."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field, SecretStr, StringConstraints

from stationmaster.web.schema import Input, Instant, LongText, Output

NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,99}$"
SHORTEST = 8
LONGEST = 65_536
MOST_GRANTS = 100

SecretName = Annotated[str, StringConstraints(pattern=NAME)]
SecretValue = Annotated[SecretStr, StringConstraints(min_length=SHORTEST, max_length=LONGEST)]
Grants = Annotated[list[UUID], Field(max_length=MOST_GRANTS)]


class SecretIn(Input):
    """A new secret."""

    name: SecretName = Field(
        description="Letters, digits and `_`; by it scripts and jobs ask for the secret.",
        examples=["WAREHOUSE_PASSWORD"],
    )
    value: SecretValue = Field(
        description="At least 8 characters, so that it can be masked in outputs; never shown again.",
        examples=["correct horse battery staple"],
    )
    description: LongText = Field("", description="What it is for.")
    scripts: Grants = Field([], description="Scripts that are given it each time they run, whoever runs them.")
    jobs: Grants = Field([], description="Jobs of other people that may use it; jobs of its owner may anyway.")


class SecretPut(Input):
    """What a secret is to be; only the value may be left out, and then stays."""

    value: SecretValue | None = Field(None, description="The new value; left out, the present one stays.")
    description: LongText = Field("", description="What it is for.")
    scripts: Grants = Field([], description="All scripts that are given it each time they run.")
    jobs: Grants = Field([], description="All jobs of other people that may use it.")


class SecretOut(Output):
    """A secret without its value."""

    volatile: ClassVar[frozenset[str]] = frozenset({"updated_at", "last_used_at"})

    id: UUID
    name: str = Field(examples=["WAREHOUSE_PASSWORD"])
    description: str = Field(examples=["Read access to the warehouse."])
    owner_id: UUID | None
    scripts: list[UUID] = Field(description="Scripts that are given it.")
    jobs: list[UUID] = Field(description="Jobs of other people that may use it.")
    value_set_at: Instant = Field(description="When the present value was put in.")
    last_used_at: Instant | None = Field(description="When work last opened it, to the minute.")
    created_at: Instant
    updated_at: Instant
