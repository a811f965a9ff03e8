"""The results for people."""

from rich.console import Console
from rich.table import Table

from bench.figures import median
from bench.run import Results, Samples
from bench.stand import Dialect


def write(results: Results, console: Console) -> None:
    """Show medians of all rounds, in brackets the lowest and the highest."""
    rounds, load = results.size.rounds, max(results.loads)
    table = Table(
        "what", *results.service, "aim", title=f"medians of {rounds} (lowest to highest), load up to {load:.1f}"
    )
    for what, aim, cells in _lines(results):
        table.add_row(what, *cells, aim)
    console.print(table)


def _lines(results: Results) -> list[tuple[str, str, list[str]]]:
    burst, small = results.size.burst, results.size.small_burst
    service, read, bare = results.service, results.read, results.bare
    return [
        (f"{burst} due at once: rows", "1 s", _cells(service, "rows_seconds", "s", 2)),
        ("  recorded as done", "", _cells(service, "recorded_seconds", "s", 2)),
        ("  executions/s, first start to last finish", "", _cells(service, "per_second", "", 0)),
        ("  executions/s, due to recorded", "", _cells(service, "per_second_from_due", "", 0)),
        ("  bare loop, calls/s", "", _cells(bare, "per_second", "", 0)),
        ("  ratio to the bare loop", "0.5", [f"{results.ratio(dialect):.2f}" for dialect in service]),
        ("  processor time of the service, each", "", _cells(service, "cpu_microseconds", "µs", 0)),
        ("  processor time of the bare loop, each", "", _cells(bare, "cpu_microseconds", "µs", 0)),
        ("  lateness p50", "", _cells(service, "lateness_p50_seconds", "s", 2)),
        ("  lateness p99", "", _cells(service, "lateness_p99_seconds", "s", 2)),
        ("  memory", "", _cells(service, "rss_mb", "MB", 0)),
        ("the same beside readers: executions/s", "", _cells(read, "per_second", "", 0)),
        ("  list of 50, p50", "", _cells(read, "api_list_p50_seconds", "ms", 0)),
        ("  list of 50, p99", "300 ms", _cells(read, "api_list_p99_seconds", "ms", 0)),
        ("  execute, p50", "", _cells(read, "api_execute_p50_seconds", "ms", 0)),
        ("  execute, p99", "300 ms", _cells(read, "api_execute_p99_seconds", "ms", 0)),
        (f"{small} due at once: lateness p50", "", _cells(results.small, "lateness_p50_seconds", "ms", 0)),
        ("  lateness p99", "300 ms", _cells(results.small, "lateness_p99_seconds", "ms", 0)),
        ("idle: memory, shared pages too", "120 MB", _cells(results.idle, "rss_mb", "MB", 0)),
        ("  private memory", "", _cells(results.idle, "private_mb", "MB", 0)),
        ("  start until ready", "", _cells(results.idle, "start_seconds", "s", 2)),
        ("  processor", "", _cells(results.idle, "cpu_percent", "%", 1)),
        *_tick_lines(results),
    ]


def _cells(samples: dict[Dialect, Samples], name: str, unit: str, digits: int) -> list[str]:
    return [_cell(values[name], unit, digits) for values in samples.values()]


def _cell(values: list[float], unit: str, digits: int) -> str:
    factor = 1000 if unit == "ms" else 1
    low, middle, high = (f"{value * factor:.{digits}f}" for value in (min(values), median(values), max(values)))
    return f"{middle} {unit} ({low} to {high})" if len(values) > 1 else f"{middle} {unit}"


def _tick_lines(results: Results) -> list[tuple[str, str, list[str]]]:
    lines = []
    for number, due in enumerate(results.size.ticks):
        figures = [ticks[number] for ticks in results.ticks.values()]
        cells = [f"{one['seconds']:.3f} s, {one['cpu_microseconds_each']:.0f} µs each" for one in figures]
        lines.append((f"tick alone, {due} due", "", cells))
    last = [ticks[-1] for ticks in results.ticks.values()]
    cells = [f"{one['seconds_among']:.3f} s" for one in last]
    lines.append((f"tick alone, {results.size.ticks[-1]} due among {results.size.asleep} more", "", cells))
    cells = [f"p50 {one['nothing_due_p50_ms']:.2f} ms, p99 {one['nothing_due_p99_ms']:.2f} ms" for one in last]
    lines.append((f"tick alone, nothing due of {results.size.asleep}", "", cells))
    return lines
