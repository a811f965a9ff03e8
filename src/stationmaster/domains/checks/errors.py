"""What can be refused about checks."""

from stationmaster.errors import Conflict, NotFound


class CheckNotFound(NotFound):
    def __init__(self, identifier: object) -> None:
        super().__init__("check", identifier)


class AlreadyPaused(Conflict):
    def __init__(self) -> None:
        super().__init__("The check is paused already.")


class NotPaused(Conflict):
    def __init__(self) -> None:
        super().__init__("The check is not paused.")
