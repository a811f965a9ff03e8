"""One run of the bench: everything in rounds, the rivals next to each other, so that a noisy minute hits both."""

import os
import platform
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.bare import run_bare
from bench.burst import Burst, answers_of, figures_of, make_plans, measure_burst
from bench.figures import median
from bench.idle import measure_idle
from bench.receiver import running_receiver
from bench.stand import DIALECTS, Dialect, Stand, Template, open_stand
from bench.ticks import measure_ticks

PORTS = 4
"""Four target hosts, because a replica makes at most 64 calls at once to one."""
IN_FLIGHT = 256
"""As the service by default."""

Samples = dict[str, list[float]]


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    rounds: int
    burst: int
    small_burst: int
    ticks: tuple[int, ...]
    asleep: int


FULL = Size(rounds=3, burst=10_000, small_burst=1_000, ticks=(1_000, 10_000), asleep=100_000)
QUICK = Size(rounds=1, burst=2_000, small_burst=1_000, ticks=(1_000,), asleep=10_000)


@dataclass
class Results:
    """Samples of all rounds, by subject and figure."""

    size: Size
    bare: dict[Dialect, Samples] = field(default_factory=dict)
    service: dict[Dialect, Samples] = field(default_factory=dict)
    read: dict[Dialect, Samples] = field(default_factory=dict)
    """The same burst while somebody uses the API."""
    small: dict[Dialect, Samples] = field(default_factory=dict)
    idle: dict[Dialect, Samples] = field(default_factory=dict)
    ticks: dict[Dialect, list[Mapping[str, float]]] = field(default_factory=dict)
    loads: list[float] = field(default_factory=list)

    def ratio(self, dialect: Dialect) -> float:
        """Return the service's rate over the bare loop's."""
        return median(self.service[dialect]["per_second"]) / median(self.bare[dialect]["per_second"])

    def document(self) -> dict[str, Any]:
        """Return everything for JSON, with the machine it holds for."""
        return {
            "machine": platform.platform(),
            "processors": os.cpu_count(),
            "python": platform.python_version(),
            "loads": self.loads,
            "ratio": {dialect: self.ratio(dialect) for dialect in self.service},
            "bare": self.bare,
            "service": self.service,
            "read": self.read,
            "small": self.small,
            "idle": self.idle,
            "ticks": self.ticks,
        }


async def run(size: Size, console: Console) -> Results:
    """Measure everything in a temporary folder."""
    results = Results(size)
    with tempfile.TemporaryDirectory(prefix="stationmaster-bench-") as name:
        async with open_stand(Path(name)) as stand, running_receiver(PORTS) as ports:
            await _measure_bursts(stand, ports, results, console)
            await _measure_idle(stand, results, console)
            await _measure_ticks(stand, results, console)
    return results


async def _measure_bursts(stand: Stand, ports: list[int], results: Results, console: Console) -> None:
    size = results.size
    large = {dialect: await stand.make_template(dialect, make_plans(ports, size.burst)) for dialect in DIALECTS}
    small = {dialect: await stand.make_template(dialect, make_plans(ports, size.small_burst)) for dialect in DIALECTS}
    bare: dict[Dialect, list[dict[str, float]]] = defaultdict(list)
    bursts: dict[Dialect, list[Burst]] = defaultdict(list)
    read: dict[Dialect, list[Burst]] = defaultdict(list)
    small_bursts: dict[Dialect, list[Burst]] = defaultdict(list)
    for number in range(1, size.rounds + 1):
        for dialect in DIALECTS:
            bare[dialect].append(await _measure_bare(stand, dialect, size.burst, ports))
            bursts[dialect].append(await _measure_burst(stand, large[dialect], size.burst))
            read[dialect].append(await _measure_burst(stand, large[dialect], size.burst, has_readers=True))
            small_bursts[dialect].append(await _measure_burst(stand, small[dialect], size.small_burst))
            results.loads.append(os.getloadavg()[0])
            rate, yardstick = bursts[dialect][-1].per_second, bare[dialect][-1]["per_second"]
            console.print(
                f"round {number}, {dialect}: {rate:.0f}/s, bare {yardstick:.0f}/s, load {results.loads[-1]:.1f}"
            )
    for dialect in DIALECTS:
        results.bare[dialect] = _transpose(bare[dialect])
        results.service[dialect] = dict(figures_of(bursts[dialect]))
        results.read[dialect] = {**figures_of(read[dialect]), **answers_of(read[dialect])}
        results.small[dialect] = dict(figures_of(small_bursts[dialect]))


async def _measure_bare(stand: Stand, dialect: Dialect, count: int, ports: list[int]) -> dict[str, float]:
    async with stand.empty(dialect) as database:
        await stand.settle()
        return await run_bare(database, count, IN_FLIGHT, ports)


async def _measure_burst(stand: Stand, template: Template, count: int, *, has_readers: bool = False) -> Burst:
    return await measure_burst(stand, template, count, stand.folder / "service.log", has_readers=has_readers)


async def _measure_idle(stand: Stand, results: Results, console: Console) -> None:
    for dialect in DIALECTS:
        rounds = [await measure_idle(stand, dialect, stand.folder / "idle.log") for _ in range(results.size.rounds)]
        results.idle[dialect] = _transpose(rounds)
        console.print(f"idle, {dialect}: {median(results.idle[dialect]['rss_mb']):.0f} MB")


async def _measure_ticks(stand: Stand, results: Results, console: Console) -> None:
    for dialect in DIALECTS:
        results.ticks[dialect] = []
        for due in results.size.ticks:
            template = await stand.make_template(dialect, make_plans([9], due))
            async with stand.copy(template) as url:
                asleep = results.size.asleep if due == results.size.ticks[-1] else 0
                results.ticks[dialect].append(await measure_ticks(url, due, asleep))
        console.print(f"ticks, {dialect}: {results.ticks[dialect][-1]['seconds']:.2f} s")


def _transpose(rounds: list[dict[str, float]]) -> Samples:
    return {name: [one[name] for one in rounds] for name in rounds[0]}
