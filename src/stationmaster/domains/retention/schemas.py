"""What the API shows of retention."""

from datetime import datetime

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from stationmaster.web.schema import Output

_RULE: JsonDict = {
    "name": "executions",
    "text": "Ended executions, with their attempts and logs.",
    "keep_seconds": 7776000,
    "keep_count": None,
    "removes_before": "2026-08-23T08:30:00.000Z",
    "due": 4711,
    "due_capped": False,
    "removed_in_30_days": 81200,
    "removed_in_all": 350124,
    "last_removed_at": "2026-11-21T08:29:45.000Z",
}


class RuleOut(Output):
    """One rule: what it removes, what it would remove now, what it has removed."""

    model_config = ConfigDict(json_schema_extra={"examples": [_RULE]})

    name: str
    text: str = Field(description="What it removes.")
    keep_seconds: float | None = Field(description="How long rows are kept; null for ever.")
    keep_count: int | None = Field(description="How many are kept of each job; null for all.")
    removes_before: datetime | None = Field(description="It would remove now what is older.")
    due: int = Field(description="Rows that it would remove now.")
    due_capped: bool = Field(description="Whether counting stopped at `due` although there are more.")
    removed_in_30_days: int
    removed_in_all: int = Field(description="As far as reports are kept.")
    last_removed_at: datetime | None


class RetentionOut(Output):
    """All rules."""

    is_enabled: bool = Field(description="Whether the leader applies them by itself.")
    rules: list[RuleOut]


class SweptOut(Output):
    """What one rule removed, or would have."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "executions", "removed": 1000}]})

    name: str
    removed: int


class SweepOut(Output):
    """What a sweep removed, or would have."""

    dry_run: bool = Field(description="Whether nothing was removed.")
    removed: int = Field(description="Rows, all rules together.")
    rules: list[SweptOut]
