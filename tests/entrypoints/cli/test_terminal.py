"""What every command shares."""

from stationmaster.entrypoints.cli.terminal import printable


def test_what_drives_a_terminal_is_replaced() -> None:
    assert "a\N{REPLACEMENT CHARACTER}[2J\nb" == printable("a\x1b[2J\nb")
