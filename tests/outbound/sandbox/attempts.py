"""Ways out of the sandbox, each a small Python program that calls `escaped(what)` if it worked.

They find in their environment: SECRET_FILE (a file of the machine that belongs to the service), NEIGHBOUR (the folder of
another run), PORT (something listens there on the machine's loopback), ABSTRACT (a Unix socket without a file), SERVICE (the
service's process id).
"""

PRELUDE = '''
import ctypes, fcntl, os, socket, stat, struct, subprocess, sys, time
libc = ctypes.CDLL(None, use_errno=True)
E = os.environ

def escaped(what=""):
    print("ESCAPED", what, flush=True)

def call(number, *arguments):
    """Make a system call; return its result, or minus errno."""
    result = libc.syscall(number, *arguments)
    return -ctypes.get_errno() if result == -1 else result

def must_fail(number, *arguments):
    if call(number, *arguments) >= 0:
        escaped((number, arguments))

try:
    exec(sys.argv[1])
    print("HELD")
except BaseException as error:
    print("HELD", repr(error))
'''

READS: dict[str, str] = {
    "a secret file of the machine": 'escaped(open(E["SECRET_FILE"]).read())',
    "the folder of another run": 'escaped(os.listdir(E["NEIGHBOUR"]))',
    "accounts of the machine": 'if "root:" in open("/etc/passwd").read(): escaped()',
    "the environment of the service": "escaped(open(f\"/proc/{E['SERVICE']}/environ\").read())",
    "processes of the machine": 'if len([p for p in os.listdir("/proc") if p.isdigit()]) > 6: escaped()',
    "a port of the machine": 's = socket.create_connection(("127.0.0.1", int(E["PORT"])), 2); escaped(s)',
    "a Unix socket without a file": 's = socket.socket(socket.AF_UNIX); s.connect("\\0" + E["ABSTRACT"]); escaped(s)',
}
"""Attempts that succeed without a wall: the control of the suite."""

