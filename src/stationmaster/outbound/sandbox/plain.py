"""The command line of a run without bubblewrap: another user where possible, and limits. The machine stays in sight.

The environment comes through the gate as shell words, behind the change of user: as a real environment it would reach
setpriv first, which may still be root, and `LD_PRELOAD` in it would be obeyed there.
"""

import shlex
from collections.abc import Mapping, Sequence

from stationmaster.outbound.sandbox.bubblewrap import Tools, drop_privileges, limit_options
from stationmaster.outbound.sandbox.order import Limits

END = "#go"
GATE = f'words=$(cat); case "$words" in *"{END}") eval "$words"; exec "$@" </dev/null;; esac; exit 125'


def plain_command(tools: Tools, command: Sequence[str], *, user_id: int | None, limits: Limits) -> list[str]:
    """Return what the service starts, in the run's folder."""
    limited = [tools.prlimit, *limit_options(limits), "--", *command]
    return [*drop_privileges(tools, user_id), tools.sh, "-c", GATE, "sh", *limited]


def gate_words(environment: Mapping[str, str]) -> bytes:
    """Return what the gate is told; without its end it lets nothing pass."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
    return "\n".join([*exports, END]).encode(errors="surrogateescape")
