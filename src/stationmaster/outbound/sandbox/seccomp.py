"""System calls that a run may not make: doors into the kernel that namespaces leave open.

A classic BPF program as seccomp(2) and bubblewrap's `--seccomp` take it: a call on the list fails with EPERM, all others
pass; calls by another architecture's numbers end the process. Numbers are of the kernel's own tables
(arch/x86/entry/syscalls/syscall_64.tbl; include/uapi/asm-generic/unistd.h for arm64).
"""

import platform
import struct

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""AUDIT_ARCH_* by name of the machine, in the order of the columns below."""
DENIED: dict[str, tuple[int | None, int | None]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "lookup_dcookie": (212, 18),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "shmget": (29, 194),  # memory that nobody's size shows; POSIX shared memory has a file system with a limit
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vhangup": (153, 58),
}
CONDITIONAL: tuple[tuple[tuple[int, int], int, tuple[int, ...]], ...] = (
    ((16, 29), 1, (0x5412, 0x541C)),  # ioctl: TIOCSTI and TIOCLINUX type for somebody else at a terminal
    ((41, 198), 0, (38, 40)),  # socket: AF_ALG and AF_VSOCK belong to no network namespace
)
"""System calls by number, and the values of one of their arguments with which they are refused."""
_X32_BIT = 0x40000000

_LOAD, _JUMP, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x05, 0x15, 0x35, 0x06
_KILL, _PASS, _REFUSE = 0x80000000, 0x7FFF0000, 0x00050001  # SECCOMP_RET_KILL_PROCESS, _ALLOW, _ERRNO | EPERM
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16  # struct seccomp_data; arguments are 8 bytes, little endian

_Step = tuple[int, int, int, int]  # code, steps left out if true, if false, value


def refusals(machine: str = platform.machine()) -> bytes | None:
    """Return the program for this machine; None where its numbers are not known."""
    if machine not in ARCHITECTURES:
        return None
    column = list(ARCHITECTURES).index(machine)
    denied = [number for numbers in DENIED.values() if (number := numbers[column]) is not None]
    conditions = [step for rule in CONDITIONAL for step in _condition(rule[0][column], *rule[1:])]
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, len(denied) + 1, 0, _X32_BIT),
        *((_EQUAL, len(denied) - index, 0, number) for index, number in enumerate(denied)),
        (_JUMP, 0, 0, 1),
        (_RETURN, 0, 0, _REFUSE),
        *conditions,
        (_RETURN, 0, 0, _PASS),
    ]
    return b"".join(struct.pack("<HBBI", *step) for step in steps)


def _condition(number: int, argument: int, values: tuple[int, ...]) -> list[_Step]:
    """Return the steps that refuse one call with some values; other calls pass on to the step behind them."""
    compared = [(_EQUAL, len(values) - index, 0, value) for index, value in enumerate(values)]
    return [
        (_EQUAL, 0, len(values) + 3, number),
        (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument),
        *compared,
        (_RETURN, 0, 0, _PASS),
        (_RETURN, 0, 0, _REFUSE),
    ]