ATTEMPTS: dict[str, str] = READS | {
    "a secret through the root of process 1": 'escaped(open("/proc/1/root" + E["SECRET_FILE"]).read())',
    "the environment of process 1": 'if "SECRET" in open("/proc/1/environ").read(): escaped()',
    "a path out of the working folder": 'escaped(open("../" * 20 + E["SECRET_FILE"].lstrip("/")).read())',
    "the folders above the working folder": 'if E["NEIGHBOUR"].split("/")[-1] in os.listdir(".."): escaped()',
    "shadow passwords": 'escaped(open("/etc/shadow").read())',
    "the Docker engine": 's = socket.socket(socket.AF_UNIX); s.connect("/var/run/docker.sock"); escaped()',
    "another machine": 's = socket.socket(type=socket.SOCK_DGRAM); s.sendto(b"x", ("169.254.169.254", 80)); escaped()',
    "a name server": 'escaped(socket.getaddrinfo("localhost.example.com", 80))',
    "any network interface that is up": 'escaped(open("/proc/net/route").read().splitlines()[1])',
    "raw packets": 'socket.socket(socket.AF_PACKET, socket.SOCK_RAW); escaped()',
    "the host of a virtual machine": 'socket.socket(40, socket.SOCK_STREAM); escaped()',
    "descriptors that were left open": 'left = set(os.listdir("/proc/self/fd")) - set("0123"); left and escaped(left)',
    "standard input": 'if os.readlink("/proc/self/fd/0") != "/dev/null": escaped()',
    "variables that nobody declared": 'left = set(E) - set(E["DECLARED"].split()); left and escaped(left)',
    "tracing": 'must_fail(101, 16, os.getppid(), 0, 0)',
    "memory of another process": 'must_fail(310, 1, 0, 0, 0, 0, 0)',
    "signals to the service": 'os.kill(int(E["SERVICE"]), 0); escaped()',
    "a mount": 'must_fail(165, b"none", b"/tmp", b"tmpfs", 0, 0)',
    "a remount for writing": 'must_fail(165, 0, b"/usr", 0, 32 | 4096, 0)',
    "an unmount": 'must_fail(166, b"/usr", 2)',
    "a mount by its new calls": 'must_fail(430, b"tmpfs", 0)',
    "a user namespace": 'must_fail(272, 0x10000000)',
    "a user namespace by clone": """
pid = call(56, 0x10000000 | 17, 0, 0, 0, 0)
if pid == 0: os._exit(0)
if pid > 0: escaped()
""",
    "another's namespace": 'must_fail(308, os.open("/proc/1/ns/mnt", os.O_RDONLY), 0)',
    "another root": 'os.chroot("/tmp"); escaped()',
    "becoming root": 'os.setuid(0); escaped()',
    "a set-user-id copy": """
import shutil
shutil.copy("/usr/bin/id", "id"); os.chmod("id", 0o6755)
if subprocess.run(["./id", "-u"], capture_output=True).stdout.strip() == b"0": escaped()
""",
    "a set-user-id program": 'subprocess.run(["mount", "-t", "tmpfs", "none", "/tmp"], check=True); escaped()',
    "privileges at exec": 'if libc.prctl(39, 0, 0, 0, 0) != 1: escaped("no_new_privs is off")',
    "capabilities": 'if any(int(l.split()[1], 16) for l in open("/proc/self/status") if l.startswith("Cap")): escaped()',
    "a device node": 'os.mknod("disk", 0o600 | stat.S_IFBLK, os.makedev(254, 0)); escaped()',
    "a disk": """
for name in os.listdir("/dev"):
    if stat.S_ISBLK(os.stat("/dev/" + name, follow_symlinks=False).st_mode): escaped(name)
""",
    "the machine's memory": 'escaped(open("/dev/mem", "rb"))',
    "kernel memory": 'escaped(open("/proc/kcore", "rb").read(1))',
    "system folders": 'open("/usr/bin/evil", "w"); escaped()',
    "the script's own folder": 'open("/script/evil", "w"); escaped()',
    "the root folder": 'open("/evil", "w"); escaped()',
    "the device folder": 'open("/dev/evil", "w"); escaped()',
    "accounts for the next run": 'open("/etc/passwd", "a"); escaped()',
    "kernel settings": 'open("/proc/sys/kernel/core_pattern", "w").write("|/work/evil"); escaped()',
    "the magic key": 'open("/proc/sysrq-trigger", "w").write("h"); escaped()',
    "control groups": 'os.mkdir("/sys/fs/cgroup/evil"); escaped()',
    "the host name": 'socket.sethostname("evil"); escaped()',
    "the clock": 'time.clock_settime(time.CLOCK_REALTIME, 0); escaped()',
    "the kernel's log": 'must_fail(103, 3, ctypes.create_string_buffer(64), 64)',
    "keyrings": 'must_fail(250, 0, -3, 0)',
    "a new key": 'must_fail(248, b"user", b"evil", b"x", 1, -4)',
    "programs for the kernel": 'must_fail(321, 0, 0, 0)',
    "performance counters": 'must_fail(298, ctypes.create_string_buffer(b"\\1", 128), 0, -1, -1, 0)',
    "page faults": 'must_fail(323, 1)',
    "io_uring": 'must_fail(425, 1, ctypes.create_string_buffer(120))',
    "a kernel module": 'must_fail(175, b"x", 1, b"")',
    "another kernel": 'must_fail(320, 0, 0, 0, b"", 0)',
    "a restart": 'must_fail(169, 0xfee1dead, 672274793, 0, 0)',
    "files by handle": 'must_fail(304, -100, ctypes.create_string_buffer(16), 0)',
    "calls by another table": 'must_fail(101 | 0x40000000, 0, os.getppid(), 0, 0)',
    "typing at the terminal": """
for fd in (0, 1, 2):
    try:
        fcntl.ioctl(fd, 0x5412, b"x"); escaped()
    except OSError: pass
fcntl.ioctl(os.open("/dev/tty", os.O_RDWR), 0x5412, b"x"); escaped()
""",
    "typing at its own terminal": """
import pty
main, other = pty.openpty()
fcntl.ioctl(other, 0x5412, b"x"); escaped()
""",
    "System V memory": 'must_fail(29, 0, 1 << 20, 0o1600)',
    "a higher limit": 'import resource; resource.setrlimit(resource.RLIMIT_NPROC, (10**6, 10**6)); escaped()',
    "priority": 'os.nice(-5); escaped()',
    "locked memory": 'must_fail(151, 1)',
    "temporary folders without end": """
for folder in ("/tmp", "/dev/shm"):
    with open(folder + "/big", "wb", 0) as file:
        for _ in range(100): file.write(b"x" * 1_000_000)
    escaped(folder)
""",
}  # fmt: skip
