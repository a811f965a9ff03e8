"""Runs behind bubblewrap: what they find, how they end, what is taken out."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from stationmaster.outbound.sandbox.opening import open_sandbox
from stationmaster.outbound.sandbox.order import MIB, Cause, Limits, SandboxOrder, Stream
from stationmaster.outbound.sandbox.sandbox import Sandbox
from stationmaster.setting_groups import SandboxSettings
from tests.outbound.sandbox.running import LIMITS, Notebook, python, run, shell
from tests.outbound.sandbox.test_escapes import processes_of

GRANDCHILD = "(trap '' TERM; sleep 1000) & (trap '' TERM; setsid sleep 1000) & sleep 1000"


async def test_it_finds_what_it_was_given_and_nothing_else(sandbox: Sandbox) -> None:
    order = shell(
        'env; cat "$PARAMS_FILE" "$STATE_FILE" "$INPUT_DIR/a/b.txt" "$SCRIPT_DIR/lib.sh"',
        environment={"TOKEN": "it's; $(secret)\n"},
        params={"region": "ü"},
        state={"seen": 1},
        input={"a/b.txt": b"data"},
        script={"lib.sh": b"echo"},
    )
    ended = await run(sandbox, order)

    names = {line.partition("=")[0] for line in ended.text.splitlines() if "=" in line}
    assert names == {
        "TOKEN", "PARAMS", "PARAMS_FILE", "STATE_FILE", "RESULT_FILE", "OUTPUT_DIR", "INPUT_DIR", "SCRIPT_DIR",
        "PATH", "HOME", "LANG", "TMPDIR", "PWD", "PYTHONUNBUFFERED",
    }  # fmt: skip
    assert "TOKEN=it's; $(secret)\n" in ended.text
    assert ended.text.endswith('{"region": "ü"}{"seen": 1}dataecho')


async def test_large_params_come_as_a_file_only(sandbox: Sandbox) -> None:
    order = shell('echo "${PARAMS-none}"; wc -c <"$PARAMS_FILE"', params={"a": "x" * 200_000})

    assert "none\n200009\n" == (await run(sandbox, order)).text


async def test_words_of_a_command_arrive_unchanged(sandbox: Sandbox) -> None:
    word = "; id\n$(id) `id` \"'--privileged \\ *"
    ended = await run(sandbox, python("import sys; print(repr(sys.argv[1]))", word))

    assert repr(word) == ended.text.strip()


@pytest.mark.parametrize(
    ("code", "cause", "exit_code", "text"),
    [
        ("exit 0", Cause.EXITED, 0, "It ended with exit code 0."),
        ("exit 3", Cause.EXITED, 3, "It ended with exit code 3."),
        ("exit 255", Cause.EXITED, 255, "It ended with exit code 255."),
        ("kill -SEGV $$", Cause.SIGNALLED, 139, "It was ended by SIGSEGV."),
        ("kill -KILL $$", Cause.SIGNALLED, 137, "It was ended by SIGKILL."),
        ("exec not-there", Cause.EXITED, 127, "It ended with exit code 127."),
    ],
)
async def test_ends_of_its_own_are_told_apart(
    sandbox: Sandbox, code: str, cause: Cause, exit_code: int, text: str
) -> None:
    end = (await run(sandbox, shell(code))).end

    assert (cause, exit_code, text) == (end.cause, end.exit_code, end.text)
    assert end.is_success == (exit_code == 0)


@pytest.mark.parametrize(
    ("code", "limits", "cause"),
    [
        ("import time; time.sleep(100)", {"wall_seconds": 0.5}, Cause.TIMEOUT),
        ("while True: pass", {"cpu_seconds": 1}, Cause.CPU),
        ("import os\nos.fork(); os.fork()\nwhile True: pass", {"cpu_seconds": 1}, Cause.CPU),
        ("a = []\nwhile True: a.append(b'x' * 1_000_000)", {"memory_bytes": 64 * MIB}, Cause.MEMORY),
        (
            "import os, time\nfor _ in range(4):\n  if not os.fork(): a = b'x' * 30_000_000; time.sleep(60)\ntime.sleep(60)",
            {"memory_bytes": 64 * MIB},
            Cause.MEMORY,
        ),
        (
            "import os, time\nf = os.memfd_create('a')\nfor _ in range(100): os.write(f, b'x' * 1_000_000)\ntime.sleep(60)",
            {"memory_bytes": 64 * MIB},
            Cause.MEMORY,
        ),
        ("open('big', 'wb').write(b'x' * 3_000_000)", {"file_bytes": MIB}, Cause.FILE_SIZE),
        ("import os\nfor _ in range(200): os.mkdir('d'); os.chdir('d')\nimport time; time.sleep(60)", {}, Cause.DISK),
        ("while True: print('x' * 1000)", {"output_bytes": MIB}, Cause.OUTPUT),
    ],
)  # fmt: skip
async def test_limits_are_told_apart(sandbox: Sandbox, code: str, limits: dict[str, int], cause: Cause) -> None:
    end = (await run(sandbox, python(code, limits=replace(LIMITS, **limits)))).end

    assert (cause, None, False) == (end.cause, end.exit_code, end.is_success), end.text


async def test_shared_memory_counts_once(sandbox: Sandbox) -> None:
    code = """
