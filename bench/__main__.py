"""`python -m bench [--quick] [--json FILE]`"""

import asyncio
import json as json_module
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench import report
from bench.run import FULL, QUICK, run


def main(
    *,
    quick: Annotated[bool, typer.Option("--quick", help="One small round.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write all samples to this file, too.")] = None,
) -> None:
    """Measure throughput, lateness, memory and ticks on this machine, next to a bare loop that does the same calls."""
    console = Console(width=150)
    results = asyncio.run(run(QUICK if quick else FULL, console))
    report.write(results, console)
    if json is not None:
        json.write_text(json_module.dumps(results.document(), indent=1))


typer.run(main)
