"""Runs a command of a user where it can harm nobody: the work of script targets.

A run has a folder of its own (`work_folder`), limits (`order`), two pipes of ours for its output (`pipes`), and a wall
around it. What the wall is depends on the machine (`trial` finds out):

- *full*: bubblewrap. Namespaces of its own for users, processes, mounts, network, IPC and host name; a root of read-only
  system folders; no capabilities, no new namespaces, a list of refused system calls. When bubblewrap's parent dies, the
  kernel ends every process inside, however it detached itself.
- *reduced*: a plain process with resource limits, as a user of its own where the service is root. It sees the machine's
  files and network as that user does. Shown in /health.
- *none*: nothing is run.

What happens on each failure:

- the service dies, also by SIGKILL, at any instant: until the inner *gate* is opened (a line that the service writes once the
  wall stands) whoever waits there reads the end of its input and leaves; afterwards the signals of a parent's death are
  armed from end to end. A bubblewrap that loses its parent in the millisecond in which it divides may be left, waiting and
  without ever having run anything: the next start on this machine ends it, and removes the folders.
- cancelled, timed out, or over a limit: SIGTERM to the processes inside, a grace, then SIGKILL to the outermost process.
- a grandchild keeps the output open: the pipes are ours, so nobody waits for it; they are closed a moment after the end.
- bubblewrap itself fails: it reports an exit code of the command only if it started it, so the two are never mixed up.
"""
