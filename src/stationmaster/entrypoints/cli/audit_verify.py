"""`stationmaster audit-verify`: walks the chain of the audit log, without a running service."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from stationmaster.domains.audit.chain import SealKey
from stationmaster.domains.audit.verdict import Break, Link, Verdict
from stationmaster.domains.audit.verifying import verify
from stationmaster.entrypoints.cli.house import open_house, run
from stationmaster.entrypoints.cli.terminal import FAILED, MISUSED, Refusal, say
from stationmaster.entrypoints.secret_key import load_secret_key


def audit_verify(
    seal: Annotated[int | None, typer.Option(min=1, help="Number of a seal that was seen before.")] = None,
    digest: Annotated[str | None, typer.Option(help="The digest that it had.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON document instead of lines.")] = False,
) -> None:
    """Verify that no entry of the audit log was changed or removed since it was sealed.

    Reads only, and may run beside working replicas. With `--seal` and `--digest` of a seal that was seen before, also that
    nothing was cut off the end since then. Exit code 1 when the chain is broken.
    """
    if (seal is None) != (digest is None):
        raise Refusal("Give --seal and --digest together.", exit_code=MISUSED)
    verdict = run(_verify(Link(seal, digest) if seal is not None and digest is not None else None))
    if as_json:
        typer.echo(json.dumps(asdict(verdict), indent=2))
    else:
        _write_lines(verdict)
    if verdict.broken:
        raise typer.Exit(FAILED)


async def _verify(anchor: Link | None) -> Verdict:
    async with open_house() as house:
        return await verify(house.database, SealKey.of(load_secret_key(house.settings)), anchor)


def _write_lines(verdict: Verdict) -> None:
    say(
        f"{verdict.entries} entries in {verdict.seals} seals are what was signed; {verdict.unsealed} wait for their seal."
    )
    if verdict.head:
        say(f"Last seal: --seal {verdict.head.seal} --digest {verdict.head.digest}")
    if verdict.broken:
        say(_describe(verdict.broken), style="red")


def _describe(broken: Break) -> str:
    places = (("seal", broken.seal), ("place", broken.sequence), ("id", broken.id))
    told = ", ".join(f"{name} {value}" for name, value in places if value is not None)
    return f"Here the chain breaks: {broken.what} {broken.fault.value} ({told})."
