"""`stationmaster verify`: the auditor."""

import json
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from typing import Annotated

import typer
from rich.table import Table

from stationmaster.config import Settings
from stationmaster.db.engine import Database, open_database
from stationmaster.domains.executions import invariants
from stationmaster.domains.executions.invariants import Finding
from stationmaster.domains.jobs import ledger_check
from stationmaster.entrypoints.cli.house import log_troubles, read_settings, require_schema, run
from stationmaster.entrypoints.cli.terminal import FAILED, out, printable, say
from stationmaster.entrypoints.scheduler.leader import LEASE

EXAMPLES = 10
"""Findings shown of each rule; all are counted."""
PROMISES = ledger_check.PROMISES | invariants.PROMISES


@dataclass
class Verdict:
    """What was found of one rule."""

    rule: str
    promise: str
    violations: int = 0
    examples: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        self.violations += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(finding)


def verify(
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON document instead of a table.")] = False,
) -> None:
    """Check that the records keep what the service promises: every slot decided once, nothing lost, nothing stuck.

    Reads only, and may run beside working replicas. Exit code 1 when a promise is broken.
    """
    settings = read_settings()
    log_troubles(settings)
    verdicts = run(_judge(settings))
    _write_json(verdicts) if as_json else _write_table(verdicts)
    if any(verdict.violations for verdict in verdicts):
        raise typer.Exit(FAILED)


async def _judge(settings: Settings) -> list[Verdict]:
    verdicts = {rule: Verdict(rule, promise) for rule, promise in PROMISES.items()}
    async with open_database(settings.resolved_database_url) as database:
        await require_schema(database)
        async for finding in _find_all(database):
            verdicts[finding.rule].add(finding)
    return list(verdicts.values())


async def _find_all(database: Database) -> AsyncIterator[Finding]:
    async for finding in ledger_check.find_violations(database, lease=LEASE):
        yield finding
    async for finding in invariants.find_violations(database, lease=LEASE):
        yield finding


def _write_json(verdicts: list[Verdict]) -> None:
    document = {"ok": not any(verdict.violations for verdict in verdicts), "rules": [asdict(one) for one in verdicts]}
    typer.echo(json.dumps(document, indent=2))


def _write_table(verdicts: list[Verdict]) -> None:
    table = Table("Rule", "What must hold", "Found")
    for verdict in verdicts:
        found = f"[red]{verdict.violations} violations" if verdict.violations else "[green]ok"
        table.add_row(verdict.rule, verdict.promise, found)
    out.print(table)
    for verdict in verdicts:
        for example in verdict.examples:
            say(printable(f"{verdict.rule}: {example.subject}: {example.detail}"), style="red")
        if verdict.violations > len(verdict.examples):
            say(f"{verdict.rule}: and {verdict.violations - len(verdict.examples)} more", style="red")
