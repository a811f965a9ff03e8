"""From bytes to lines."""

import pytest

from stationmaster.domains.executions.journals.lines import CUT, MARGIN, MAX_LINE, Lines, cut


def read(*pieces: bytes) -> list[bytes]:
    lines = Lines()
    return [line for piece in pieces for line in lines.feed(piece)] + lines.finish()


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([b"one\ntwo\n"], [b"one", b"two"]),
        ([b"on", b"e\ntw", b"o"], [b"one", b"two"]),
        ([b"one\r\ntwo\r\n"], [b"one", b"two"]),
        ([b"one\r", b"\ntwo"], [b"one", b"two"]),
        ([b"10%\r20%\r", b"30%\n"], [b"10%", b"20%", b"30%"]),
        ([b"last\r"], [b"last"]),
        ([b"\n\n"], [b"", b""]),
        ([b""], []),
        ([], []),
    ],
)
def test_lines_end_as_terminals_end_them(pieces: list[bytes], expected: list[bytes]) -> None:
    assert expected == read(*pieces)


def test_every_split_gives_the_same_lines() -> None:
    data = "ä\r\nb\rc\n\nd".encode()

    assert {tuple(read(data[:at], data[at:])) for at in range(len(data) + 1)} == {tuple(read(data))}


def test_a_line_without_end_takes_little_memory() -> None:
    lines = Lines()
    for _ in range(1000):
        assert [] == lines.feed(b"x" * 100_000)
    (line,) = lines.feed(b"\n")

    assert len(line) <= 4 * MAX_LINE + MARGIN
    assert [b"next"] == lines.feed(b"next\n")


def test_what_is_kept_of_a_line_says_that_it_is_cut() -> None:
    assert ("short", "x" * MAX_LINE + CUT) == (cut("short"), cut("x" * (MAX_LINE + 1)))