import os, time
data = b"x" * 40_000_000
for _ in range(5):
    if not os.fork():
        time.sleep(1); os._exit(0)
for _ in range(5): os.wait()
"""
    end = (await run(sandbox, python(code, limits=replace(LIMITS, memory_bytes=80 * MIB)))).end

    assert end.is_success, end.text


async def test_processes_have_a_number(sandbox: Sandbox) -> None:
    code = """
import os, time
made = 0
try:
    while True:
        if not os.fork():
            time.sleep(20); os._exit(0)
        made += 1
except BlockingIOError:
    print(made)
"""
    ended = await run(sandbox, python(code, limits=replace(LIMITS, processes=10)))

    assert 5 <= int(ended.text) <= 10


async def test_the_polite_have_their_say_before_the_end(sandbox: Sandbox) -> None:
    code = "trap 'echo bye; exit 0' TERM; echo ready; sleep 100 & wait"
    ended = await run(sandbox, shell(code, limits=replace(LIMITS, wall_seconds=0.5)))

    assert (Cause.TIMEOUT, "ready\nbye\n") == (ended.end.cause, ended.text)


async def test_a_cancelled_run_is_gone_with_its_grandchildren(sandbox: Sandbox) -> None:
    notebook = Notebook()

    async def follow() -> None:
        async with sandbox.run(shell(f"echo up; {GRANDCHILD}"), notebook):
            raise AssertionError("it does not end by itself")

    task = asyncio.create_task(follow())
    while "up" not in notebook.text or len(processes_of(sandbox)) < 6:
        await asyncio.sleep(0.02)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (True, [], []) == (time.monotonic() - began < 4, processes_of(sandbox), [*sandbox.room.folder.iterdir()])


async def test_a_grandchild_that_holds_the_output_holds_up_nobody(sandbox: Sandbox) -> None:
    began = time.monotonic()
    ended = await run(sandbox, shell("setsid sleep 1000 & echo done"))

    assert (True, "done\n", True) == (ended.end.is_success, ended.text, time.monotonic() - began < 5)


@dataclass
class SlowJournal(Notebook):
    """Takes the first piece only when it is told."""

    go: asyncio.Event | None = None

    async def write(self, stream: Stream, data: bytes) -> None:
        assert self.go
        await self.go.wait()
        await Notebook.write(self, stream, data)


async def test_a_slow_journal_holds_the_run_up_and_loses_nothing(sandbox: Sandbox) -> None:
    code = "import os\nfor n in range(2000): print('x' * 999)\nopen('done', 'w')\n"
    journal = SlowJournal(go=asyncio.Event())
    order = python(code)
    assert journal.go

    async def follow() -> bool:
        async with sandbox.run(order, journal) as end:
            return end.is_success

    task = asyncio.create_task(follow())
    while not processes_of(sandbox):
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.5)
    assert not (sandbox.room.folder / order.name / "work" / "done").exists()
    journal.go.set()

    assert await task
    assert 2000 * 1000 == len(journal.written["stdout"])


async def test_documents_and_declared_outputs_are_taken_out(sandbox: Sandbox) -> None:
    code = """
        echo '{"rows": 3}' >"$RESULT_FILE"; echo '[1]' >"$STATE_FILE"; cd "$OUTPUT_DIR"
        mkdir -p maps/deep shut; echo a >a.csv; echo b >maps/deep/b.csv; echo c >c.txt; chmod 0 a.csv
        echo s >shut/s.csv; chmod 0 shut; : >"$(printf 'line\\nbreak.csv')"
    """
    ended = await run(sandbox, shell(code, outputs=("*.csv", "missing.json")))

    assert ({"rows": 3}, [1]) == (ended.end.result, ended.end.state)
    assert {"a.csv": b"a\n", "maps/deep/b.csv": b"b\n"}.items() <= ended.outputs.items()
    assert "c.txt" not in ended.outputs
    assert "No output is named missing.json." in ended.end.notes
    assert any("line\\nbreak.csv" in note for note in ended.end.notes)


async def test_a_document_that_is_too_large_is_noted(sandbox: Sandbox) -> None:
    ended = await run(sandbox, shell('head -c 2000000 /dev/zero >"$RESULT_FILE"'))

    assert (None, ("result.json is larger than 1 MiB and is left out.",)) == (ended.end.result, ended.end.notes)


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "\\xff"])
async def test_a_document_that_is_none_is_noted(sandbox: Sandbox, text: str) -> None:
    ended = await run(sandbox, python(f"import os; open(os.environ['RESULT_FILE'], 'w').write({text!r})"))

    assert (None, ("result.json is not valid JSON and is left out.",)) == (ended.end.result, ended.end.notes)


async def test_the_network_is_granted_only_where_the_settings_allow_it(sandbox: Sandbox, folder: Path) -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    order = python(f"import socket; socket.create_connection(('127.0.0.1', {port})); print('in')", has_network=True)
    refused = await run(sandbox, order)
    async with server, open_sandbox(SandboxSettings(mode="require", allow_network=True), folder / "net") as generous:
        granted = await run(generous, order)
        kept_in = await run(generous, replace(order, has_network=False))

    assert (Cause.BLOCKED, True) == (refused.end.cause, "ALLOW_NETWORK" in refused.end.text)
    assert ("in\n", "") == (granted.text, kept_in.text)


async def test_more_folders_can_be_shown(folder: Path) -> None:
    data = folder / "data"
    data.mkdir()
    data.chmod(0o755)
    (data / "a").write_text("shown")
    settings = SandboxSettings(mode="require", read_only_paths=(str(data),))
    async with open_sandbox(settings, folder / "more") as sandbox:
        ended = await run(sandbox, shell(f"cat {data}/a; echo x >{data}/a || echo kept"))

    assert "shownkept\n" == ended.text


async def test_an_abandoned_folder_of_the_same_name_is_no_hindrance(sandbox: Sandbox) -> None:
    (sandbox.room.folder / "trial-1" / "work").mkdir(parents=True)

    assert (await run(sandbox, shell("ls"))).end.is_success


@pytest.mark.parametrize(
    "make",
    [
        lambda: SandboxOrder(name="../x", command=("true",)),
        lambda: SandboxOrder(name="x", command=()),
        lambda: SandboxOrder(name="x", command=("a\0b",)),
        lambda: SandboxOrder(name="x", command=("true",), script={"../x": b""}),
        lambda: SandboxOrder(name="x", command=("true",), input={"/x": b""}),
        lambda: SandboxOrder(name="x", command=("true",), environment={"PATH": "/evil"}),
        lambda: SandboxOrder(name="x", command=("true",), environment={"A=B": ""}),
        lambda: SandboxOrder(name="x", command=("true",), environment={"A": "\0"}),
        lambda: SandboxOrder(name="x", command=("true",), environment={"A": "x" * 200_000}),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(make: Callable[[], SandboxOrder]) -> None:
    with pytest.raises(ValueError, match=r"."):
        make()


def test_limits_come_from_the_settings_and_the_order(sandbox: Sandbox) -> None:
    limits = sandbox.limits(wall_seconds=7, memory_mb=99, cpus=0.5)

    assert Limits(
        wall_seconds=7, cpu_seconds=3600, memory_bytes=99 * MIB, processes=64, file_bytes=512 * MIB,
        disk_bytes=1024 * MIB, output_bytes=1024 * MIB, cpus=0.5,
    ) == limits  # fmt: skip
    assert 512 * MIB == sandbox.limits(wall_seconds=7).memory_bytes
