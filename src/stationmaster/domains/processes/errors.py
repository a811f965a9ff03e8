"""What is refused here."""

from collections.abc import Sequence
from uuid import UUID

from stationmaster.errors import AlreadyExists, Conflict, NotFound


class ProcessNotFound(NotFound):
    def __init__(self, id_: UUID | str) -> None:
        super().__init__("process", id_)


class StepNotFound(NotFound):
    def __init__(self, id_: UUID | str) -> None:
        super().__init__("step", id_)


class ProcessNameTaken(AlreadyExists):
    def __init__(self, name: str) -> None:
        super().__init__("process", "name", name)


class StepNameTaken(AlreadyExists):
    def __init__(self, name: str) -> None:
        super().__init__("step of this process", "name", name)


class NotDeleted(Conflict):
    title = "It is not deleted"

    def __init__(self, what: str) -> None:
        super().__init__(f"The {what} is not deleted, so there is nothing to restore.")


class StepIsNeeded(Conflict):
    title = "Other steps depend on it"

    def __init__(self, name: str, others: Sequence[str]) -> None:
        super().__init__(f"The steps {', '.join(others)[:200]} depend on the step {name[:100]!r}: change them first.")
