"""How lists name fields: `state`, or one member of a JSON field as `metadata.region` or `metadata."any key"`."""

import re
from dataclasses import dataclass

from stationmaster.kit.scanner import Scanner

QUOTED = re.compile(r"""(?P<mark>["'])(?P<inside>(?:(?!(?P=mark)).|(?P=mark)(?P=mark))*+)(?P=mark)""", re.DOTALL)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*+")
_BARE_KEY = re.compile(r"[\w.-]++")
MAX_LENGTH = 1000
MAX_NAMES = 50


@dataclass(frozen=True)
class FieldName:
    """A field, or with `key` one member of a field that holds a JSON object."""

    field: str
    key: str | None = None

    def __str__(self) -> str:
        if self.key is None:
            return self.field
        return f"{self.field}.{self.key if _BARE_KEY.fullmatch(self.key) else quote(self.key)}"


def quote(text: str) -> str:
    """Write a text so that nothing in it means anything."""
    return '"' + text.replace('"', '""') + '"'


def take_quoted(scanner: Scanner) -> str | None:
    """Read a text in single or double quotes, in which the mark itself is written twice; None when no quote stands here.

    Raises:
        Unreadable: it does not end.
    """
    if not scanner.text.startswith(('"', "'"), scanner.position):
        return None
    match = scanner.take(QUOTED)
    if match is None:
        raise scanner.wrong("this quote is never closed; inside quotes, the mark itself is written twice")
    mark = match["mark"]
    return match["inside"].replace(mark * 2, mark)


def take_name(scanner: Scanner) -> FieldName:
    """Read a name and the blanks behind it.

    Raises:
        Unreadable: something else stands here.
    """
    match = scanner.take(_NAME)
    if match is None:
        raise scanner.wrong("the name of a field is expected: letters, digits and _")
    key = _take_key(scanner) if scanner.text.startswith(".", scanner.position) else None
    scanner.skip_blanks()
    return FieldName(match[0], key)


def _take_key(scanner: Scanner) -> str:
    scanner.position += 1
    key = take_quoted(scanner)
    if key is not None:
        return key
    match = scanner.take(_BARE_KEY)
    if match is None:
        raise scanner.wrong('a key is expected after the dot; write unusual ones in quotes: metadata."the key"')
    return match[0]


def parse_names(text: str) -> tuple[str, ...]:
    """Read comma-separated names of fields, as `include` and `exclude` take them; blank text has none.

    Raises:
        Unreadable: it is something else, or names more than 50.
    """
    scanner = Scanner(text, max_length=MAX_LENGTH)
    names: list[str] = []
    while not scanner.is_done:
        match = scanner.take(_NAME)
        if match is None:
            raise scanner.wrong("the name of a field is expected: letters, digits and _")
        names.append(match[0])
        scanner.skip_blanks()
        expect_comma(scanner, count=len(names), most=MAX_NAMES)
    return tuple(names)


def expect_comma(scanner: Scanner, *, count: int, most: int) -> None:
    """Read the comma before a next item, unless the text ends here.

    Raises:
        Unreadable: something else stands here, nothing follows the comma, or `count` items are `most` already.
    """
    if scanner.is_done:
        return
    if not scanner.take_token(","):
        raise scanner.wrong("a comma is expected, or the end")
    if scanner.is_done:
        raise scanner.wrong("nothing follows the comma")
    if count == most:
        raise scanner.wrong(f"at most {most} are allowed")
