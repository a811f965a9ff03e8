"""The folder of a script: a first one to begin with, and any one as an archive."""

import io
import tarfile
from pathlib import Path
from typing import Any

import yaml

from stationmaster.domains.scripts.slug import make_slug
from stationmaster.entrypoints.cli.terminal import MISUSED, Refusal

MANIFEST = "stationmaster.yaml"
LARGEST_BYTES = 200_000_000
LEFT_OUT = frozenset({"__pycache__", "node_modules", "venv"})

_MANIFEST = """\
name: {name}
slug: {slug}
description: Greets somebody.
runtime: sandbox
entrypoint: main.py
timeout_seconds: 60
parameters:
  properties:
    greeted:
      type: string
      title: Who is greeted
      default: world
      maxLength: 100
      bind: {{as: argument}}
    times:
      type: integer
      default: 3
      minimum: 1
      maximum: 100
      bind: {{as: flag}}
"""
_MAIN = """\
import argparse
import json
import time

parser = argparse.ArgumentParser()
parser.add_argument("greeted")
parser.add_argument("--times", type=int, default=3)
arguments = parser.parse_args()

print("::stage greeting")
for number in range(1, arguments.times + 1):
    print(f"Hello, {arguments.greeted}!")
    print(f"::progress {number}/{arguments.times}")
    time.sleep(0.2)

print("::result " + json.dumps({"greeted": arguments.greeted, "times": arguments.times}))
"""


def make_project(folder: Path) -> list[Path]:
    """Write a first script into a new folder, or an empty one; return what was written.

    Raises:
        Refusal: there is something in the folder.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refusal(f"{folder} is there already, and is not empty.", exit_code=MISUSED)
    name = folder.resolve().name
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        MANIFEST: _MANIFEST.format(name=yaml.safe_dump(name).split("\n")[0], slug=make_slug(name)),
        "main.py": _MAIN,
    }
    for file, text in texts.items():
        (folder / file).write_text(text, "utf-8")
    return [folder / file for file in texts]


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a folder, as far as this client looks at it; the service checks the rest.

    Raises:
        Refusal: there is none, or it cannot be read.
    """
    path = folder / MANIFEST
    try:
        manifest = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise Refusal(f"{path}: {error.strerror}. `stationmaster script init` makes one.", exit_code=MISUSED) from error
    except (yaml.YAMLError, ValueError) as error:
        raise Refusal(f"{path} cannot be read as YAML: {error}", exit_code=MISUSED) from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("name"), str):
        raise Refusal(f"{path} does not say the `name` of the script.", exit_code=MISUSED)
    return manifest


def pack_folder(folder: Path) -> bytes:
    """Pack the files of a folder; hidden ones, caches and environments stay out, and so do links."""
    packed, size = io.BytesIO(), 0
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder)
            if path.is_symlink() or not path.is_file() or any(_is_left_out(part) for part in relative.parts):
                continue
            content = path.read_bytes()
            size += len(content)
            if size > LARGEST_BYTES:
                raise Refusal(
                    f"{folder} has more than {LARGEST_BYTES:,} bytes; is it the right folder?", exit_code=MISUSED
                )
            header = tarfile.TarInfo(relative.as_posix())
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return packed.getvalue()


def _is_left_out(part: str) -> bool:
    return part.startswith(".") or part in LEFT_OUT
