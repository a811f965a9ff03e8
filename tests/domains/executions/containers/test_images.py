"""Which images may run."""

import pytest

from stationmaster.domains.executions.containers.images import check_image, registry_of
from stationmaster.setting_groups import DockerSettings

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("reference", "allowed"),
    [
        ("alpine:3.20", ("alpine:*",)),
        ("alpine", ("alpine:latest",)),
        ("alpine", ("alpine",)),
        ("registry.example.com:5000/team/x:1", ("registry.example.com:5000/team/*",)),
        ("anything", ("*",)),
        (f"alpine@{DIGEST}", ()),
        (f"alpine:3.20@{DIGEST}", ()),
    ],
)
def test_what_is_pinned_or_listed_may_run(reference: str, allowed: tuple[str, ...]) -> None:
    check_image(reference, DockerSettings(images=allowed))


@pytest.mark.parametrize(
    ("reference", "allowed"),
    [
        ("alpine:3.20", ()),
        ("alpine:3.20", ("alpine:3.19",)),
        ("evil/alpine:3.20", ("alpine:*",)),
        ("Alpine", ("alpine",)),
        ("registry.example.com/teams/x", ("registry.example.com/team/*",)),
    ],
)
def test_anything_else_may_not(reference: str, allowed: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="may not run here"):
        check_image(reference, DockerSettings(images=allowed))


def test_a_house_may_insist_on_its_list() -> None:
    strict = DockerSettings(any_digest=False, images=(f"alpine@{DIGEST}",))

    check_image(f"alpine@{DIGEST}", strict)
    with pytest.raises(ValueError, match="does not allow"):
        check_image(f"other@{DIGEST}", strict)


@pytest.mark.parametrize(
    ("reference", "registry"),
    [
        ("alpine", "docker.io"),
        ("team/alpine:1", "docker.io"),
        ("localhost/x", "localhost"),
        ("registry.example.com/x", "registry.example.com"),
        ("registry:5000/x", "registry:5000"),
    ],
)
def test_the_registry_is_read_from_the_name(reference: str, registry: str) -> None:
    assert registry == registry_of(reference)
