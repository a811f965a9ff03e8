"""An image with this machine's own Python and pip, to build others on: nothing can be pulled.

pip finds packages in `/wheels` of the image and nowhere else, as the configuration in it says: the house's own index.
"""

import ensurepip
import io
import re
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from zipfile import ZipFile

from tests.support.docker import IMAGE, DockerServer

PYTHON_IMAGE = "python:test"
PIP = b'#!/bin/sh\nexec python -m pip "$@"\n'
PIP_CONFIG = b"[global]\nno-index = true\nfind-links = /wheels\n"
LEFT_OUT = re.compile(
    r"/(test|tests|idlelib|tkinter|turtledemo|lib2to3|__pycache__|(site|dist)-packages|config-[^/]+)/"
)
LIBRARY = re.compile(r"(/\S+) \(0x")


def make_python_image(server: DockerServer, wheels: Mapping[str, bytes]) -> str:
    """Make the image and return its name; `wheels` are the files that pip finds."""
    interpreter = Path(sys.executable).resolve()
    name = f"python{sysconfig.get_python_version()}"
    library = dict(_standard_library(Path(sysconfig.get_path("stdlib"))))
    content: dict[str, bytes | Path] = {
        "/etc/pip.conf": PIP_CONFIG,
        "/usr/local/bin/pip": PIP,
        f"/usr/local/bin/{name}": interpreter,
        **{f"/usr/local/lib/{name}/{path}": file for path, file in library.items()},
        **{f"/usr/local/lib/{name}/{path}": data for path, data in _pip()},
        **{f"/wheels/{wheel}": data for wheel, data in wheels.items()},
        **{
            path: Path(path)
            for path in _shared(interpreter, *(file for file in library.values() if file.suffix == ".so"))
        },
    }
    container = server.call("create", IMAGE, "true").stdout.decode().strip()
    files = _append(server.call("export", container).stdout, content, links={"/usr/local/bin/python": name})
    server.call("rm", container)
    server.call("import", "-", PYTHON_IMAGE, data=files)
    return PYTHON_IMAGE


def _standard_library(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        relative = path.relative_to(folder).as_posix()
        if not LEFT_OUT.search(f"/{relative}") and path.is_file():
            yield relative, path


def _pip() -> Iterator[tuple[str, bytes]]:
    """Yield the files of the pip that this Python brings for its virtual environments."""
    folder = sysconfig.get_config_var("WHEEL_PKG_DIR") or Path(ensurepip.__file__).parent / "_bundled"
    [wheel] = Path(folder).glob("pip-*.whl")
    with ZipFile(wheel) as opened:
        yield from ((name, opened.read(name)) for name in opened.namelist() if not name.endswith("/"))


def _shared(*programs: Path) -> set[str]:
    """Return the shared libraries that these load, and what loads them."""
    said = subprocess.run(["ldd", *programs], check=True, capture_output=True, text=True).stdout
    return set(LIBRARY.findall(said))


def _append(base: bytes, content: Mapping[str, bytes | Path], links: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO(base)
    with tarfile.open(fileobj=buffer, mode="a") as archive:
        for path, found in content.items():
            data = found if isinstance(found, bytes) else found.read_bytes()
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(data), 0o755
            archive.addfile(member, io.BytesIO(data))
        for path, aim in links.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.type, member.linkname = tarfile.SYMTYPE, aim
            archive.addfile(member)
    return buffer.getvalue()
