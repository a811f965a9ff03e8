"""The walls around a container, as they are asked of the engine."""

from typing import Any

import pytest

from stationmaster.domains.executions.containers.hardening import container_config, service_spec
from stationmaster.domains.executions.containers.work import ContainerWork, Limits
from stationmaster.setting_groups import DockerSettings

SETTINGS = DockerSettings(network="jobs", tmp_mb=32, file_mb=5, stop_grace=7)
LABELS = {"stationmaster.installation": "here"}


def work(**facts: Any) -> ContainerWork:
    limits = Limits(cpu=1.5, memory_mb=64, pids=20)
    return ContainerWork(**{"image": "a:1", "command": ["run", "a b"], "env": {"A": "b=c"}, "limits": limits, **facts})


def config(**facts: Any) -> dict[str, Any]:
    return container_config(work(**facts), image="sha256:x", labels=LABELS, settings=SETTINGS)


def service(**facts: Any) -> dict[str, Any]:
    return service_spec(work(**facts), name="n", network="closed", labels=LABELS, settings=SETTINGS)


def test_a_container_gets_what_was_asked_for_and_nothing_of_a_shell() -> None:
    made = config()

    assert ("sha256:x", ["run", "a b"], ["A=b=c"], LABELS) == tuple(
        made[name] for name in ("Image", "Cmd", "Env", "Labels")
    )
    assert config(command=[])["Cmd"] is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CapDrop", ["ALL"]),
        ("SecurityOpt", ["no-new-privileges:true"]),
        ("Privileged", False),
        ("ReadonlyRootfs", True),
        ("Init", True),
        ("Memory", 64 * 1024**2),
        ("MemorySwap", 64 * 1024**2),
        ("NanoCpus", 1_500_000_000),
        ("PidsLimit", 20),
        ("OomKillDisable", False),
        ("NetworkMode", "none"),
        ("IpcMode", "private"),
        ("RestartPolicy", {"Name": "no"}),
        ("AutoRemove", False),
        ("LogConfig", {"Type": "json-file", "Config": {"max-size": "512m", "max-file": "1"}}),
        ("Tmpfs", {"/tmp": "rw,noexec,nosuid,nodev,mode=1777,size=32m"}),
    ],
)
def test_a_container_is_shut_in(name: str, expected: object) -> None:
    assert expected == config()["HostConfig"][name]


def test_nothing_of_the_host_is_in_a_container() -> None:
    host = config()["HostConfig"]

    assert not {"Binds", "Devices", "PidMode", "UTSMode", "UsernsMode", "CapAdd", "VolumesFrom", "PortBindings"} & {
        *host
    }
    assert [("volume", None)] == [(mount["Type"], mount.get("Source")) for mount in host["Mounts"]]
    assert "65534:65534" == config()["User"]


def test_a_network_is_the_house_s_own() -> None:
    assert ("jobs", False) == (
        config(has_network=True)["HostConfig"]["NetworkMode"],
        config(has_network=True)["NetworkDisabled"],
    )


def test_a_program_may_open_and_write_only_so_much() -> None:
    limits = {each["Name"]: each["Hard"] for each in config()["HostConfig"]["Ulimits"]}

    assert {"core": 0, "nofile": 4096, "fsize": 5 * 1024**2} == limits


def test_a_service_has_the_same_walls() -> None:
    task = service()["TaskTemplate"]
    container = task["ContainerSpec"]

    assert (["ALL"], True, True, "65534:65534") == tuple(
        container[name] for name in ("CapabilityDrop", "ReadOnly", "Init", "User")
    )
    assert {"NoNewPrivileges": True} == container["Privileges"]
    assert {"tmpfs"} == {mount["Type"] for mount in container["Mounts"]}
    assert {"NanoCPUs": 1_500_000_000, "MemoryBytes": 64 * 1024**2, "Pids": 20} == task["Resources"]["Limits"]
    assert ([{"Target": "closed"}], {"Condition": "none"}) == (task["Networks"], task["RestartPolicy"])
    assert 7_000_000_000 == container["StopGracePeriod"]


def test_a_service_is_one_task_without_a_port() -> None:
    made = service(command=[])

    assert {"Replicated": {"Replicas": 1}} == made["Mode"]
    assert {"Mode": "dnsrr"} == made["EndpointSpec"]
    assert made["TaskTemplate"]["ContainerSpec"]["Args"] is None


def test_what_is_kept_free_decides_where_a_service_is_placed() -> None:
    reserved = Limits(cpu=1.5, memory_mb=64, pids=20, cpu_reservation=0.5, memory_reservation_mb=32)

    assert {} == service()["TaskTemplate"]["Resources"]["Reservations"]
    assert {"NanoCPUs": 500_000_000, "MemoryBytes": 32 * 1024**2} == (
        service(limits=reserved)["TaskTemplate"]["Resources"]["Reservations"]
    )
    assert 32 * 1024**2 == config(limits=reserved)["HostConfig"]["MemoryReservation"]
