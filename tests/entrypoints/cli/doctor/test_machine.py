"""Examinations of the machine, each on a healthy one and on a sick one."""

import asyncio
import json
import resource
import shutil
import socket
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from stationmaster.config import RunnerSettings, Settings
from stationmaster.entrypoints.cli.doctor import machine
from stationmaster.entrypoints.cli.doctor.finding import Diagnosis, Status
from stationmaster.entrypoints.cli.serving import port_of
from stationmaster.setting_groups import DockerSettings, SandboxSettings

MOUNTS = """\
22 1 259:1 / / rw,relatime shared:1 - ext4 /dev/root rw
36 22 0:40 / {folder} rw,relatime shared:20 master:1 - {kind} somewhere:/export rw
"""
Usage = namedtuple("Usage", "total used free")


def make_settings(folder: Path, **values: object) -> Settings:
    return Settings(_env_file=None, data_dir=folder, **values)  # type: ignore[arg-type]


def mounted(tmp_path: Path, kind: str) -> Path:
    """Write what Linux says when a folder is on a file system of this kind."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS.format(folder=tmp_path, kind=kind))
    return mounts


@pytest.mark.parametrize("name", ["", "to/be/made"])
def test_a_folder_that_can_be_written_is_fine(tmp_path: Path, name: str) -> None:
    diagnosis = machine.examine_folder(make_settings(tmp_path / name), mounts=mounted(tmp_path, "xfs"))

    assert (Status.OK, True) == (diagnosis.status, "(xfs)" in diagnosis.text)
    assert bool(name) == ("will be made" in diagnosis.text)


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_sqlite_on_a_network_share_is_a_problem(tmp_path: Path, kind: str) -> None:
    diagnosis = machine.examine_folder(make_settings(tmp_path), mounts=mounted(tmp_path, kind))

    assert (Status.PROBLEM, True) == (diagnosis.status, kind in diagnosis.text)


def test_a_network_share_is_fine_for_postgresql(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, database_url="postgresql+asyncpg://localhost/x")

    assert Status.OK is machine.examine_folder(settings, mounts=mounted(tmp_path, "nfs4")).status


def test_a_folder_below_a_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert Status.PROBLEM is machine.examine_folder(make_settings(tmp_path / "file" / "data")).status


def test_a_machine_that_tells_no_mounts_is_taken_as_it_is(tmp_path: Path) -> None:
    diagnosis = machine.examine_folder(make_settings(tmp_path), mounts=tmp_path / "not there")

    assert (Status.OK, True) == (diagnosis.status, "unknown" in diagnosis.text)


@pytest.mark.parametrize(
    ("free", "expected"), [(2**40, Status.OK), (5 * 10**8, Status.WARNING), (10**7, Status.PROBLEM)]
)
def test_the_disk_is_judged_by_what_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, expected: Status
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(2**41, 0, free))

    assert expected is machine.examine_disk(make_settings(tmp_path)).status


@pytest.mark.parametrize(("concurrency", "expected"), [(1, Status.OK), (10_000, Status.PROBLEM)])
def test_open_files_are_compared_with_the_work(tmp_path: Path, concurrency: int, expected: Status) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, limits[1]))
    try:
        settings = make_settings(tmp_path, runner=RunnerSettings(concurrency=concurrency))
        assert expected is machine.examine_open_files(settings).status
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_zone_data_is_named(tmp_path: Path) -> None:
    diagnosis = machine.examine_zones(make_settings(tmp_path, scheduler_timezone="Europe/Berlin"))

    assert (Status.OK, True) == (diagnosis.status, diagnosis.text.startswith("tzdata 20"))


def test_a_zone_that_only_this_machine_knows_is_a_problem(tmp_path: Path) -> None:
    settings = make_settings(tmp_path).model_copy(update={"scheduler_timezone": "Etc/Nowhere"})

    assert Status.PROBLEM is machine.examine_zones(settings).status


def test_a_port_that_is_taken_is_a_warning() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = machine.examine_port("127.0.0.1", port_of(listener))

    assert (Status.WARNING, Status.OK) == (taken.status, machine.examine_port("127.0.0.1", 0).status)


LIMITS = {"MemoryLimit": True, "PidsLimit": True, "SecurityOptions": ["name=seccomp,profile=default"]}


@pytest.mark.parametrize(
    ("info", "settings", "expected", "words"),
    [
        (LIMITS, {}, Status.OK, "Engine 24 answers."),
        ({**LIMITS, "PidsLimit": False}, {}, Status.WARNING, "lacks a limit of processes"),
        ({**LIMITS, "SecurityOptions": []}, {}, Status.WARNING, "seccomp"),
        (LIMITS, {"mode": "swarm"}, Status.WARNING, "manages no swarm"),
        ({**LIMITS, "Swarm": {"ControlAvailable": True}}, {"mode": "swarm"}, Status.OK, "answers"),
    ],
)
async def test_the_engine_is_asked_what_it_can(
    info: dict[str, object], settings: dict[str, Any], expected: Status, words: str
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps({"ApiVersion": "1.43", "ID": "x", "ServerVersion": "24", **info}).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        writer.write(head % len(body) + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        diagnosis = await machine.examine_docker(DockerSettings(url=url, **settings))

    assert expected is diagnosis.status
    assert words in diagnosis.text


async def test_no_engine_is_a_warning() -> None:
    diagnosis = await machine.examine_docker(DockerSettings(url="unix:///nowhere/docker.sock"))

    assert (Status.WARNING, True) == (diagnosis.status, bool(diagnosis.advice))


async def test_an_engine_that_is_switched_off_is_fine() -> None:
    assert Status.OK is (await machine.examine_docker(DockerSettings(enabled=False))).status


async def test_certificates_that_cannot_be_read_are_a_problem(tmp_path: Path) -> None:
    diagnosis = await machine.examine_docker(DockerSettings(url="tcp://127.0.0.1:1", tls_dir=tmp_path))

    assert Status.PROBLEM is diagnosis.status


@pytest.fixture
def broken_bubblewrap(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put a bubblewrap before the machine's that complains and does nothing; in a folder that every user can walk to."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        program = Path(folder) / "bwrap"
        program.write_text("#!/bin/sh\necho No permissions >&2; exit 1\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", folder)
        yield


async def examine_sandbox(folder: Path, **values: object) -> Diagnosis:
    return await machine.examine_sandbox(make_settings(folder, sandbox=SandboxSettings.model_validate(values)))


async def test_a_sandbox_that_works_is_fine(tmp_path: Path) -> None:
    assert Diagnosis.ok("sandbox", "bubblewrap works.") == await examine_sandbox(tmp_path)


@pytest.mark.usefixtures("broken_bubblewrap")
async def test_a_sandbox_that_fails_is_a_warning(tmp_path: Path) -> None:
    diagnosis = await examine_sandbox(tmp_path, mode="require")

    assert (Status.WARNING, True, True) == (
        diagnosis.status,
        diagnosis.text.startswith("Scripts do not run here."),
        "No permissions" in diagnosis.text,
    )


async def test_scripts_without_a_wall_are_a_warning(tmp_path: Path) -> None:
    diagnosis = await examine_sandbox(tmp_path, mode="off")

    assert (Status.WARNING, True) == (diagnosis.status, "plain processes" in diagnosis.text)
