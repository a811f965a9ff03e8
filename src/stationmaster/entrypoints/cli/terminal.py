"""What every command shares: where it writes, and the refusal that ends it. It loads next to nothing.

Results go to standard output, everything else (logs, refusals) to standard error, so that a pipe gets results only.
Exit codes: 0 done; 1 it could not be done, or something is wrong; 2 the command line or the settings are wrong.
"""

from rich.console import Console

FAILED = 1
MISUSED = 2

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class Refusal(Exception):
    """A command ends here; the text says why and what to do, `exit_code` is the process's."""

    def __init__(self, text: str, *, exit_code: int = FAILED) -> None:
        super().__init__(text)
        self.exit_code = exit_code


def say(text: str = "", *, style: str | None = None) -> None:
    """Write a line of results as it is: not wrapped, no markup, no control characters but the line's end."""
    out.print(printable(text), style=style, markup=False, soft_wrap=True)


def printable(text: str) -> str:
    """Replace what drives a terminal: names and error texts come from others."""
    return "".join(each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in text)
