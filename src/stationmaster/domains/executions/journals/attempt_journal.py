"""The journal of one attempt, in memory: from what an executor hands in to batches for the writer."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from stationmaster.domains.executions.external.reference import MOST_TASKS, Announced, TaskReference
from stationmaster.domains.executions.journal import ProgressReader, Stream
from stationmaster.domains.executions.journals import command
from stationmaster.domains.executions.journals.command import External, Hide, Progress, Result, Stage, Warn
from stationmaster.domains.executions.journals.concealment import Concealment
from stationmaster.domains.executions.journals.entry import Kind, Level, Run, encode
from stationmaster.domains.executions.journals.lines import MAX_LINE, Lines, cut
from stationmaster.domains.executions.journals.pending import Pending
from stationmaster.domains.executions.journals.scribe import Scribe
from stationmaster.domains.executions.journals.store import Batch, Standing
from stationmaster.kit import clock

CLOSE_SECONDS = 30.0


class AttemptJournal:
    """Takes in what one attempt says; see the package."""

    __slots__ = (
        "_announced", "_consumed", "_has_news", "_hidden", "_is_full", "_is_in_flight", "_is_lost", "_lines", "_number",
        "_pending", "_progress", "_reader", "_result", "_scribe", "_settled", "_skip", "_stage", "attempt", "execution_id",
        "has_spoken", "token",
    )  # fmt: skip

    def __init__(self, scribe: "Scribe[AttemptJournal]", execution_id: UUID, attempt: int, token: UUID) -> None:
        self.execution_id = execution_id
        self.attempt = attempt
        self.token = token
        self.has_spoken = False
        self._scribe = scribe
        self._pending = Pending()
        self._number = 0
        self._has_news = False
        self._is_in_flight = False
        self._is_lost = False
        self._is_full = False
        self._lines: dict[Stream, Lines] = {}
        self._consumed: Counter[str] = Counter()
        self._skip: Mapping[str, int] = {}
        self._hidden: Concealment | None = None
        self._reader: ProgressReader | None = None
        self._progress: float | None = None
        self._stage: str | None = None
        self._result: dict[str, Any] | None = None
        self._announced: Announced | None = None
        self._settled: asyncio.Event | None = None

    @property
    def consumed_lines(self) -> int:
        """Leave nothing out of the source: this journal does it itself."""
        return 0

    @property
    def is_masking(self) -> bool:
        """Say whether there is anything to hide."""
        return self._hidden is not None

    @property
    def result(self) -> dict[str, Any] | None:
        """What the program reported last as its result."""
        return self._result

    def go_on(self, *, batch: int, consumed: Mapping[str, int], result: dict[str, Any] | None, is_full: bool) -> None:
        """Go on where an earlier replica stopped in this attempt: its lines will come again, and are left out."""
        self.has_spoken = True
        self._result = result
        self._number = batch
        self._skip = consumed
        self._is_full = is_full

    def read_progress_with(self, reader: ProgressReader) -> None:
        """Read progress also from lines of this style."""
        self._reader = reader

    def mask(self, value: str) -> None:
        """Hide this text from now on, also where it is split or encoded."""
        self._hidden = self._hidden or Concealment()
        self._hidden.add(value)

    async def settle(self) -> None:
        """Come back when all that was said so far is stored, and what is hidden here is hidden in reports too.

        Raises:
            TimeoutError: the database is away.
        """
        if self._hidden and self._hidden.is_news:
            self._say()
        async with asyncio.timeout(CLOSE_SECONDS):
            while not self._is_lost and (self._has_news or self._is_in_flight):
                await self._wait()

    def hide(self, value: Any) -> Any:
        """Return a text, or a JSON value, in which all that must be hidden is masked."""
        return self._hidden.hide(value) if self._hidden else value

    async def feed(self, data: bytes, stream: Stream = Stream.STDOUT) -> None:
        """Take in raw output in pieces of any size; wait while too much is unwritten."""
        if stream not in self._lines:
            self._lines[stream] = Lines()
        lines = self._lines[stream].feed(data)
        if lines:
            self._take(lines, stream)
            await self._make_room()

    async def line(self, text: str, stream: Stream = Stream.SYSTEM, *, level: str = "info") -> None:
        """Add a line that is not output of the program."""
        lines = [cut(self.hide(part)) for part in text.splitlines() or [""]]
        self._say_lines(lines, stream, Level(level))
        await self._make_room()

    def progress(self, percent: float) -> None:
        """Tell how far it is, from 0 to 100."""
        if percent == self._progress:
            return
        self._progress = percent
        if not self._pending.replace_last(Kind.PROGRESS, percent):
            self._say(Run(clock.now_ms(), Kind.PROGRESS, [percent]))

    def stage(self, name: str) -> None:
        """Tell what it is at."""
        self._stage = self.hide(name)
        self._say(Run(clock.now_ms(), Kind.STAGE, [self._stage]))

    def report(self, result: dict[str, Any]) -> None:
        """Keep a result; the last one counts."""
        self._result = self.hide(result)
        self._say()

    async def close(self) -> None:
        """Take in what has no line's end, and come back when all of it is stored.

        Raises:
            TimeoutError: the database is away.
        """
        for stream, lines in self._lines.items():
            if rest := lines.finish():
                self._take(rest, stream)
        if self._hidden and self.has_spoken:
            self._hidden.end()
        await self.settle()

    def abandon(self) -> None:
        """Forget what is not stored: the attempt is somebody else's by now."""
        self._is_lost = True
        self._pending.clear()
        self._wake()

    # What comes in

    def _take(self, raw: Sequence[bytes], stream: Stream) -> None:
        """Take in whole lines; most blocks of them have nothing special, and go as they are."""
        text = b"\n".join(raw).decode("utf-8", "replace")
        lines = text.split("\n")
        skipped = min(max(self._skip.get(stream, 0) - self._consumed[stream], 0), len(raw))
        self._consumed[stream] += len(raw)
        may_command = stream is Stream.STDOUT and (text.startswith(command.PREFIX) or f"\n{command.PREFIX}" in text)
        is_long = len(text) > MAX_LINE and max(map(len, lines)) > MAX_LINE
        if may_command or skipped or is_long or self._reader or (self._hidden and self._hidden.is_in(text)):
            self._take_one_by_one(lines, stream, skipped)
        else:
            self._say_lines(lines, stream, _level_of(stream))

    def _take_one_by_one(self, lines: Sequence[str], stream: Stream, skipped: int) -> None:
        for number, text in enumerate(lines):
            said = command.parse(text) if stream is Stream.STDOUT and text.startswith(command.PREFIX) else None
            if number < skipped:
                # The rest is known already; but secrets are not stored, and must be learnt again.
                if isinstance(said, Hide):
                    self.mask(said.secret)
            elif said is not None:
                self._obey(said, stream)
            else:
                self._say_lines([cut(self.hide(text))], stream, _level_of(stream))
                self._look_for_progress(text)

    def _obey(self, said: command.Command, stream: Stream) -> None:
        match said:
            case Progress(percent):
                self.progress(percent)
            case Stage(name):
                self.stage(name)
            case Result(document):
                self.report(document)
            case Warn(text):
                self._say_lines([cut(self.hide(text))], stream, Level.WARNING)
            case Hide(secret):
                self.mask(secret)
                self._say()
            case External(task):
                self._announce(task)

    def _announce(self, task: TaskReference) -> None:
        self._announced = self._announced or Announced()
        if self._announced.add(task):
            self._say()
        else:
            text = f"Not recorded: {task.task_id} is one external task more than {MOST_TASKS:,}."
            self._say_lines([text], Stream.SYSTEM, Level.WARNING)

    def _look_for_progress(self, text: str) -> None:
        percent = self._reader.read(text) if self._reader else None
        if percent is not None:
            self.progress(percent)

    def _say_lines(self, lines: list[str], stream: Stream, level: Level) -> None:
        self._say()
        if not self._is_lost:
            self._pending.add_lines(lines, stream, level, at_ms=clock.now_ms())

    def _say(self, *runs: Run) -> None:
        """Have something stored soon; the first of an attempt is that it runs."""
        if self._is_lost:
            return
        if not self.has_spoken:
            self.has_spoken = True
            self._pending.add(Run(clock.now_ms(), Kind.STATE, ["running"]))
        for run in runs:
            self._pending.add(run)
        self._has_news = True
        self._scribe.announce(self)

    async def _make_room(self) -> None:
        """Wait while too much is unwritten; where only the end will be kept anyway, give up the oldest of it instead."""
        most = self._scribe.most_pending
        if self._is_full and self._pending.size > most:
            self._pending.forget_down_to(most // 2)
            await asyncio.sleep(0)
        while not self._is_lost and self._pending and (self._pending.size > most or self._scribe.is_crowded):
            await self._wait()

    # What goes out

    @property
    def size(self) -> int:
        """How much text waits."""
        return self._pending.size

    def take_batch(self) -> Batch | None:
        """Hand over what is to be stored next; `confirm` or `abandon` says what became of it."""
        if self._is_in_flight or self._is_lost:
            return None
        self._has_news = False
        pending, self._pending = self._pending, Pending()
        self._number += 1
        self._is_in_flight = True
        return Batch(
            execution_id=self.execution_id,
            token=self.token,
            attempt=self.attempt,
            number=self._number,
            body=encode(pending.runs),
            entries=sum(len(run.values) for run in pending.runs),
            lines=sum(len(run.values) for run in pending.of_kind(Kind.OUTPUT)),
            dropped=pending.dropped,
            consumed=self._counts(),
            result=self._result,
            standing=self._standing(pending),
            tasks=self._announced.take() if self._announced else (),
            masks=self._hidden.take() if self._hidden else None,
        )

    def confirm(self, *, is_full: bool) -> None:
        """Learn that the batch is stored, and whether the journal is as long as its beginning may be."""
        self._is_in_flight = False
        self._is_full = is_full
        if self._has_news:
            self._scribe.announce(self)
        self._wake()

    def _counts(self) -> dict[str, int]:
        streams = {*self._consumed, *self._skip}
        return {str(stream): max(self._consumed[stream], self._skip.get(stream, 0)) for stream in streams}

    def _standing(self, pending: Pending) -> Standing | None:
        if not any(run.kind in {Kind.PROGRESS, Kind.STAGE} for run in pending.runs):
            return None
        return Standing(self.execution_id, self.token, self.attempt, self._progress, self._stage)

    async def _wait(self) -> None:
        self._settled = self._settled or asyncio.Event()
        self._settled.clear()
        await self._settled.wait()

    def _wake(self) -> None:
        if self._settled:
            self._settled.set()


def _level_of(stream: Stream) -> Level:
    return Level.ERROR if stream is Stream.STDERR else Level.INFO
