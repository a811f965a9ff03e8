"""Archives for tests, also such as no honest program makes."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

MANIFEST = "name: Say hello\n"
MAIN = "print('hello')\n"
FILES = {"stationmaster.yaml": MANIFEST, "main.py": MAIN}


def tar(files: Mapping[str, str | bytes] = FILES, *more: tarfile.TarInfo, mode: str = "w:gz") -> bytes:
    """Make a tar.gz of files, and of headers without content."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:  # type: ignore[call-overload]  # the mode is a variable
        for name, text in files.items():
            content = text if isinstance(text, bytes) else text.encode()
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
        for header in more:
            archive.addfile(header)
    return packed.getvalue()


def header(name: str, kind: bytes = tarfile.REGTYPE, **facts: Any) -> tarfile.TarInfo:
    """Make a header of a tar archive."""
    made = tarfile.TarInfo(name)
    made.type = kind
    for fact, value in facts.items():
        setattr(made, fact, value)
    return made


def raw_tar(*blocks: bytes) -> bytes:
    """Pack blocks that may be anything."""
    return gzip.compress(b"".join(blocks) + b"\0" * 1024)


def zipped(
    files: Mapping[str, str | bytes] = FILES,
    change: Callable[[zipfile.ZipInfo], None] | None = None,
    method: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """Make a zip of files; `change` may spoil the entries."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = method
            if change is not None:
                change(entry)
            archive.writestr(entry, content)
    return packed.getvalue()
