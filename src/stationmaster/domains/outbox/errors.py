"""What can be refused about messages."""

from stationmaster.errors import Conflict


class StillQueued(Conflict):
    def __init__(self) -> None:
        super().__init__("It has not been given up: it will go out by itself.")


class ContentGone(Conflict):
    def __init__(self) -> None:
        super().__init__("It was sent, and what it said was erased then: it may have opened an account.")
