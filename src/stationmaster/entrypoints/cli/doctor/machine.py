"""The machine: folder, disk, open files, zone data, port, Docker engine, sandbox."""

import os
import resource
import shutil
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

from stationmaster.config import Settings
from stationmaster.entrypoints.cli import serving
from stationmaster.entrypoints.cli.doctor.finding import Diagnosis
from stationmaster.entrypoints.cli.terminal import Refusal
from stationmaster.entrypoints.health import ask_engine
from stationmaster.kit.zone import zone_names
from stationmaster.outbound.docker.engine import open_engine
from stationmaster.outbound.sandbox.opening import open_sandbox
from stationmaster.outbound.sandbox.protection import Level
from stationmaster.setting_groups import DockerSettings

GIB = 1024**3
DISK_WARNING_BYTES = GIB
DISK_PROBLEM_BYTES = GIB // 10
FILES_BESIDE_WORK = 128
"""Descriptors for clients, the database, logs and libraries, beside one for each attempt in flight."""
NETWORK_FILE_SYSTEMS = frozenset(
    {
        "9p", "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs",
        "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs",
    }
)  # fmt: skip
"""On these, SQLite's locks do not hold between machines."""


def examine_folder(settings: Settings, *, mounts: Path = Path("/proc/self/mountinfo")) -> Diagnosis:
    """Look whether DATA_DIR, or the folder it will be made in, can be written, and is no share for SQLite."""
    name, folder = "data folder", settings.data_dir.absolute()
    there = _nearest(folder)
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        advice = "Give it to this user, or set STATIONMASTER_DATA_DIR."
        return Diagnosis.problem(name, f"{there} cannot be written.", advice)
    kind = _file_system_of(there.resolve(), mounts)
    if settings.is_sqlite and kind in NETWORK_FILE_SYSTEMS:
        advice = "Set STATIONMASTER_DATA_DIR to a local disk, or use PostgreSQL: SQLite's locks fail over a network."
        return Diagnosis.problem(name, f"{folder} is on a network file system ({kind}).", advice)
    text = f"{folder} can be written" if there == folder else f"{folder} will be made at the first start"
    return Diagnosis.ok(name, f"{text} ({kind or 'file system unknown'}).")


def _nearest(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _file_system_of(folder: Path, mounts: Path) -> str | None:
    """Name the type of file system, from what Linux says of its mounts (proc(5)); None elsewhere."""
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return None
    # "36 35 98:0 /root /mount/point options ... - type source ..."; the last one wins where several are stacked.
    found = [(line.split()[4].replace(r"\040", " "), line.partition(" - ")[2].split()[0]) for line in lines]
    over = [(len(point), kind) for point, kind in found if folder.is_relative_to(point)]
    return max(over, key=lambda each: each[0], default=(0, None))[1]


def examine_disk(settings: Settings) -> Diagnosis:
    """Look how much room is left for the database, or for what else is kept in DATA_DIR."""
    free = shutil.disk_usage(_nearest(settings.data_dir.absolute())).free
    text = f"{free / GIB:.1f} GiB free."
    advice = "Make room: a full disk stops the service from recording what it does."
    if free < DISK_PROBLEM_BYTES:
        return Diagnosis.problem("disk", text, advice)
    return Diagnosis.warning("disk", text, advice) if free < DISK_WARNING_BYTES else Diagnosis.ok("disk", text)


def examine_open_files(settings: Settings) -> Diagnosis:
    """Compare the limit of open files with what the runner may need."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = settings.runner.concurrency + FILES_BESIDE_WORK
    text = f"Limit {soft}; up to {needed} are needed."
    if soft != resource.RLIM_INFINITY and soft < needed:
        advice = "Raise it (`ulimit -n`, LimitNOFILE=), or lower STATIONMASTER_RUNNER__CONCURRENCY."
        return Diagnosis.problem("open files", text, advice)
    return Diagnosis.ok("open files", text)


def examine_zones(settings: Settings) -> Diagnosis:
    """Say which zone data is used: all replicas need the same, or they plan differently."""
    count, version = len(zone_names()), metadata.version("tzdata")
    if settings.scheduler_timezone not in zone_names():
        text = f"tzdata {version} does not know {settings.scheduler_timezone}."
        return Diagnosis.problem("zone data", text, "Set STATIONMASTER_SCHEDULER_TIMEZONE to an IANA name.")
    return Diagnosis.ok("zone data", f"tzdata {version}, {count} zones.")


def examine_port(host: str, port: int) -> Diagnosis:
    """Look whether the port is free; it is not while the service runs."""
    try:
        with serving.bind(host, port):
            return Diagnosis.ok("port", f"{port} on {host} is free.")
    except Refusal as refusal:
        return Diagnosis.warning("port", str(refusal), "Fine if that is Stationmaster itself.")


async def examine_docker(settings: DockerSettings) -> Diagnosis:
    """Ask the Docker engine what it is, and whether it can put up all walls around containers."""
    if not settings.enabled:
        return Diagnosis.ok("docker", "Switched off: no work in containers.")
    try:
        async with open_engine(settings.url, settings.tls_dir) as engine:
            report = await ask_engine(engine)
    except ValueError as error:
        return Diagnosis.problem("docker", f"{error}.", "Correct STATIONMASTER_DOCKER__URL and __TLS_DIR.")
    if report is None:
        advice = (
            "Needed for work in containers only: start the engine, or let this user reach its socket (DOCKER_HOST)."
        )
        return Diagnosis.warning("docker", "No engine answers.", advice)
    text = f"Engine {report.version} answers"
    if settings.mode == "swarm" and not report.is_manager:
        advice = "Run `docker swarm init` on it, or name a manager's engine in STATIONMASTER_DOCKER__URL."
        return Diagnosis.warning("docker", f"{text}, and manages no swarm.", advice)
    if report.missing:
        advice = "Containers run without it: let the kernel offer it, or trust all that runs there."
        return Diagnosis.warning("docker", f"{text}, and lacks {', '.join(report.missing)}.", advice)
    return Diagnosis.ok("docker", f"{text}.")


async def examine_sandbox(settings: Settings) -> Diagnosis:
    """Try what wall can be put around scripts here, in a folder of its own that is removed again."""
    advice = "Needed for scripts without a container only: install bubblewrap, and allow unprivileged user namespaces."
    with TemporaryDirectory(prefix="stationmaster-doctor-") as folder:
        os.chmod(folder, 0o711)  # noqa: PTH101, S103  # for the other user of scripts, where there is one
        async with open_sandbox(settings.sandbox, Path(folder)) as sandbox:
            protection = await sandbox.protection()
    match protection.level:
        case Level.FULL:
            return Diagnosis.ok("sandbox", protection.text)
        case Level.REDUCED:
            return Diagnosis.warning("sandbox", f"Scripts run as plain processes. {protection.text}", advice)
        case Level.NONE:
            return Diagnosis.warning("sandbox", f"Scripts do not run here. {protection.text}", advice)
