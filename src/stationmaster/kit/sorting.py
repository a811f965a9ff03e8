"""The `sort` of a list: comma-separated `field`, `field asc`, `field desc` or `-field`. Pure."""

import re
from dataclasses import dataclass, field

from stationmaster.kit.field_name import FieldName, expect_comma, take_name
from stationmaster.kit.scanner import Scanner

MAX_LENGTH = 1000
MAX_FIELDS = 5

_DIRECTION = re.compile(r"(?:(?P<desc>desc)|asc)(?![^\s,])", re.IGNORECASE)


@dataclass(frozen=True)
class SortField:
    """One field of an order; `position` is where it stood in the text."""

    name: FieldName
    is_descending: bool = False
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"-{self.name}" if self.is_descending else str(self.name)


Sort = tuple[SortField, ...]


def parse_sort(text: str) -> Sort:
    """Read an order, most important field first; blank text has none.

    Raises:
        Unreadable: says where and what is expected.
    """
    scanner = Scanner(text, max_length=MAX_LENGTH)
    fields: list[SortField] = []
    while not scanner.is_done:
        found = _take_field(scanner)
        if any(found.name == other.name for other in fields):
            raise scanner.wrong(f"{found.name} is there already")
        fields.append(found)
        expect_comma(scanner, count=len(fields), most=MAX_FIELDS)
    return tuple(fields)


def _take_field(scanner: Scanner) -> SortField:
    position = scanner.position
    has_minus = scanner.take_token("-")
    name = take_name(scanner)
    direction = scanner.take(_DIRECTION)
    if direction and has_minus:
        raise scanner.wrong("a minus or a direction, not both")
    scanner.skip_blanks()
    if not scanner.is_done and not scanner.text.startswith(",", scanner.position):
        raise scanner.wrong("asc, desc, a comma or the end is expected")
    return SortField(name, has_minus or bool(direction and direction["desc"]), position)
