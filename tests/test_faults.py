"""The small version of `make faults`: real replicas, killed and frozen, and their database crashed, lose nothing."""

import pytest
from bench.faults.profile import SMOKE
from bench.faults.run import run, temporary_folder


@pytest.mark.timeout(240)  # half a minute on an idle machine
async def test_replicas_that_are_killed_and_frozen_lose_nothing() -> None:
    with temporary_folder() as folder:
        findings = await run(SMOKE, folder)

    assert findings.complaints() == []
    assert findings.verdict.planned_slots > 100
    assert findings.faults.keys() >= {"kill", "freeze", "postgres"}
