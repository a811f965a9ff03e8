"""What every metric must be like."""

import re

import pytest
from prometheus_client import Metric

from stationmaster.telemetry.metrics import REGISTRY

OURS = [family for family in REGISTRY.collect() if not family.name.startswith("process_")]


@pytest.mark.parametrize("family", OURS, ids=lambda family: family.name)
def test_a_metric_has_our_prefix_a_base_unit_and_a_description(family: Metric) -> None:
    assert family.name.startswith("stationmaster_")
    assert not re.search(r"_(ms|milliseconds|minutes|kb|mb)(_|$)", family.name)
    assert family.documentation.endswith(".")


def test_the_process_is_measured_too() -> None:
    assert REGISTRY.get_sample_value("process_resident_memory_bytes")
