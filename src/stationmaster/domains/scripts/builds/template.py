"""The folder from which an image is built: a Dockerfile of ours, and the author's files as plain data."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement

from stationmaster.outbound.docker.archive import Member, pack

REQUIREMENTS = "requirements.txt"
DOCKERFILE = "Dockerfile"
FOLDER = "/script"
CONTEXT = "files"
"""Where the author's files are in the folder that is built, out of the way of the Dockerfile."""
INTERPRETERS = {".py": "python", ".sh": "/bin/sh"}
EXECUTABLE = 0o555
_HASH = re.compile(r"\s--hash=sha256:[0-9a-f]{64}(?=\s|$)")


class CannotBuild(Exception):
    """The archive is not one that is built here; says why."""


def make_context(
    files: Mapping[str, bytes], entrypoint: Sequence[str], *, base: str, uid: int, allows_dockerfile: bool
) -> bytes:
    """Return the tar file to build: with the author's own Dockerfile where that is allowed, else with ours.

    Raises:
        CannotBuild: there is a Dockerfile though none is allowed, or a requirement that is more than a package.
    """
    if DOCKERFILE not in files:
        dockerfile = write_dockerfile(files, entrypoint, base=base, uid=uid)
        members = [Member(f"{CONTEXT}/{name}", content, mode=EXECUTABLE) for name, content in files.items()]
        return pack([Member(DOCKERFILE, dockerfile.encode()), *members])
    if not allows_dockerfile:
        raise CannotBuild("Own Dockerfiles are not built here: STATIONMASTER_BUILDS__ALLOW_DOCKERFILE is off.")
    return pack(Member(name, content, mode=EXECUTABLE) for name, content in files.items())


def write_dockerfile(files: Mapping[str, bytes], entrypoint: Sequence[str], *, base: str, uid: int) -> str:
    """Write the Dockerfile. Nothing of the author's gets into it but the entry point, as JSON.

    Packages are installed as wheels alone, so that nothing of theirs runs as root while the image is built.
    """
    lines = [f"FROM {base}", "ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1", f"WORKDIR {FOLDER}"]
    if REQUIREMENTS in files:
        check_requirements(files[REQUIREMENTS].decode(errors="replace"))
        lines += [
            f"COPY {CONTEXT}/{REQUIREMENTS} /tmp/{REQUIREMENTS}",
            f"RUN pip install --no-cache-dir --disable-pip-version-check --only-binary=:all: -r /tmp/{REQUIREMENTS}",
        ]
    lines += [f"COPY {CONTEXT}/ {FOLDER}/", f"USER {uid}:{uid}", f"ENTRYPOINT {json.dumps(_command(entrypoint))}"]
    return "\n".join(lines) + "\n"


def check_requirements(text: str) -> None:
    """Refuse options, addresses, paths and continued lines: what is left are packages of the house's own index.

    Raises:
        CannotBuild: names the line.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        wanted = _HASH.sub("", re.sub(r"(^|\s)#.*$", "", line)).strip()
        if wanted and not _is_package(wanted):
            raise CannotBuild(
                f"Line {number} of {REQUIREMENTS} is refused: only NAME==VERSION and the like may stand there, "
                "no option, address, path or second line."
            )


def _is_package(text: str) -> bool:
    try:
        return text.isascii() and text.isprintable() and Requirement(text).url is None
    except InvalidRequirement:
        return False


def _command(entrypoint: Sequence[str]) -> list[str]:
    if len(entrypoint) > 1:
        return list(entrypoint)
    path = PurePosixPath(FOLDER) / entrypoint[0]
    interpreter = INTERPRETERS.get(path.suffix)
    return [interpreter, str(path)] if interpreter else [str(path)]
