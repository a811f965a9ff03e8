"""A corpus of hostile archives: each is refused, and nothing of it is written anywhere."""

import struct
import tarfile
import zipfile
from collections.abc import Callable

from tests.support.archives import FILES, header, raw_tar, tar, zipped

BOMB_BYTES = 40_000_000


def _octal(header_bytes: bytes, start: int, value: bytes) -> bytes:
    """Change a field of a tar header and mend its checksum."""
    changed = bytearray(header_bytes)
    changed[start : start + len(value)] = value
    changed[148:156] = b" " * 8
    changed[148:156] = b"%06o\0 " % sum(changed)
    return bytes(changed)


def _plain(name: str = "a", size: int = 0, kind: bytes = tarfile.REGTYPE) -> bytes:
    return header(name, kind, size=size).tobuf()


def _pax(records: bytes) -> bytes:
    padded = records + b"\0" * (-len(records) % 512)
    return _plain("pax", len(records), tarfile.XHDTYPE) + padded


def _record(key: str, value: str) -> bytes:
    body = f" {key}={value}\n"
    length = len(body) + 1
    while len(f"{length}{body}") != length:
        length += 1
    return f"{length}{body}".encode()


def _long_name_chain(count: int) -> bytes:
    block = b"././@LongLink".ljust(512, b"\0")
    return b"".join(_plain("././@LongLink", 512, tarfile.GNUTYPE_LONGNAME) + block for _ in range(count))


def _overlapping_zip() -> bytes:
    """Let two entries of the list point to one content (Fifield, "A better zip bomb")."""
    data = zipped({"a": b"x" * 1000, "b": b"x" * 1000})
    second = data.rindex(b"PK\x01\x02")
    return data[: second + 42] + struct.pack("<L", 0) + data[second + 46 :]


def _lying_zip() -> bytes:
    """Claim in the list that a content is smaller than it is."""
    data = bytearray(zipped({"a": b"x" * 100_000}))
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<L", 10)
    return bytes(data)


def _mode(mode: int) -> Callable[[zipfile.ZipInfo], None]:
    def change(entry: zipfile.ZipInfo) -> None:
        entry.create_system = 3
        entry.external_attr = mode << 16

    return change


def _flagged_as_encrypted() -> bytes:
    data = bytearray(zipped({"a": "x"}))
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


