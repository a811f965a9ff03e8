"""Control groups: what is written where, on a folder that looks like one, and on the kernel's own where there is one."""

import subprocess
from pathlib import Path

import pytest

from stationmaster.outbound.sandbox.control_group import make_group
from stationmaster.outbound.sandbox.meter import processes_under
from stationmaster.outbound.sandbox.opening import open_sandbox
from stationmaster.outbound.sandbox.order import MIB, Cause, Limits
from stationmaster.setting_groups import SandboxSettings
from tests.outbound.sandbox.running import LIMITS, run, shell


@pytest.fixture
def group_folder(tmp_path: Path) -> Path:
    """Give a folder like that of a group with the controllers memory and cpu, and one child."""
    (tmp_path / "cgroup.subtree_control").touch()
    child = tmp_path / "execution-1-1"
    child.mkdir()
    (child / "cgroup.controllers").write_text("memory cpu\n")
    names = ("memory.max", "memory.swap.max", "memory.oom.group", "pids.max", "cpu.max", "cgroup.procs", "cgroup.kill")
    for name in names:
        (child / name).write_text("")
    return tmp_path


def test_limits_are_set_where_there_is_a_controller(group_folder: Path) -> None:
    make_group(group_folder, "execution-1-1", Limits(memory_bytes=99 * MIB, cpus=1.5, processes=7))

    child = group_folder / "execution-1-1"
    assert (str(99 * MIB), "0", "1") == tuple(
        (child / f"memory.{name}").read_text() for name in ("max", "swap.max", "oom.group")
    )
    assert ("150000", "") == ((child / "cpu.max").read_text(), (child / "pids.max").read_text())


@pytest.mark.parametrize(("events", "expected"), [("low 0\noom_kill 0\n", False), ("oom 2\noom_kill 1\n", True)])
def test_the_kernel_tells_of_memory_that_was_used_up(group_folder: Path, events: str, expected: bool) -> None:
    group = make_group(group_folder, "execution-1-1", Limits())
    assert not group.has_run_out_of_memory
    (group.folder / "memory.events").write_text(events)

    assert expected == group.has_run_out_of_memory


def test_processes_below_are_found() -> None:
    with subprocess.Popen(["/bin/sh", "-c", "sleep 50 & sleep 50 & read x"], stdin=subprocess.PIPE) as shell_:
        try:
            while len(found := processes_under(shell_.pid)) < 3:
                pass
            assert shell_.pid == found[0]
        finally:
            for pid in processes_under(shell_.pid)[1:]:
                subprocess.run(["kill", str(pid)], check=False)
            shell_.kill()


def own_groups() -> Path | None:
    """Return the folder of cgroup v2 on this machine, if it is one that a group can be made in."""
    for mount in (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup")):
        if (mount / "cgroup.procs").exists() and (mount / "cgroup.subtree_control").exists():
            return mount
    return None


async def test_a_run_lives_in_its_group(folder: Path, tmp_path: Path) -> None:
    parent = own_groups()
    try:
        assert parent is not None
        (parent / "stationmaster-test").mkdir(exist_ok=True)
    except (AssertionError, OSError):
        # No group can be made here: then a run that should have one is not started, and says so.
        settings = SandboxSettings(mode="require", control_group=tmp_path / "not there")
        async with open_sandbox(settings, folder / "grouped") as sandbox:
            assert "could not be made" in (await sandbox.protection()).text
        return
    settings = SandboxSettings(mode="require", control_group=parent / "stationmaster-test")
    try:
        async with open_sandbox(settings, folder / "grouped") as sandbox:
            ended = await run(sandbox, shell("cat /proc/self/cgroup", limits=LIMITS))
        left = [path for path in (parent / "stationmaster-test").iterdir() if path.is_dir()]
    finally:
        (parent / "stationmaster-test").rmdir()

    assert (Cause.EXITED, []) == (ended.end.cause, left)


async def test_a_group_that_cannot_be_made_stops_the_run(folder: Path, tmp_path: Path) -> None:
    settings = SandboxSettings(mode="require", control_group=tmp_path / "not there")
    async with open_sandbox(settings, folder / "groupless") as sandbox:
        assert "could not be made: No such file or directory" in (await sandbox.protection()).text
