"""From bytes as they come to whole lines."""

MAX_LINE = 16_384
"""Characters of a line that are kept."""
MARGIN = 4_096
"""Bytes read beyond that, so that a secret at the cut is seen whole and masked before the line is cut."""
CUT = " … (cut)"


class Lines:
    """Puts the lines of one stream together; memory stays small whatever comes.

    A line ends at LF, CR LF, or CR alone (progress bars draw over themselves). What is no UTF-8 is replaced.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._ends_with_cr = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that these bytes complete, without their ends."""
        if self._ends_with_cr and data:
            data, self._ends_with_cr = b"\r" + data, False
        if b"\r" in data:
            data = self._unify(data)
        head, *tail = data.split(b"\n")
        self._keep(head)
        if not tail:
            return []
        first = bytes(self._rest)
        self._rest.clear()
        self._keep(tail.pop())
        return [first, *tail]

    def finish(self) -> list[bytes]:
        """Return the line that has no end, if there is one."""
        rest = bytes(self._rest)
        self._rest.clear()
        self._ends_with_cr = False
        return [rest] if rest else []

    def _unify(self, data: bytes) -> bytes:
        if data.endswith(b"\r"):  # perhaps the first half of CR LF
            data, self._ends_with_cr = data[:-1], True
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _keep(self, part: bytes) -> None:
        # Enough bytes for the characters that are kept, four each at most, and the margin.
        self._rest += part[: max(0, 4 * MAX_LINE + MARGIN - len(self._rest))]


def cut(line: str) -> str:
    """Return at most as much of a line as is kept."""
    return line if len(line) <= MAX_LINE else line[:MAX_LINE] + CUT
