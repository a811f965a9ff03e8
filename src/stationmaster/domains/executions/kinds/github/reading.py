"""What GitHub says of runs and jobs, read with care: it is somebody else's data."""

from dataclasses import dataclass
from typing import Any

LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a workflow. `conclusion` is there once the status is `completed`."""

    id: int
    status: str
    conclusion: str | None
    title: str
    address: str

    @property
    def is_over(self) -> bool:
        return self.status == "completed"


@dataclass(frozen=True, slots=True)
class Job:
    """A job of a run."""

    id: int
    name: str
    status: str
    conclusion: str | None
    failed_steps: tuple[str, ...]


def read_run(data: Any) -> Run | None:
    """Return a run; None where the data are none."""
    if not isinstance(data, dict) or not _is_id(data.get("id")):
        return None
    return Run(
        id=data["id"],
        status=_text(data.get("status")) or "unknown",
        conclusion=_text(data.get("conclusion")),
        title=" ".join(filter(None, (_text(data.get("display_title")), _text(data.get("name"))))),
        address=_text(data.get("html_url")) or "",
    )


def read_runs(data: Any) -> list[Run]:
    """Return the runs of a page."""
    found = data.get("workflow_runs") if isinstance(data, dict) else None
    return [run for each in found if (run := read_run(each))] if isinstance(found, list) else []


def read_jobs(data: Any) -> list[Job]:
    """Return the jobs of a page."""
    found = data.get("jobs") if isinstance(data, dict) else None
    return [job for each in found if (job := _read_job(each))] if isinstance(found, list) else []


def _read_job(data: Any) -> Job | None:
    if not isinstance(data, dict) or not _is_id(data.get("id")):
        return None
    steps = data.get("steps")
    failed = (
        [step for step in steps if isinstance(step, dict) and step.get("conclusion") == "failure"]
        if isinstance(steps, list)
        else []
    )
    return Job(
        id=data["id"],
        name=_text(data.get("name")) or str(data["id"]),
        status=_text(data.get("status")) or "unknown",
        conclusion=_text(data.get("conclusion")),
        failed_steps=tuple(name for step in failed if (name := _text(step.get("name")))),
    )


def is_run_id(value: Any) -> bool:
    """Say whether this can be the number of a run."""
    return _is_id(value)


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


def _text(value: Any) -> str | None:
    return value.replace("\0", "")[:LONGEST_NAME] if isinstance(value, str) else None
