"""The configuration of containers and services: what is asked for, within walls that nobody can ask away.

No capabilities, no new privileges, a read-only root with a small `/tmp`, a user that is not root, its own process and IPC
namespaces, limits on processes, memory (no swap), processor, open files and file size, a reaper of zombies as its first
process, the engine's own seccomp profile, no restart, a capped log; no network unless granted; never the engine's socket,
nor anything else of the host.
"""

from collections.abc import Mapping
from typing import Any

from stationmaster.domains.executions.containers.work import HOME, ContainerWork, Limits
from stationmaster.setting_groups import DockerSettings

MIB = 1024**2
NANO = 1_000_000_000
OPEN_FILES = 4096
LOG_DRIVER = "json-file"
NO_NETWORK = "none"


def container_config(
    work: ContainerWork, *, image: str, labels: Mapping[str, str], settings: DockerSettings
) -> dict[str, Any]:
    """Return the body of "Create a container" (Engine API); `image` is the id of the one that was looked at."""
    return {
        "Image": image,
        "Cmd": list(work.command) or None,
        "Env": [f"{name}={value}" for name, value in work.env.items()],
        "User": f"{settings.uid}:{settings.uid}",
        "Labels": dict(labels),
        "Tty": False,
        "OpenStdin": False,
        "NetworkDisabled": not work.has_network,
        "HostConfig": _host_config(work, settings),
    }


def _host_config(work: ContainerWork, settings: DockerSettings) -> dict[str, Any]:
    return {
        **_limits(work.limits),
        "Init": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "Privileged": False,
        "ReadonlyRootfs": True,
        "Tmpfs": {"/tmp": f"rw,noexec,nosuid,nodev,mode=1777,size={settings.tmp_mb}m"},  # noqa: S108  # in the container
        "Mounts": [{"Type": "volume", "Target": HOME, "VolumeOptions": {"NoCopy": True}}],
        "NetworkMode": settings.network if work.has_network else NO_NETWORK,
        "IpcMode": "private",
        "RestartPolicy": {"Name": "no"},
        "AutoRemove": False,
        "LogConfig": {"Type": LOG_DRIVER, "Config": _log_options(settings)},
        "Ulimits": _ulimits(settings),
        "Runtime": settings.runtime or None,
    }


def _limits(limits: Limits) -> dict[str, Any]:
    memory = limits.memory_mb * MIB
    return {
        "Memory": memory,
        "MemorySwap": memory,
        "MemoryReservation": limits.memory_reservation_mb * MIB,
        "NanoCpus": int(limits.cpu * NANO),
        "PidsLimit": limits.pids,
        "OomKillDisable": False,
    }


def _log_options(settings: DockerSettings) -> dict[str, str]:
    """Cap the engine's own log in one file: a follower that is behind loses what is rotated away."""
    return {"max-size": f"{settings.log_mb}m", "max-file": "1"}


def _ulimits(settings: DockerSettings) -> list[dict[str, Any]]:
    limits = {"core": 0, "nofile": OPEN_FILES, "fsize": settings.file_mb * MIB}
    return [{"Name": name, "Soft": value, "Hard": value} for name, value in limits.items()]


def service_spec(
    work: ContainerWork, *, name: str, network: str, labels: Mapping[str, str], settings: DockerSettings
) -> dict[str, Any]:
    """Return the body of "Create a service" (Engine API).

    What services cannot have: a network of none (theirs leads nowhere), and, before API 1.44, no-new-privileges; without
    capabilities and as a user that is not root a set-uid program is the one thing that could still raise itself.
    """
    return {
        "Name": name,
        "Labels": dict(labels),
        "TaskTemplate": {
            "ContainerSpec": _container_spec(work, labels, settings),
            "Resources": _resources(work.limits),
            "RestartPolicy": {"Condition": "none"},
            "LogDriver": {"Name": LOG_DRIVER, "Options": _log_options(settings)},
            "Networks": [{"Target": network}],
        },
        "Mode": {"Replicated": {"Replicas": 1}},
        "EndpointSpec": {"Mode": "dnsrr"},
    }


def _container_spec(work: ContainerWork, labels: Mapping[str, str], settings: DockerSettings) -> dict[str, Any]:
    return {
        "Image": work.image,
        "Args": list(work.command) or None,
        "Env": [f"{name}={value}" for name, value in work.env.items()],
        "User": f"{settings.uid}:{settings.uid}",
        "Labels": dict(labels),
        "Init": True,
        "ReadOnly": True,
        "CapabilityDrop": ["ALL"],
        "Privileges": {"NoNewPrivileges": True},
        "Mounts": [_tmpfs("/tmp", settings), _tmpfs(HOME, settings)],  # noqa: S108  # in the container
        "Ulimits": _ulimits(settings),
        "StopGracePeriod": int(settings.stop_grace.total_seconds() * NANO),
    }


def _tmpfs(target: str, settings: DockerSettings) -> dict[str, Any]:
    return {"Type": "tmpfs", "Target": target, "TmpfsOptions": {"SizeBytes": settings.tmp_mb * MIB, "Mode": 0o1777}}


def _resources(limits: Limits) -> dict[str, Any]:
    used = {"NanoCPUs": int(limits.cpu * NANO), "MemoryBytes": limits.memory_mb * MIB}
    kept = {"NanoCPUs": int(limits.cpu_reservation * NANO), "MemoryBytes": limits.memory_reservation_mb * MIB}
    return {
        "Limits": {**used, "Pids": limits.pids},
        "Reservations": {name: value for name, value in kept.items() if value},
    }
