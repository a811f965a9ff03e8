"""The command line that puts a command behind bubblewrap.

    unshare, sh: show the run's folder at /mnt       only when the service is root  ┐
    setpriv: another user, no privileges, dies with its parent                      │ one process, a child
    sh: waits at the gate                                                           │ of the service
    bwrap: namespaces                                                               ┘
    └─ bwrap: process 1 of them; builds the root, reaps
       └─ sh: waits at the inner gate, until process 1 is bound to its parent's life
          prlimit: limits that count inside the new user namespace; then the command

- The folder is shown elsewhere, in a mount namespace of its own, because it may lie where the other user cannot walk.
- Nothing stands between the service and the process that changes the user: the kernel sends the signal of a parent's death
  in the parent's name, and a parent without privileges may not signal another user's process (signal(7), kill(2)).
- What bubblewrap is told comes through a file descriptor, all but the command: command lines can be read by everybody on
  the machine, and the environment holds secrets.
- The number of processes is limited inside, because Linux counts it by user *and* namespace: runs do not take from each
  other's number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stationmaster.outbound.sandbox.order import MIB, Limits
from stationmaster.outbound.sandbox.paths import INPUT, INSIDE, SCRIPT, WORK

SYSTEM_FOLDERS = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32")
SYSTEM_FILES = ("/etc/alternatives", "/etc/ca-certificates", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d",
                "/etc/localtime", "/etc/mime.types", "/etc/ssl")  # fmt: skip
NETWORK_FILES = ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/services")
TEMPORARY_BYTES = 64 * MIB
SHOWN_AT = ("/mnt", "/media", "/srv", "/opt")
"""Folders that every Linux has, and in which a run may look for nothing unless the settings say so."""
INSIDE_ID = "65534"
OPEN_FILES = 256
ROOM_FACTOR, ROOM_BYTES = 4, 512 * MIB
"""One process may *reserve* more memory than all may use: reserving costs nothing, and what is used is watched."""

SHOW = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
GATE = 'read -r word && [ "$word" = go ] || exit 125; exec "$@"'
INNER_GATE = 'read -r word && [ "$word" = run ] || exit 125; exec "$@" </dev/null'
"""Wait for the service's word; a service that dies before says nothing. Nothing of the run is in these texts."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs that it takes, by absolute path."""

    bwrap: str
    setpriv: str
    prlimit: str
    unshare: str
    sh: str = "/bin/sh"


def outer_command(
    tools: Tools,
    folder: Path,
    command: Sequence[str],
    *,
    user_id: int | None,
    shown_at: str,
    limits: Limits,
    arguments: int,
    status: int,
) -> list[str]:
    """Return what the service starts; `arguments` and `status` are file descriptors of bubblewrap."""
    limited = [tools.sh, "-c", INNER_GATE, "sh", tools.prlimit, *limit_options(limits), "--", *command]
    inner = [tools.bwrap, "--json-status-fd", str(status), "--args", str(arguments), "--", *limited]
    gated = [tools.sh, "-c", GATE, "sh", *inner]
    if user_id is None:
        return [*drop_privileges(tools), *gated]
    shown = [tools.unshare, "--mount", "--", tools.sh, "-c", SHOW, "sh", str(folder), shown_at]
    return [*shown, *drop_privileges(tools, user_id), *gated]


def place_beside(read_only: Sequence[str]) -> str:
    """Return where the run's folder can be shown without hiding what the run may read."""
    taken = [Path(each) for each in read_only]
    free = (each for each in SHOWN_AT if Path(each).is_dir() and not any(path.is_relative_to(each) for path in taken))
    return next(free, SHOWN_AT[0])


def drop_privileges(tools: Tools, user_id: int | None = None) -> list[str]:
    """Return the start of a command line under which the rest may do less, and dies with its parent."""
    change = [f"--reuid={user_id}", f"--regid={user_id}", "--clear-groups", "--bounding-set=-all"] if user_id else []
    return [tools.setpriv, *change, "--inh-caps=-all", "--no-new-privs", "--pdeathsig", "KILL", "--"]


def inner_arguments(
    folder: Path,
    *,
    environment: Mapping[str, str],
    read_only: Sequence[str],
    has_network: bool,
    seccomp: int | None,
) -> bytes:
    """Return what bubblewrap reads from its descriptor. `folder` is where it finds the run's folder."""
    words = [
        "--unshare-user", "--unshare-all", "--disable-userns", "--die-with-parent", "--new-session",
        "--cap-drop", "ALL", "--uid", INSIDE_ID, "--gid", INSIDE_ID, "--hostname", "sandbox",
        *(("--share-net",) if has_network else ()),
        *(("--seccomp", str(seccomp)) if seccomp is not None else ()),
        *_environment(environment),
        *_root(read_only, has_network=has_network),
        *_folders(folder),
        "--remount-ro", "/", "--chdir", str(INSIDE.work),
    ]  # fmt: skip
    return b"\0".join(word.encode(errors="surrogateescape") for word in words)


def _environment(environment: Mapping[str, str]) -> list[str]:
    return ["--clearenv", *(word for pair in environment.items() for word in ("--setenv", *pair))]


def _root(read_only: Sequence[str], *, has_network: bool) -> list[str]:
    """Return the mounts of a root that shows programs and libraries, and nothing that belongs to anybody."""
    size = ("--size", str(TEMPORARY_BYTES), "--tmpfs")
    own = ("--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev", *size, "/dev/shm", *size, "/tmp")  # noqa: S108
    return [*_system(has_network=has_network), *own, *_shown(read_only)]


def _system(*, has_network: bool) -> list[str]:
    words = ["--dir", "/etc"]  # folders that only lead to a mount would be shut to others
    for name in SYSTEM_FOLDERS:
        path = Path("/", name)
        if path.is_symlink():
            words += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            words += ["--ro-bind", str(path), str(path)]
    for file in (*SYSTEM_FILES, *(NETWORK_FILES if has_network else ())):
        words += ["--ro-bind-try", file, file]
    return words


def _shown(folders: Sequence[str]) -> list[str]:
    words: list[str] = []
    for folder in folders:
        for above in [*Path(folder).parents][-2::-1]:
            words += ["--dir", str(above)]
        words += ["--ro-bind", folder, folder]
    return words


def _folders(folder: Path) -> list[str]:
    binds = (("--bind", WORK, INSIDE.work), ("--ro-bind", SCRIPT, INSIDE.script), ("--ro-bind", INPUT, INSIDE.input))
    accounts = [word for name in ("passwd", "group") for word in ("--ro-bind", str(folder / name), f"/etc/{name}")]
    return [*(word for how, name, path in binds for word in (how, str(folder / name), str(path))), *accounts]


def limit_options(limits: Limits) -> list[str]:
    """Return the options of prlimit(1); each is soft and hard at once."""
    cpu = limits.cpu_seconds
    return [
        f"--cpu={cpu}:{cpu + 1}",  # SIGXCPU at the first, SIGKILL at the second
        f"--data={limits.memory_bytes * ROOM_FACTOR + ROOM_BYTES}",
        f"--nproc={limits.processes}",
        f"--fsize={limits.file_bytes}",
        f"--nofile={OPEN_FILES}",
        "--core=0",
        "--memlock=0",
        "--msgqueue=0",
    ]
