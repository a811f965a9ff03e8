"""What a manifest may not say."""

from typing import Any

import pytest
from pydantic import ValidationError

from stationmaster.domains.scripts.manifest import Manifest

DOCKER = {"runtime": "docker"}
MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"cpu_reservation": 1}, "only containers have reservations"),
        ({"credential": "LOGIN"}, "only containers have an image"),
        (DOCKER | {"cpu_reservation": 2, "cpu_limit": 1}, "cpu_reservation is above cpu_limit"),
        (DOCKER | {"memory_reservation": 64 * MIB, "memory_limit": 32 * MIB}, "memory_reservation is above"),
        (DOCKER | {"outputs": ["*.csv"]}, "outputs of a container are plain file names"),
        ({"secrets": ["A", "A"]}, "a variable is given twice: A"),
        ({"progress_pattern": "("}, "progress_pattern"),
        ({"surprise": 1}, "Extra inputs are not permitted"),
    ],
)
def test_is_refused(facts: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Manifest.model_validate({"name": "Tool", **facts})


def test_the_credential_must_be_granted_like_the_secrets() -> None:
    manifest = Manifest.model_validate({"name": "Tool", **DOCKER, "secrets": ["A"], "credential": "LOGIN"})

    assert ["A", "LOGIN"] == manifest.granted_secrets


def test_processors_may_be_billionths() -> None:
    assert 1.5 == Manifest.model_validate({"name": "Tool", "cpu_limit": 1_500_000_000}).cpu_limit
