"""Kubernetes CronJobs as jobs that run a container."""

import re
from typing import Any

from stationmaster.domains.jobs.transfer.document import load_yaml
from stationmaster.domains.jobs.transfer.movers.moved import CannotMove, Moved

OVERLAPS = {"Allow": "allow", "Forbid": "skip", "Replace": "replace"}
"""By concurrencyPolicy of the batch/v1 API."""
BACKOFF_LIMIT = 6
"""How often a Job of that API is tried again when it does not say."""
_CPU = re.compile(r"^(\d+(?:\.\d+)?)(m?)$")
_MEMORY = re.compile(r"^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|M|G|T)?$")
_UNITS = {None: 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_MEBIBYTE = 2**20


def move_cron_jobs(text: str) -> Moved:
    """Read one or more CronJobs, in several documents or in a list.

    Raises:
        CannotMove: there is none.
    """
    moved = Moved()
    try:
        documents = load_yaml(text)
    except ValueError as error:
        raise CannotMove(f"the text {error}") from error
    for one in documents:
        for resource in one.get("items", [one]) if isinstance(one, dict) else ():
            if isinstance(resource, dict) and resource.get("kind") == "CronJob":
                moved.take(_move(resource))
    if not moved.jobs:
        raise CannotMove("the text has no resource of the kind CronJob")
    return moved


def _move(resource: dict[str, Any]) -> Moved:
    name = str(_get(resource, "metadata", "name") or "cronjob")
    spec = _get(resource, "spec") or {}
    work = _get(spec, "jobTemplate", "spec") or {}
    containers = _get(work, "template", "spec", "containers") or []
    if not isinstance(spec.get("schedule"), str) or not containers or not isinstance(containers[0], dict):
        raise CannotMove(f"the CronJob {name!r} has no schedule or no container")
    moved = Moved()
    job: dict[str, Any] = {
        "name": name,
        "target": _describe(containers[0], name, moved),
        "schedules": [{"cron_expression": spec["schedule"], "timezone": str(spec.get("timeZone") or "UTC")}],
        "overlap": {"policy": OVERLAPS.get(str(spec.get("concurrencyPolicy")), "allow")},
        "retry": {"max_attempts": min(int(work.get("backoffLimit", BACKOFF_LIMIT)) + 1, 100)},
    }
    if spec.get("suspend") is True:
        job["is_active"] = False
    if spec.get("startingDeadlineSeconds"):
        job["misfire"] = {"policy": "last", "max_lateness_seconds": spec["startingDeadlineSeconds"]}
    if work.get("activeDeadlineSeconds"):
        job["timeout_seconds"] = work["activeDeadlineSeconds"]
    moved.jobs.append(job)
    moved.notes += _list_rest(name, spec, work, len(containers))
    return moved


def _list_rest(name: str, spec: dict[str, Any], work: dict[str, Any], container_count: int) -> list[str]:
    notes = []
    if not spec.get("timeZone"):
        notes.append(f"{name}: it names no time zone, and UTC is assumed; the cluster's own may be another.")
    if container_count > 1:
        notes.append(f"{name}: only the first of {container_count} containers is carried over.")
    pod = _get(work, "template", "spec") or {}
    left = [part for part in ("volumes", "initContainers", "serviceAccountName", "nodeSelector") if pod.get(part)]
    return [*notes, *([f"{name}: left out: {', '.join(left)}."] if left else [])]


def _describe(container: dict[str, Any], name: str, moved: Moved) -> dict[str, Any]:
    target: dict[str, Any] = {"type": "docker", "image": str(container.get("image", ""))}
    command = [str(word) for word in container.get("args") or []]
    if container.get("command"):
        moved.notes.append(f"{name}: `command` replaces the image's entry point there, and is its argument here.")
        command = [str(word) for word in container["command"]] + command
    if command:
        target["command"] = command
    env, secrets = _read_env(container, name, moved)
    target |= ({"env": env} if env else {}) | ({"secrets": secrets} if secrets else {})
    limits = _get(container, "resources", "limits") or {}
    if (cpu := _CPU.match(str(limits.get("cpu", "")))) is not None:
        target["cpu"] = float(cpu[1]) / (1000 if cpu[2] else 1)
    if (memory := _MEMORY.match(str(limits.get("memory", "")))) is not None:
        target["memory_mb"] = max(6, round(float(memory[1]) * _UNITS[memory[2]] / _MEBIBYTE))
    return target


def _read_env(container: dict[str, Any], name: str, moved: Moved) -> tuple[dict[str, str], list[str]]:
    env: dict[str, str] = {}
    secrets: list[str] = []
    for one in container.get("env") or []:
        variable = str(one.get("name"))
        if _get(one, "valueFrom", "secretKeyRef"):
            secrets.append(variable)
            moved.notes.append(f"{name}: store a secret named {variable}, and grant it to the job.")
        elif "valueFrom" in one:
            moved.notes.append(f"{name}: the variable {variable} is left out.")
        else:
            env[variable] = str(one.get("value", ""))
    if container.get("envFrom"):
        moved.notes.append(f"{name}: envFrom is left out.")
    return env, secrets


def _get(value: Any, *path: str) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value
