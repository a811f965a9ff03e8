"""What a hostile program tries from inside a container, and none of it gets through.

That the attempts are real is shown by the same ones in a container without walls: there most of them do get through.
"""

import os
from collections.abc import Iterable

import pytest

from stationmaster.domains.executions.states import State
from stationmaster.outbound.docker.engine import Engine
from tests.support.containers import house, make_attempt
from tests.support.docker import IMAGE, NEEDS_DOCKER, DockerServer

pytestmark = [NEEDS_DOCKER, pytest.mark.timeout(120)]

ATTEMPTS = {
    "be root": '[ "$(id -u)" = 0 ]',
    "become root by a set-uid program": "grep -q 'NoNewPrivs:[^1]*0' /proc/self/status",
    "write to the root": "touch /evil",
    "replace a program": "cp /bin/busybox /bin/sleep2",
    "change who users are": "echo evil::0:0::/:/bin/sh >> /etc/passwd",
    "mount a file system": "mkdir -p /tmp/m && mount -t tmpfs none /tmp/m",
    "mount the host's processes": "mkdir -p /tmp/p && mount -t proc none /tmp/p",
    "make the host's disk": "mknod /tmp/disk b 259 0",
    "make the memory device": "mknod /tmp/mem c 1 1",
    "see a process of the host": "kill -0 PID",
    "see the engine": "ps -o args | grep -q '[d]ockerd'",
    "use the engine's socket": "ls /var/run/docker.sock /run/docker.sock 2>/dev/null | grep -q sock",
    "have a network card": "ip -o link | grep -qv ' lo:'",
    "reach another machine": "ip route | grep -q .",
    "open a raw socket": "ping -c 1 -W 1 127.0.0.1",
    "enter the host's namespaces": "nsenter -t 1 -m -u -n -p -- true",
    "make a namespace of its own": "unshare -m true",
    "become root in a user namespace": 'unshare -U -r true && [ "$(unshare -U -r id -u)" = 0 ]',
    "change its root": "chroot /bin /busybox true",
    "change the host's kernel": "echo 1 > /proc/sys/kernel/panic_on_oops",
    "press the host's keys": "[ -w /proc/sysrq-trigger ] && : > /proc/sysrq-trigger",
    "read the kernel's memory": "head -c 4096 /proc/kcore | grep -q .",
    "read the kernel's log": "dmesg | grep -q .",
    "set the clock": 'test -z "$(date -s "$(date +%H:%M:%S)" 2>&1 >/dev/null)"',
    "rename the machine": 'hostname "$(hostname)"',
    "give files away": "touch /tmp/f && chown 0 /tmp/f",
    "lift its own limits": "ulimit -n 5000",
    "write to its control group": "touch /sys/fs/cgroup/memory/evil || mkdir /sys/fs/cgroup/memory/evil",
    "run what it wrote": "cp /bin/busybox /tmp/busybox && chmod +x /tmp/busybox && /tmp/busybox true",
    "fill the disk": 'dd if=/dev/zero of="$OUTPUT_DIR"/big bs=1M count=3',
    "leave evidence in its inputs": "echo x > /stationmaster/inputs/params.json",
}
NOT_ELSEWHERE = {
    "use the engine's socket", "see a process of the host", "have a network card", "reach another machine", "fill the disk",
    "leave evidence in its inputs", "see the engine", "read the kernel's memory", "become root in a user namespace",
    "write to its control group", "set the clock", "change the host's kernel", "press the host's keys", "lift its own limits",
}  # fmt: skip
"""What would really harm this machine, or depends on more than the walls."""
OPEN = ("--network=none", "--cap-add=ALL", "--cap-drop=SYS_RESOURCE", "--security-opt=seccomp=unconfined")
"""All that an engine can give away, but the one capability that itself may not have inside a sandbox of CI."""


def script(names: Iterable[str]) -> str:
    """Write a program that makes attempts, and tells of each that it was made, and before that whether it got through."""
    return "\n".join(_try(name, ATTEMPTS[name].replace("PID", str(os.getpid()))) for name in names)


def _try(name: str, attempt: str) -> str:
    return f'if ( {attempt} ) >/dev/null 2>&1; then echo "ESCAPED {name}"; fi; echo "tried {name}"'


async def test_no_attempt_gets_out(engine: Engine) -> None:
    attempt = make_attempt(engine, "sh", "-c", script(ATTEMPTS), settings=house(file_mb=2))
    outcome = await attempt.run()

    assert State.SUCCEEDED is outcome.state
    assert [f"tried {name}" for name in ATTEMPTS] == [line for line in attempt.said if line.startswith(("tr", "ES"))]


def test_where_there_are_no_walls_they_would(docker_server: DockerServer) -> None:
    """Keep the attempts honest: they succeed in a container that may do everything."""
    names = [name for name in ATTEMPTS if name not in NOT_ELSEWHERE]
    said = docker_server.call("run", "--rm", *OPEN, IMAGE, "sh", "-c", script(names)).stdout.decode().splitlines()

    assert [line for name in names for line in (f"ESCAPED {name}", f"tried {name}")] == said


async def test_a_fork_bomb_ends_at_its_limit(engine: Engine) -> None:
    bomb = "for i in $(seq 100); do sleep 20 & done"
    attempt = make_attempt(engine, "sh", "-c", bomb, pids=20, timeout_seconds=30)
    await attempt.run()

    assert "can't fork" in " ".join(attempt.said)
