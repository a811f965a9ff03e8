"""What all kinds of target share."""

from typing import Annotated, ClassVar, Self

from pydantic import StringConstraints

from stationmaster.web.schema import Input, JsonObject

SecretName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
"""The name of a stored secret, which is also that of the environment variable in which a program finds it."""


class TargetFields(Input):
    """Base of all targets.

    `secret_fields` hold values of the type `SecretText`; `origin_fields` say who receives them, so that a target which is
    pointed elsewhere does not take them along. Each kind has `with_params`, which lays the parameters of one run in and
    raises ValueError when they do not fit.
    """

    secret_fields: ClassVar[frozenset[str]] = frozenset()
    origin_fields: ClassVar[frozenset[str]] = frozenset()

    def for_trial(self) -> Self:
        """Return what is done when somebody only tries the target, and waits for the answer."""
        return self

    def with_metadata(self, metadata: JsonObject) -> Self:  # noqa: ARG002  # kinds that send metadata override this
        """Return the same target with its job's metadata laid in, where this kind sends them along."""
        return self
