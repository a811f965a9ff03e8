"""What the runs of both modes are made from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stationmaster.domains.executions.containers.naming import AttemptName
from stationmaster.setting_groups import DockerSettings


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One attempt, and the house in which it runs. `ends_at` is when its time is up, kept over a change of replica."""

    settings: DockerSettings
    name: AttemptName
    installation: str
    ends_at: datetime

    @property
    def labels(self) -> dict[str, str]:
        return self.name.labels(self.installation, self.ends_at)

    def handle(self, *, is_started: bool, **facts: str) -> dict[str, Any]:
        """Return by what the attempt can be taken over."""
        return {"name": str(self.name), "ends_at": self.ends_at.isoformat(), "is_started": is_started, **facts}
