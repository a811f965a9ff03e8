"""`python -m bench.faults [--quick] [--seed N] [--json FILE]`"""

import asyncio
import random
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.faults import report
from bench.faults.profile import FULL, QUICK
from bench.faults.run import run, temporary_folder


def main(
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Two minutes instead of ten.")] = False,
    seed: Annotated[int, typer.Option(help="Which faults, when; 0 draws one.")] = 0,
    json: Annotated[Path | None, typer.Option(help="Write the findings to this file, too.")] = None,
    keep: Annotated[Path | None, typer.Option(help="Keep logs and data in this folder, which must not exist.")] = None,
) -> None:
    """Kill, freeze and restart real replicas at random while they work; say what was lost. Exit code 1 if anything was."""
    profile = replace(QUICK if quick else FULL, seed=seed or random.randrange(1, 10**6))
    console = Console(width=150)
    console.print(f"{profile.faults} faults, seed {profile.seed}: repeat with --seed {profile.seed}")
    if keep is not None:
        keep.mkdir()
    with nullcontext(keep) if keep else temporary_folder() as folder:
        findings = asyncio.run(run(profile, folder))
    report.write(findings, console)
    if json is not None:
        report.save(findings, json)
    raise typer.Exit(bool(findings.complaints()))


typer.run(main)
