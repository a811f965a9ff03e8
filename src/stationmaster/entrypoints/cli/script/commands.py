"""What the author of a script types."""

import json
import time
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.progress import Progress

from stationmaster.domains.scripts.slug import make_slug
from stationmaster.entrypoints.cli.groups import PlainSpeakingGroup
from stationmaster.entrypoints.cli.script.following import ENDED, follow, write_log
from stationmaster.entrypoints.cli.script.project import make_project, pack_folder, read_manifest
from stationmaster.entrypoints.cli.script.station import Station, open_station
from stationmaster.entrypoints.cli.script.values import read_values
from stationmaster.entrypoints.cli.terminal import FAILED, MISUSED, Refusal, err, say

POLL_SECONDS = 1.0

app = typer.Typer(
    cls=PlainSpeakingGroup, no_args_is_help=True, help="Write, push and run scripts on a Stationmaster anywhere."
)

Url = Annotated[str, typer.Option(envvar="STATIONMASTER_URL", help="Address of the service.")]
Key = Annotated[str, typer.Option(envvar="STATIONMASTER_API_KEY", help="API key of a user.", show_default=False)]
Script = Annotated[str, typer.Argument(help="Slug or id of the script.")]
HERE = Path()
LOCAL = "http://127.0.0.1:8000"


@app.command("init")
def init_script(folder: Annotated[Path, typer.Argument(help="A new folder, or an empty one.")]) -> None:
    """Begin a script: a manifest and a program that shows parameters, progress and result."""
    for path in make_project(folder):
        say(f"Wrote {path}")
    say(f"Next: stationmaster script push {folder}")


@app.command("push")
def push_script(
    folder: Annotated[Path, typer.Argument(help="Folder with stationmaster.yaml.")] = HERE,
    url: Url = LOCAL,
    key: Key = "",
) -> None:
    """Send a folder as a new script, or as a new version of the script with its slug, and wait until it can be run."""
    manifest = read_manifest(folder)
    slug = manifest.get("slug") or make_slug(manifest["name"])
    archive = pack_folder(folder)
    with open_station(url, key) as station:
        known = station.find(f"/scripts/{slug}")
        path = f"/scripts/{slug}/versions" if known else "/scripts"
        made = station.post(path, files={"file": (f"{slug}.tar.gz", archive)})
        number = made["number"] if known else made["newest_version"]
        status = _wait_until_built(station, slug if known else made["slug"], number)
    say(f"{slug if known else made['slug']}, version {number}: {status}")
    if status != "SUCCESS":
        raise typer.Exit(FAILED)


@app.command("run")
def run_script(
    script: Script,
    values: Annotated[list[str] | None, typer.Argument(help="`name=value`; `name=@file` uploads a file.")] = None,
    *,
    params: Annotated[str, typer.Option(help="Values as a JSON object; those named one by one win.")] = "{}",
    confirm: Annotated[bool, typer.Option("--confirm", help="Say that a destructive script may do its work.")] = False,
    follow_it: Annotated[bool, typer.Option("--follow/--no-follow", help="Write its log until it has ended.")] = True,
    url: Url = LOCAL,
    key: Key = "",
) -> None:
    """Run a script, and follow it to its end; exit code 1 if it did not succeed."""
    given = _read_params(params)
    with open_station(url, key) as station:
        declared = station.get(f"/scripts/{script}")["parameters"]
        given |= read_values(station, declared, values or [])
        execution = station.post(f"/scripts/{script}/run", json={"params": given, "confirm": confirm})
        if not follow_it:
            say(execution["id"])
            return
        err.print(f"Execution {execution['id']}", markup=False)
        _finish(follow(station, execution["id"]))


@app.command("logs")
def show_logs(
    execution: Annotated[str, typer.Argument(help="Id of an execution, or slug of a script for its newest one.")],
    follow_it: Annotated[bool, typer.Option("--follow", "-f", help="Go on until it has ended.")] = False,
    url: Url = LOCAL,
    key: Key = "",
) -> None:
    """Write the log of an execution."""
    with open_station(url, key) as station:
        id_ = _find_execution(station, execution)
        if follow_it:
            _finish(follow(station, id_))
        else:
            write_log(station, id_)


@app.command("publish")
def publish_script(
    script: Script,
    undo: Annotated[bool, typer.Option("--undo", help="Make it private again.")] = False,
    url: Url = LOCAL,
    key: Key = "",
) -> None:
    """Let everybody who is signed in see and run a script."""
    with open_station(url, key) as station:
        shown = station.post(f"/scripts/{script}/{'unpublish' if undo else 'publish'}")
    say(f"{shown['slug']} is {'public' if shown['public'] else 'not public'} now.")


def _read_params(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except ValueError as error:
        raise Refusal(f"--params is no JSON: {error}", exit_code=MISUSED) from error
    if not isinstance(given, dict):
        raise Refusal("--params: write a JSON object.", exit_code=MISUSED)
    return given


def _wait_until_built(station: Station, slug: str, number: int) -> str:
    """Write the build log as it grows, until the version is ready or has failed."""
    last = 0
    with Progress(console=err, transient=True, disable=not err.is_terminal) as bar:
        bar.add_task("building", total=None)
        while True:
            version = _find_version(station, slug, number)
            lines = station.get(f"/scripts/{slug}/logs", version=number, after=last, size=100)["items"]
            for line in lines:
                say(line["text"])
                last = line["number"]
            if version["status"] in {"SUCCESS", "FAILED"} and not lines:
                return str(version["status"])
            if not lines:
                time.sleep(POLL_SECONDS)


def _find_version(station: Station, slug: str, number: int) -> dict[str, Any]:
    versions = station.get(f"/scripts/{slug}/versions", size=100)["items"]
    found: dict[str, Any] = next(each for each in versions if each["number"] == number)
    return found


def _find_execution(station: Station, text: str) -> str:
    if _is_id(text) and station.find(f"/executions/{text}") is not None:
        return text
    script = station.get(f"/scripts/{text}")
    newest = station.get("/scripts", filter=f"id = {script['id']}", include="executions")["items"][0]["executions"]
    if not newest:
        raise Refusal(f"The script {text} has not been run by you yet.")
    return str(newest[0]["id"])


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _finish(execution: dict[str, Any]) -> None:
    """Say how it ended, beside the log, and end as it did."""
    assert execution["state"] in ENDED
    seconds = f" in {execution['duration_seconds']:.1f} s" if execution["duration_seconds"] is not None else ""
    why = f": {execution['error']}" if execution["error"] else ""
    err.print(f"{execution['state']}{seconds}{why}", markup=False)
    if execution["result"] is not None:
        say(json.dumps(execution["result"], ensure_ascii=False))
    if execution["state"] != "succeeded":
        raise typer.Exit(FAILED)
