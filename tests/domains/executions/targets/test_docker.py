"""The target `docker`: a closed list of what a container may be given."""

from typing import Any

import pytest
from pydantic import ValidationError

from stationmaster.domains.executions.targets.docker import DockerTarget

DIGEST = "sha256:" + "0" * 64


def docker(**fields: Any) -> DockerTarget:
    return DockerTarget.model_validate({"type": "docker", "image": "busybox", **fields})


@pytest.mark.parametrize(
    "image",
    [
        "busybox",
        "busybox:1.36",
        f"busybox@{DIGEST}",
        "registry.example.com:5000/team/reports:v1_2",
        "localhost/a-b.c/d__e",
    ],
)
def test_images_are_named_as_registries_name_them(image: str) -> None:
    assert image == docker(image=image).image


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("image", "Busybox"),
        ("image", "busybox:"),
        ("image", "busybox@sha256:12"),
        ("image", "-v /:/host busybox"),
        ("image", "a//b"),
        ("env", {"STATIONMASTER_TOKEN": "x"}),
        ("env", {"PARAMS": "{}"}),
        ("env", {"A=B": "x"}),
        ("env", {"A": "\0"}),
        ("secrets", ["../etc"]),
        ("outputs", ["../report.csv"]),
        ("outputs", [".."]),
        ("network", "host"),
        ("memory_mb", 1),
        ("cpu", 0),
        ("pids", 0),
        ("privileged", True),
        ("volumes", ["/:/host"]),
        ("cap_add", ["SYS_ADMIN"]),
    ],
)
def test_what_a_container_may_not_have_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=field):
        docker(**{field: value})


def test_params_are_laid_over_its_own() -> None:
    assert {"a": 1, "b": 3} == docker(params={"a": 1, "b": 2}).with_params({"b": 3}).params
