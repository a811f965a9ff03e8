"""What the house adds to a user's input: defaults, limits, and which targets can be carried out here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import ValidationError

from stationmaster.domains.executions.executor import Executor
from stationmaster.domains.executions.models import OnLost
from stationmaster.domains.executions.targets import Target
from stationmaster.errors import FieldError, Invalid
from stationmaster.kit.sealing import Sealer
from stationmaster.outbound.guard import Blocked
from stationmaster.web.validation_errors import to_field_errors

ON_LOST_DEFAULT = {"webhook": OnLost.RETRY}
"""A webhook carries a message id, so its receiver can drop a repetition; other kinds are not tried again unasked."""


@dataclass(frozen=True)
class JobRules:
    """Made once by the lifespan."""

    sealer: Sealer
    executors: Mapping[str, Executor]
    timezone: str
    min_interval_seconds: int
    requires_end_date: bool = False
    requires_team: bool = False

    def check_target(self, target: Target, *, pointer: str = "/target") -> None:
        """Refuse a target that could never be carried out here. `pointer` is where the caller gave it.

        Raises:
            Invalid: its executor says why, or there is none.
        """
        executor = self.executors.get(target.type)
        if executor is None:
            raise Invalid(
                FieldError(f"targets of the type {target.type} are not carried out here", pointer=f"{pointer}/type")
            )
        try:
            executor.check(target)
        except Blocked as error:
            raise Invalid(FieldError(str(error), pointer=f"{pointer}/url")) from error
        except ValueError as error:
            raise Invalid(FieldError(str(error), pointer=pointer)) from error

    def check_policy(self, *, end_date: date | None, team: object) -> None:
        """Refuse a job that lacks what the house asks of all jobs.

        Raises:
            Invalid: it has no end date, or no team.
        """
        missing = []
        if self.requires_end_date and end_date is None:
            missing.append(FieldError("jobs need an end date here", pointer="/end_date"))
        if self.requires_team and team is None:
            missing.append(FieldError("jobs need a team here", pointer="/team"))
        if missing:
            raise Invalid(*missing)

    def host_of(self, target: Target) -> str | None:
        """Name what the target loads."""
        return self.executors[target.type].host_of(target)


def default_on_lost(target: Target) -> OnLost:
    """Return what happens to a lost attempt when the job does not say."""
    return ON_LOST_DEFAULT.get(target.type, OnLost.FAIL)


def as_invalid(error: ValidationError, body: Mapping[str, Any]) -> Invalid:
    """Turn the errors of a model that was made from `body` and what was known before into ours."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return Invalid(*to_field_errors([{**one, "loc": ("body", *one["loc"])} for one in found], body))
