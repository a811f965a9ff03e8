"""Patterns by which a script's own style of telling progress is read."""

from dataclasses import dataclass
from typing import Any

import re2

from stationmaster.kit.progress import to_percent

MAX_LENGTH = 200
WINDOW = 500
"""Characters of a line that are looked at."""


@dataclass(frozen=True)
class ProgressPattern:
    r"""A regular expression of RE2 that finds progress in lines: `Progress: ([\d.]+)%`, `product (\d+) of (\d+)`.

    One group is a percentage, two are so many of so many. RE2 takes time in proportion to the line whatever the pattern, so
    that nobody's pattern can hold up the service.
    """

    compiled: Any

    @classmethod
    def compile(cls, text: str) -> "ProgressPattern":
        """Read a pattern.

        Raises:
            ValueError: it is none, or has other than one or two groups; says what is wrong.
        """
        if len(text) > MAX_LENGTH:
            raise ValueError(f"a progress pattern has at most {MAX_LENGTH} characters")
        options = re2.Options()
        options.log_errors = False
        options.max_mem = 1 << 20
        try:
            compiled = re2.compile(text, options)
        except re2.error as error:
            raise ValueError(f"is no regular expression of RE2: {_explain(error)}") from error
        if compiled.groups not in {1, 2}:
            raise ValueError("a progress pattern has one group (a percentage) or two (so many of so many)")
        return cls(compiled)

    def read(self, line: str) -> float | None:
        """Return the percentage that a line tells, if it tells one."""
        found = self.compiled.search(line[:WINDOW])
        return to_percent(*found.groups()) if found else None


def _explain(error: Exception) -> str:
    (reason,) = error.args or ("",)
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
