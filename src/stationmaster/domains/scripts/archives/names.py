"""Which names the members of an archive may have."""

import re

LONGEST = 255
DEEPEST = 16

_PART = re.compile(r"[A-Za-z0-9_.+@=,~ -]+\Z")
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?\Z", re.IGNORECASE)


class Refused(Exception):
    """The archive is not taken; the text says why, for people."""


class Names:
    """The names of one archive, checked as they come."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def add_file(self, name: str) -> str:
        """Check the name of a file and return it without a leading `./`.

        Raises:
            Refused: it is no plain relative name, or stands for something that is there already.
        """
        plain = _check(name)
        key = plain.casefold()
        if key in self._files or key in self._folders:
            raise Refused(f"{show(name)} is there twice, or differs in nothing but upper and lower case")
        self._files.add(key)
        self._add_folders_above(key, name)
        return plain

    def add_folder(self, name: str) -> None:
        """Check the name of a folder.

        Raises:
            Refused: as for files.
        """
        if name.rstrip("/") in {"", "."}:
            return
        key = _check(name.rstrip("/")).casefold()
        if key in self._files:
            raise Refused(f"{show(name)} is a file and a folder")
        self._folders.add(key)
        self._add_folders_above(key, name)

    def _add_folders_above(self, key: str, name: str) -> None:
        parts = key.split("/")
        for count in range(1, len(parts)):
            above = "/".join(parts[:count])
            if above in self._files:
                raise Refused(f"{show(name)} lies inside of a file")
            self._folders.add(above)


def _check(name: str) -> str:
    plain = name.removeprefix("./")
    if not 1 <= len(plain) <= LONGEST:
        raise Refused(f"{show(name)} has no name, or one of more than {LONGEST} characters")
    parts = plain.split("/")
    if len(parts) > DEEPEST:
        raise Refused(f"{show(name)} lies more than {DEEPEST} folders deep")
    for part in parts:
        _check_part(part, name)
    return plain


def _check_part(part: str, name: str) -> None:
    if part in {"", ".", ".."}:
        raise Refused(f"{show(name)} leaves its folder, or is not written plainly")
    if not _PART.match(part):
        raise Refused(f"{show(name)} has characters other than letters, digits, blanks and _ . + @ = , ~ -")
    if part != part.strip() or part.endswith(".") or _DEVICE.match(part) or part.startswith("-"):
        raise Refused(f"{show(name)} is a name that some systems read as something else")


def show(name: str) -> str:
    """Write a name for people: cut, and without what could drive their terminal."""
    return ascii(name[:60]).strip("'\"") or "(no name)"
