"""Runs on a machine without bubblewrap."""

import asyncio
import os
from dataclasses import replace

import psutil
import pytest

from stationmaster.outbound.sandbox.meter import MARK
from stationmaster.outbound.sandbox.order import MIB, RESERVED, Cause
from stationmaster.outbound.sandbox.sandbox import Sandbox
from tests.outbound.sandbox.running import LIMITS, Notebook, python, run, shell


def sleepers() -> list[int]:
    return [each.pid for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"] == ["sleep", "1000.25"]]


async def test_it_finds_what_it_was_given(plain_sandbox: Sandbox) -> None:
    order = shell(
        'echo "$TOKEN"; cat "$PARAMS_FILE" "$INPUT_DIR/a"; echo 1 >"$RESULT_FILE"; echo o >"$OUTPUT_DIR/o"',
        environment={"TOKEN": "it's; $(id)\nx"}, params={"a": 1}, input={"a": b"in"}, outputs=("*",),
    )  # fmt: skip
    ended = await run(plain_sandbox, order)

    assert ('it\'s; $(id)\nx\n{"a": 1}in', 1, {"o": b"o\n"}) == (ended.text, ended.end.result, ended.outputs)
    assert "" == ended.notebook.complaint


async def test_it_inherits_neither_variables_nor_descriptors_nor_rights(plain_sandbox: Sandbox) -> None:
    left_open = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(left_open, True)
    try:
        ended = await run(plain_sandbox, shell("ls /proc/self/fd | wc -w; grep NoNewPrivs /proc/self/status; env"))
    finally:
        os.close(left_open)

    first, second, *variables = ended.text.splitlines()
    names = {line.partition("=")[0] for line in variables}
    assert ("4", "NoNewPrivs:\t1") == (first, second)
    assert RESERVED | {MARK} == names


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give it another user")
async def test_it_is_another_user(plain_sandbox: Sandbox) -> None:
    ended = await run(plain_sandbox, shell("id -u; id -G; grep -h CapEff /proc/self/status"))

    assert ["65534", "65534", "CapEff:\t0000000000000000"] == ended.text.splitlines()


@pytest.mark.parametrize(
    ("code", "limits", "cause"),
    [
        ("import sys; sys.exit(4)", {}, Cause.EXITED),
        ("import os; os.abort()", {}, Cause.SIGNALLED),
        ("import time; time.sleep(100)", {"wall_seconds": 0.5}, Cause.TIMEOUT),
        ("while True: pass", {"cpu_seconds": 1}, Cause.CPU),
        ("a = []\nwhile True: a.append(b'x' * 1_000_000)", {"memory_bytes": 64 * MIB}, Cause.MEMORY),
        ("open('big', 'wb').write(b'x' * 3_000_000)", {"file_bytes": MIB}, Cause.FILE_SIZE),
    ],
)
async def test_ends_are_told_apart(plain_sandbox: Sandbox, code: str, limits: dict[str, int], cause: Cause) -> None:
    end = (await run(plain_sandbox, python(code, limits=replace(LIMITS, **limits)))).end

    assert cause is end.cause, end.text


async def test_a_cancelled_run_is_gone_with_those_that_detached_themselves(plain_sandbox: Sandbox) -> None:
    notebook = Notebook()
    code = "(trap '' TERM; setsid sleep 1000.25) & (setsid sh -c 'sleep 1000.25 & echo up') & sleep 1000.25"

    async def follow() -> None:
        async with plain_sandbox.run(shell(code), notebook):
            raise AssertionError("it does not end by itself")

    task = asyncio.create_task(follow())
    while len(sleepers()) < 3:
        await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert [] == sleepers()


async def test_what_it_leaves_behind_is_ended_with_it(plain_sandbox: Sandbox) -> None:
    ended = await run(
        plain_sandbox, shell("setsid sleep 1000.25 >/dev/null 2>&1 & while ! pgrep -f 1000.25; do :; done")
    )

    assert (True, []) == (ended.end.is_success, sleepers())
