"""What becomes of what an executor hands in, before it is stored."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from stationmaster.domains.executions.journal import Stream
from stationmaster.domains.executions.journals.attempt_journal import AttemptJournal
from stationmaster.domains.executions.journals.entry import Entry, Kind, Level, decode
from stationmaster.domains.executions.journals.lines import CUT, MAX_LINE
from stationmaster.domains.executions.journals.store import Batch
from stationmaster.kit.ids import new_id
from stationmaster.kit.masking import MASK
from stationmaster.kit.progress_pattern import ProgressPattern

MOST_PENDING = 1 << 20


@dataclass
class Scribe:
    """Notes who has something to store."""

    announced: list[AttemptJournal] = field(default_factory=list)
    is_crowded: bool = False
    most_pending: int = MOST_PENDING

    def announce(self, journal: AttemptJournal) -> None:
        self.announced.append(journal)


def make_journal(scribe: Scribe | None = None) -> AttemptJournal:
    return AttemptJournal(scribe or Scribe(), new_id(), 1, new_id())


def entries(batch: Batch | None) -> list[Entry]:
    assert batch is not None
    return list(decode(batch.body, first_sequence=1, attempt=batch.attempt))


async def said(journal: AttemptJournal, *pieces: bytes, stream: Stream = Stream.STDOUT) -> list[tuple[Any, ...]]:
    """Feed pieces; return kind and value of what is to be stored, without the first entry."""
    for piece in pieces:
        await journal.feed(piece, stream)
    return [(entry.kind, entry.value) for entry in entries(journal.take_batch())][1:]


async def test_lines_have_their_stream_and_level() -> None:
    journal = make_journal()
    await journal.feed(b"out\n")
    await journal.feed(b"err\n", Stream.STDERR)
    await journal.line("pulling the image")
    await journal.line("slow", level="warning")

    assert [
        (Kind.STATE, "running", None, None),
        (Kind.OUTPUT, "out", Stream.STDOUT, Level.INFO),
        (Kind.OUTPUT, "err", Stream.STDERR, Level.ERROR),
        (Kind.OUTPUT, "pulling the image", Stream.SYSTEM, Level.INFO),
        (Kind.OUTPUT, "slow", Stream.SYSTEM, Level.WARNING),
    ] == [(entry.kind, entry.value, entry.stream, entry.level) for entry in entries(journal.take_batch())]


async def test_who_says_nothing_costs_nothing() -> None:
    scribe = Scribe()
    journal = make_journal(scribe)
    journal.mask("secret")
    await journal.feed(b"no end of line")
    assert ([], False) == (scribe.announced, journal.has_spoken)


async def test_text_that_is_no_utf8_is_replaced_and_nul_is_kept() -> None:
    assert [(Kind.OUTPUT, "caf\ufffd \x00 \x1b[31m")] == await said(make_journal(), b"caf\xe9 \x00 \x1b[31m\n")


async def test_commands_are_obeyed_and_not_shown() -> None:
    journal = make_journal()
    heard = await said(
        journal,
        b"begin\n::progress 1/4\n::stage lo",
        b'ad\n::result {"rows": 3}\n::warning careful\n::mask hunter22\nhunter22\n::progress much\n',
    )

    assert [
        (Kind.OUTPUT, "begin"),
        (Kind.PROGRESS, 25.0),
        (Kind.STAGE, "load"),
        (Kind.OUTPUT, "careful"),
        (Kind.OUTPUT, MASK),
        (Kind.OUTPUT, "::progress much"),
    ] == heard
    assert {"rows": 3} == journal.result


async def test_commands_count_on_standard_output_only() -> None:
    assert [(Kind.OUTPUT, "::progress 5")] == await said(make_journal(), b"::progress 5\n", stream=Stream.STDERR)


async def test_progress_in_a_row_is_told_once() -> None:
    journal = make_journal()
    heard = await said(journal, b"".join(b"::progress %d\n" % percent for percent in range(50)))
    (standing,) = [journal._standing(journal._pending)]  # nothing new to show

    assert [(Kind.PROGRESS, 49.0)] == heard
    assert standing is None


async def test_a_style_of_its_own_tells_progress_and_stays_output() -> None:
    journal = make_journal()
    journal.read_progress_with(ProgressPattern.compile(r"product (\d+) of (\d+)"))

    assert [(Kind.OUTPUT, "Processing product 1 of 4"), (Kind.PROGRESS, 25.0)] == await said(
        journal, b"Processing product 1 of 4\n"
    )


async def test_secrets_are_masked_across_pieces_and_in_results() -> None:
    journal = make_journal()
    journal.mask("correct-horse")
    heard = await said(
        journal, b"it is correct-", b"horse.\n", b'::stage correct-horse\n::result {"a": ["correct-horse"]}\n'
    )

    assert [(Kind.OUTPUT, f"it is {MASK}."), (Kind.STAGE, MASK)] == heard
    assert {"a": [MASK]} == journal.result


async def test_a_secret_at_the_cut_of_a_long_line_is_masked_before() -> None:
    journal = make_journal()
    journal.mask("correct-horse")
    [(_, line)] = await said(journal, b"x" * (MAX_LINE - 4) + b"correct-horse" + b"y" * 1_000_000 + b"\n")

    assert "corr" not in line
    assert line.endswith(CUT)
    assert len(line) == MAX_LINE + len(CUT)


async def test_what_an_earlier_replica_stored_is_left_out_and_its_masks_are_learnt() -> None:
    source = b'one\n::mask hunter22\n::result {"n": 1}\ntwo\nhunter22\n'
    first = make_journal()
    await first.feed(source[: source.index(b"two")] + b"tw")
    stored = first.take_batch()
    assert stored is not None

    second = make_journal()
    result = dict(stored.result or {})
    second.go_on(batch=stored.number, consumed=stored.consumed or {}, result=result, is_full=False)
    await second.feed(source)
    batch = second.take_batch()

    assert [(Kind.OUTPUT, "two"), (Kind.OUTPUT, MASK)] == [(entry.kind, entry.value) for entry in entries(batch)]
    assert batch is not None
    assert (2, {"stdout": 5}, {"n": 1}) == (batch.number, batch.consumed, second.result)


async def test_too_much_waits_for_room() -> None:
    journal = make_journal()
    await journal.feed(b"x\n")
    feeding = asyncio.ensure_future(
        journal.feed(b"y" * 100 + b"\n" + (b"z" * 1000 + b"\n") * (MOST_PENDING // 1000 + 1))
    )
    await asyncio.sleep(0)
    is_waiting = not feeding.done()
    journal.take_batch()
    journal.confirm(is_full=False)
    await asyncio.wait_for(feeding, 5)

    assert is_waiting


async def test_where_only_the_end_is_kept_the_oldest_is_given_up() -> None:
    journal = make_journal()
    await journal.feed(b"x\n")
    journal.take_batch()
    journal.confirm(is_full=True)
    for number in range(40):
        await journal.feed((b"%05d" % number + b"z" * 995 + b"\n") * 64)
    batch = journal.take_batch()
    assert batch is not None

    assert len(batch.body) <= 2 * MOST_PENDING
    assert batch.dropped + batch.entries == 40 * 64
    assert entries(batch)[-1].value.startswith("00039")
    assert {"stdout": 40 * 64 + 1} == batch.consumed


async def test_a_journal_that_was_lost_says_nothing_more() -> None:
    scribe = Scribe()
    journal = make_journal(scribe)
    await journal.feed(b"x\n")
    journal.abandon()
    scribe.announced.clear()
    await journal.feed(b"y\n" * MOST_PENDING)
    await journal.close()

    assert ([], None) == (scribe.announced, journal.take_batch())


async def test_a_line_of_several_is_several_lines() -> None:
    journal = make_journal()
    await journal.line("one\ntwo")

    assert ["one", "two"] == [entry.value for entry in entries(journal.take_batch())][1:]


@pytest.mark.parametrize("text", ["", "plain"])
async def test_hiding_without_secrets_changes_nothing(text: str) -> None:
    assert text == make_journal().hide(text)
