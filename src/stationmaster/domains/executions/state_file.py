"""The state file of one run: what its program finds there of the runs before it, and what becomes of what it leaves."""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol, Self
from uuid import UUID

from stationmaster.web.json_values import check_json


class States(Protocol):
    """Whoever keeps the state of jobs between their runs."""

    async def read(self, job_id: UUID) -> dict[str, Any]:
        """Return what a job keeps."""

    async def leave(self, job_id: UUID, execution_id: UUID, document: dict[str, Any]) -> str | None:
        """Draft what it shall keep if the execution succeeds; return why not."""


@dataclass(frozen=True, slots=True)
class StateFile:
    """What one run of a job is given, and the way back."""

    states: States
    job_id: UUID
    execution_id: UUID
    found: dict[str, Any]

    @classmethod
    async def open(cls, states: States, job_id: UUID | None, execution_id: UUID) -> Self | None:
        """Read what the job keeps; what runs for no job keeps nothing."""
        return None if job_id is None else cls(states, job_id, execution_id, await states.read(job_id))

    @property
    def mark(self) -> str:
        """Return by what a replica that takes the run over tells whether the program has changed what it found."""
        return mark_of(self.found)

    async def leave(self, left: Any) -> str | None:
        """Draft what a run that succeeded left, unless it is what it found; return why it is not taken, if so."""
        if left == self.found:
            return None
        if not isinstance(left, dict):
            return "The state of a job is a JSON object; what was left is none."
        try:
            check_json(left)
        except ValueError as refusal:
            return f"The state of a job cannot be kept: {refusal}."
        return await self.states.leave(self.job_id, self.execution_id, left)


def mark_of(document: dict[str, Any]) -> str:
    """Return a digest of a state, the same for equal ones."""
    return sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
