"""What an examination says."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Status(StrEnum):
    """How bad it is: the service works with a warning, not with a problem."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at: how it is, and in one sentence what to do when it is not well."""

    name: str
    status: Status
    text: str
    advice: str = ""

    @classmethod
    def ok(cls, name: str, text: str) -> Self:
        return cls(name, Status.OK, text)

    @classmethod
    def warning(cls, name: str, text: str, advice: str) -> Self:
        return cls(name, Status.WARNING, text, advice)

    @classmethod
    def problem(cls, name: str, text: str, advice: str) -> Self:
        return cls(name, Status.PROBLEM, text, advice)
