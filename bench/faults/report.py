"""The findings for people, and as JSON."""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.faults.cluster import Kind
from bench.faults.run import Findings
from bench.figures import percentile


def write(findings: Findings, console: Console) -> None:
    """Show the findings as a table."""
    table = Table("what", "found", "must be", title=f"faults: {findings.profile.name}, seed {findings.profile.seed}")
    for what, found, must in _lines(findings):
        table.add_row(what, found, must)
    console.print(table)
    for complaint in findings.complaints():
        console.print(complaint, style="red", markup=False)
    console.print("warnings and errors in the logs of the replicas:")
    for event, count in findings.log.most_common(20):
        console.print(f"  {count:6d}  {event}", markup=False)


def _lines(f: Findings) -> list[tuple[str, str, str]]:
    verdict, recoveries, bound = f.verdict, f.recoveries, f"p99 < {f.profile.recovery_bound:g} s"
    return [
        ("duration; load of the machine", f"{f.seconds:.0f} s; {f.load:.1f}", ""),
        ("faults", ", ".join(f"{count} {kind}" for kind, count in f.faults.items()), ""),
        ("slots planned", str(verdict.planned_slots), ""),
        ("slots missing / repeated / unplanned", _three(verdict), "0 / 0 / 0"),
        ("executions", f"{verdict.executions}: " + ", ".join(f"{n} {s}" for s, n in _sorted(verdict.states)), ""),
        ("executions without an end", str(verdict.not_ended), "0"),
        ("accepted requests; of these lost", f"{verdict.promised}; {verdict.broken_promises}", "0 lost"),
        ("succeeded without an effect", str(verdict.succeeded_without_effect), "0"),
        ("effects; repeated, dropped by message id", f"{verdict.effects}; {verdict.repeated_effects}", ""),
        ("effects of nobody / beyond attempts", _two(verdict), "0 / 0"),
        ("attempts lost without a cause", str(len(recoveries.without_cause)), "0"),
        ("attempts given up by a starved replica", str(recoveries.given_up), ""),
        ("recovery after kill -9", _spread(recoveries.after_kill), bound),
        ("recovery after a freeze", _spread(recoveries.after_freeze), bound),
        ("ended after three crashes", str(recoveries.poisoned), ""),
        *((f"take-over after {kind}", _spread(f.take_overs.after[kind]), must) for kind, must in _TAKE_OVERS.items()),
        ("terms; of the take-overs by the same replica", f"{f.terms}; {f.take_overs.resumed}", ""),
        ("database away", _spread(f.outages), ""),
        ("work again after the database is back", _spread(f.returns), "< 5 s"),
        ("polite stop of a replica", _spread(f.stops), "< 30 s"),
        ("start of a replica until ready", _spread(f.starts), ""),
        ("replicas that ended by themselves", str(len(f.own_ends)), "0"),
        ("stationmaster verify", "ok" if f.audit.get("ok") else "broken promises", "ok"),
    ]


_TAKE_OVERS: dict[Kind, str] = {"kill": "p99 < 8 s", "freeze": "p99 < 8 s", "term": "p99 < 1 s"}


def _three(verdict: Any) -> str:
    return f"{verdict.missing_slots} / {verdict.repeated_slots} / {verdict.unplanned_slots}"


def _two(verdict: Any) -> str:
    return f"{verdict.effects_of_nobody} / {verdict.effects_beyond_attempts}"


def _sorted(states: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(states.items(), key=lambda item: -item[1])


def _spread(samples: Sequence[float]) -> str:
    if not samples:
        return "none"
    p50, p99 = percentile(samples, 0.5), percentile(samples, 0.99)
    return f"p50 {p50:.2f} s, p99 {p99:.2f} s, max {max(samples):.2f} s (n={len(samples)})"


def save(findings: Findings, path: Path) -> None:
    """Write everything as JSON."""
    document = {"machine": platform.platform(), "complaints": findings.complaints()} | asdict(findings)
    path.write_text(json.dumps(document, indent=1, default=str))
