"""Names and labels."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from stationmaster.domains.executions.containers.naming import AttemptName

NAME = AttemptName(UUID(int=7), 2)


def test_an_attempt_has_one_name() -> None:
    assert f"execution-{UUID(int=7)}-2" == str(NAME)


def test_labels_are_read_back() -> None:
    labels = NAME.labels("here", datetime(2026, 11, 25, tzinfo=UTC))

    assert NAME == AttemptName.of(labels)
    assert ("here", "1795564800") == (labels["stationmaster.installation"], labels["stationmaster.ends_at"])


@pytest.mark.parametrize(
    "labels",
    [{}, {"stationmaster.execution": "x", "stationmaster.attempt": "1"}, {"stationmaster.execution": str(UUID(int=7))}],
)
def test_labels_of_something_else_are_none(labels: dict[str, str]) -> None:
    assert AttemptName.of(labels) is None
