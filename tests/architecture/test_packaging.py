"""What is installed is what was declared: locks, image, compose file."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.source import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DECLARED = {
    "runtime.txt": PROJECT["project"]["dependencies"],
    "dev.txt": PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"],
    "build.txt": PROJECT["dependency-groups"]["build"],
}


def locked(lock: str) -> dict[str, Version]:
    """Read the versions a lock pins."""
    text = (ROOT / "requirements" / lock).read_text()
    pins = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;]+)", text, flags=re.MULTILINE)
    return {canonicalize_name(name): Version(version) for name, version in pins}


@pytest.mark.parametrize("lock", DECLARED)
def test_a_lock_pins_everything_that_is_declared(lock: str) -> None:
    pins = locked(lock)
    requirements = [Requirement(text) for text in DECLARED[lock]]
    missing = [
        each.name for each in requirements if pins.get(canonicalize_name(each.name), Version("0")) not in each.specifier
    ]

    assert missing == [], "run `make lock`"


def test_the_locks_agree() -> None:
    runtime, dev, build = (locked(lock) for lock in ("runtime.txt", "dev.txt", "build.txt"))

    assert {name: version for name, version in runtime.items() if dev.get(name) != version} == {}
    assert {name: version for name, version in build.items() if dev.get(name, version) != version} == {}


@pytest.mark.parametrize("lock", DECLARED)
def test_a_lock_has_hashes_and_no_addresses(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text()

    assert "://" not in text
    assert all("--hash=sha256:" in pin for pin in re.split(r"\n(?=\S)", text))


def test_the_compose_file_has_no_password_of_its_own() -> None:
    secrets = re.findall(r"(?:PASSWORD|SECRET_KEY|DATABASE_URL): (.+)", (ROOT / "compose.yaml").read_text())

    assert len(secrets) == 3
    assert all(re.search(r"\$\{[A-Z_]+:\?", value) for value in secrets)


def test_the_image_does_not_run_as_root() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()

    assert [line for line in lines if line.startswith("USER")] == ["USER 10001:10001"]