HOSTILE: dict[str, bytes] = {
    "parent folder": tar({**FILES, "../evil": ""}),
    "parent folder inside": tar({**FILES, "a/../../evil": ""}),
    "absolute path": tar({**FILES, "/etc/evil": ""}),
    "drive": tar({**FILES, "C:/evil": ""}),
    "backslashes": tar({**FILES, "..\\evil": ""}),
    "home": tar({**FILES, "./~root/../evil": ""}),
    "empty part": tar({**FILES, "a//b": ""}),
    "dot part": tar({**FILES, "a/./b": ""}),
    "new line": tar({**FILES, "a\nb": ""}),
    "terminal codes": tar({**FILES, "\x1b[2J": ""}),
    "look-alike": tar({**FILES, "m\N{CYRILLIC SMALL LETTER A}in.py": ""}),
    "right to left": tar({**FILES, "a\u202egpj.py": ""}),
    "no UTF-8": raw_tar(_octal(_plain("a"), 0, b"\xff\xfe")),
    "blank at the end": tar({**FILES, "main.py ": ""}),
    "dot at the end": tar({**FILES, "main.py.": ""}),
    "device name": tar({**FILES, "nul.txt": ""}),
    "option": tar({**FILES, "--checkpoint-action=exec=sh": ""}),
    "long name": tar({**FILES, "a" * 300: ""}),
    "long path": tar({**FILES, "/".join(["aaaaaaaaaaaaaaa"] * 18): ""}),
    "deep": tar({**FILES, "/".join("a" * 17): ""}),
    "twice": tar({**FILES, "./main.py": ""}),
    "case": tar({**FILES, "Main.py": ""}),
    "file as folder": tar({**FILES, "main.py/a": ""}),
    "folder as file": tar({"a/b": "", **FILES, "a": ""}),
    "symbolic link": tar(FILES, header("link", tarfile.SYMTYPE, linkname="/etc/passwd")),
    "chain of links": tar(
        FILES, header("a", tarfile.SYMTYPE, linkname="."), header("a/b", tarfile.SYMTYPE, linkname="../..")
    ),
    "hard link": tar(FILES, header("link", tarfile.LNKTYPE, linkname="main.py")),
    "character device": tar(FILES, header("null", tarfile.CHRTYPE, devmajor=1, devminor=3)),
    "block device": tar(FILES, header("sda", tarfile.BLKTYPE, devmajor=8)),
    "pipe": tar(FILES, header("pipe", tarfile.FIFOTYPE)),
    "contiguous file": tar(FILES, header("c", tarfile.CONTTYPE)),
    "sparse file": raw_tar(_octal(_plain("sparse", 0, tarfile.GNUTYPE_SPARSE), 483, b"%011o\0" % BOMB_BYTES)),
    "unknown kind": tar(FILES, header("z", b"Z")),
    "setuid": tar(FILES, header("su", mode=0o4755)),
    "sticky": tar(FILES, header("folder", tarfile.DIRTYPE, mode=0o1777)),
    "negative size": raw_tar(_octal(_plain("a"), 124, b"\xff" * 12)),
    "huge size": raw_tar(_octal(_plain("a"), 124, b"\x80" + b"\0" * 3 + b"\x7f" * 8)),
    "cut off": tar({**FILES, "big": b"x" * 50_000})[:200],
    "short content": raw_tar(_plain("a", 5000), b"x" * 512),
    "name by pax": raw_tar(_pax(_record("path", "../evil")), _plain("a")),
    "size by pax": raw_tar(_pax(_record("size", "-512")), _plain("a")),
    "link by pax": raw_tar(_pax(_record("linkpath", "/etc/passwd")), _plain("a", kind=tarfile.SYMTYPE)),
    "sparse by pax": raw_tar(_pax(_record("GNU.sparse.map", "0,1") + _record("GNU.sparse.size", "1")), _plain("a")),
    "pax without end": raw_tar(_plain("pax", BOMB_BYTES * 100, tarfile.XHDTYPE)),
    "chain of long names": raw_tar(_long_name_chain(3000), _plain("a")),
    "bomb": tar({**FILES, "bomb": b"\0" * BOMB_BYTES}),
    "bomb of members": tar({**FILES, **{f"f{number}": "" for number in range(2100)}}),
    "no archive": b"\x1f\x8b" + b"not gzip at all",
    "something else": b"BZh91AY&SY",
    "empty": b"",
    "zip: parent folder": zipped({**FILES, "../evil": ""}),
    "zip: absolute path": zipped({**FILES, "/etc/evil": ""}),
    "zip: backslashes": zipped({**FILES, "..\\evil": ""}),
    "zip: NUL": zipped({**FILES, "a.py": ""}).replace(b"a.py", b"a\0py"),
    "zip: twice by case": zipped({**FILES, "MAIN.PY": ""}),
    "zip: symbolic link": zipped({"link": "/etc/passwd"}, _mode(0o120777)),
    "zip: device": zipped({"null": ""}, _mode(0o020666)),
    "zip: setuid": zipped({"su": ""}, _mode(0o104755)),
    "zip: encrypted": _flagged_as_encrypted(),
    "zip: unusual packing": zipped({"a": "x" * 100}, method=zipfile.ZIP_LZMA),
    "zip: bomb": zipped({**FILES, "bomb": b"\0" * BOMB_BYTES}),
    "zip: overlapping": _overlapping_zip(),
    "zip: lying size": _lying_zip(),
    "zip: folder with content": zipped({"folder/": "content"}),
    "zip: bomb of members": zipped({f"f{number}": "" for number in range(5000)}),
    "zip: wrong checksum": zipped({"a": b"x" * 100}, method=zipfile.ZIP_STORED).replace(b"x" * 100, b"y" * 100),
    "zip: cut off": zipped()[:60],
    "zip: names differ": zipped({"aaaa": "x"}).replace(b"aaaa", b"bbbb", 1),
}
