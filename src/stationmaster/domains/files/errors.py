"""What is refused here."""

from uuid import UUID

from stationmaster.errors import Conflict, NotFound, TooLarge


class FileNotFound(NotFound):
    def __init__(self, id_: UUID) -> None:
        super().__init__("file", id_)


class FileTooLarge(TooLarge):
    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"A file has at most {max_bytes:,} bytes.")


class QuotaUsedUp(Conflict):
    title = "Your files take all the room you have"

    def __init__(self, quota_bytes: int, used_bytes: int) -> None:
        super().__init__(f"Your files take {used_bytes:,} of {quota_bytes:,} bytes; delete some first.")
