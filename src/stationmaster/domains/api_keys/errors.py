"""What can be refused about API keys."""

from stationmaster.errors import Forbidden, Unauthenticated


class InvalidApiKey(Unauthenticated):
    """The same answer for an unknown, a deactivated and an expired key."""

    def __init__(self) -> None:
        super().__init__("The API key is not valid, or not any more.")


class BeyondOwnRights(Forbidden):
    """Nobody hands out more than they have."""

    def __init__(self, what: str) -> None:
        super().__init__(f"A key cannot have {what}, which you do not have yourself.")


class NotYourKey(Forbidden):
    def __init__(self) -> None:
        super().__init__("Only its owner may rotate a key: whoever rotates it gets to know it.")


class OnlyOwnKeys(Forbidden):
    def __init__(self) -> None:
        super().__init__("Only admins list other people's keys.")
