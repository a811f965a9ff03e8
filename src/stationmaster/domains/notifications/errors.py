"""What can be refused about telling."""

from stationmaster.errors import Conflict


class NoMailsFromHere(Conflict):
    def __init__(self) -> None:
        super().__init__("Mails do not leave from this replica: its transport is off.")
