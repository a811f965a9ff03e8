"""What the traces of an ended run mean."""

import signal
from dataclasses import dataclass

from stationmaster.outbound.sandbox.order import MIB, Cause, Limits

SIGNAL_BASE = 128
NEARLY = 0.9
"""A run that failed with so much of its memory in use failed for want of memory."""


@dataclass(frozen=True, slots=True)
class Traces:
    """What is known of an ended run: why we stopped it, if we did; its exit code, in the way of shells; what it used."""

    stopped_for: Cause | None
    exit_code: int | None
    complaint: str
    peak_memory_bytes: int
    cpu_seconds: float
    is_out_of_memory: bool


def judge(traces: Traces, limits: Limits, *, largest_file_bytes: int) -> tuple[Cause, str]:
    """Say why a run ended, also in a sentence. Limits come before the exit code, which is only how the program took it."""
    cause = _cause(traces, limits, has_full_file=largest_file_bytes >= limits.file_bytes)
    return cause, _text(cause, traces, limits)


def _cause(traces: Traces, limits: Limits, *, has_full_file: bool) -> Cause:
    if traces.is_out_of_memory:
        return Cause.MEMORY
    if traces.stopped_for is not None:
        return traces.stopped_for
    if traces.exit_code is None:
        return Cause.NOT_STARTED
    if traces.exit_code == 0:
        return Cause.EXITED
    return _cause_of_failure(traces, limits, has_full_file=has_full_file)


def _cause_of_failure(traces: Traces, limits: Limits, *, has_full_file: bool) -> Cause:
    number = _signal_of(traces.exit_code)
    if number == signal.SIGXCPU or (number == signal.SIGKILL and traces.cpu_seconds >= limits.cpu_seconds):
        return Cause.CPU
    if number == signal.SIGXFSZ or has_full_file:
        return Cause.FILE_SIZE
    if traces.peak_memory_bytes >= limits.memory_bytes * NEARLY:
        return Cause.MEMORY
    return Cause.SIGNALLED if number else Cause.EXITED


def _signal_of(exit_code: int | None) -> int | None:
    number = (exit_code or 0) - SIGNAL_BASE
    return number if number in _SIGNALS else None


_SIGNALS = frozenset(int(each) for each in signal.Signals)


def _text(cause: Cause, traces: Traces, limits: Limits) -> str:
    number = _signal_of(traces.exit_code) or signal.SIGKILL
    texts = {
        Cause.EXITED: f"It ended with exit code {traces.exit_code}.",
        Cause.SIGNALLED: f"It was ended by {signal.Signals(number).name}.",
        Cause.TIMEOUT: f"It had not ended after {limits.wall_seconds:g} seconds.",
        Cause.CPU: f"It used more than {limits.cpu_seconds} seconds of processor time.",
        Cause.MEMORY: f"It needed more than {limits.memory_bytes // MIB} MiB of memory.",
        Cause.FILE_SIZE: f"It wrote a file up to the limit of {limits.file_bytes // MIB} MiB.",
        Cause.DISK: f"It filled its folder: more than {limits.disk_bytes // MIB} MiB, or too many files.",
        Cause.OUTPUT: f"It wrote more than {limits.output_bytes // MIB} MiB of output.",
        Cause.BLOCKED: "It wants what is not granted here.",
        Cause.NOT_STARTED: f"The sandbox could not be made: {traces.complaint or 'it ended without a word'}.",
    }
    return texts[cause]
