"""`stationmaster doctor`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.table import Column, Table
from rich.text import Text

from stationmaster.config import Settings
from stationmaster.entrypoints.cli.doctor import machine, storage
from stationmaster.entrypoints.cli.doctor.finding import Diagnosis, Status
from stationmaster.entrypoints.cli.house import log_troubles, read_settings, run
from stationmaster.entrypoints.cli.refusals import describe_settings
from stationmaster.entrypoints.cli.serve import Host, Port
from stationmaster.entrypoints.cli.terminal import FAILED, Refusal, out, printable

STYLES = {Status.OK: "green", Status.WARNING: "yellow", Status.PROBLEM: "red"}
NO_ADVICE = "Correct the setting; docs/reference/settings.md lists them all."


def doctor(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON document instead of a table.")] = False,
) -> None:
    """Examine this machine and its settings, and say what to do about what is wrong.

    Changes nothing. Exit code 1 when there is a problem without whose cure the service cannot work.
    """
    diagnoses = _examine_all(host, port)
    _write_json(diagnoses) if as_json else _write_table(diagnoses)
    if any(diagnosis.status is Status.PROBLEM for diagnosis in diagnoses):
        raise typer.Exit(FAILED)


def _examine_all(host: str, port: int) -> list[Diagnosis]:
    try:
        settings = read_settings()
    except ValidationError as error:
        return [Diagnosis.problem("settings", text, NO_ADVICE) for text in describe_settings(error)]
    except Refusal as refusal:
        return [Diagnosis.problem("settings", str(refusal), NO_ADVICE)]
    log_troubles(settings)
    return [Diagnosis.ok("settings", "All can be read."), *run(_examine(settings, host, port))]


async def _examine(settings: Settings, host: str, port: int) -> list[Diagnosis]:
    return [
        storage.examine_key(settings),
        machine.examine_folder(settings),
        machine.examine_disk(settings),
        *await storage.examine_storage(settings),
        machine.examine_zones(settings),
        machine.examine_open_files(settings),
        machine.examine_port(host, port),
        await machine.examine_docker(settings.docker),
        await machine.examine_sandbox(settings),
    ]


def _write_json(diagnoses: Sequence[Diagnosis]) -> None:
    is_ok = all(diagnosis.status is not Status.PROBLEM for diagnosis in diagnoses)
    typer.echo(json.dumps({"ok": is_ok, "checks": [asdict(diagnosis) for diagnosis in diagnoses]}, indent=2))


def _write_table(diagnoses: Sequence[Diagnosis]) -> None:
    table = Table("Examined", "", Column("Finding", overflow="fold"), Column("What to do", overflow="fold"))
    for each in diagnoses:
        status = Text(each.status.value, style=STYLES[each.status])
        table.add_row(each.name, status, Text(printable(each.text)), Text(printable(each.advice)))
    out.print(table)
