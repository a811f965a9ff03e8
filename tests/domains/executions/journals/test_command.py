"""The protocol on a script's standard output."""

import pytest

from stationmaster.domains.executions.external.reference import TaskKind, TaskReference
from stationmaster.domains.executions.journals.command import (
    Command,
    External,
    Hide,
    Progress,
    Result,
    Stage,
    Warn,
    parse,
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("::progress 42.5", Progress(42.5)),
        ("::progress 3/20", Progress(15)),
        ("::stage load the file", Stage("load the file")),
        ('::result {"rows": 3}', Result({"rows": 3})),
        ("::warning disk is nearly full", Warn("disk is nearly full")),
        ("::mask s3cret", Hide("s3cret")),
        ("::external earthengine T1", External(TaskReference(TaskKind.EARTHENGINE, "T1"))),
    ],
)
def test_commands_are_understood(line: str, expected: Command) -> None:
    assert expected == parse(line)


@pytest.mark.parametrize(
    "line",
    [
        "::",
        "::progress",
        "::progress soon",
        "::progress 101",
        "::stage",
        "::stage " + "x" * 256,
        "::stage a\x07bell",
        "::result",
        "::result [1]",
        "::result {",
        '::result {"n": NaN}',
        '::result {"n": ' + "9" * 30 + "}",
        '::result {"t": "\\u0000"}',
        "::result " + "[" * 100_000,
        "::unknown thing",
        "::external earthengine",
        "::external earthengine T 1",
        "::external elsewhere T1",
        "::Progress 5",
        ":: progress 5",
    ],
)
def test_what_is_malformed_is_output(line: str) -> None:
    assert parse(line) is None
