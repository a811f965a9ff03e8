"""What is refused here."""

from collections.abc import Collection

from stationmaster.errors import AlreadyExists, Conflict, NotFound


class SecretNotFound(NotFound):
    def __init__(self, name: str) -> None:
        super().__init__("secret", name)


class SecretNameTaken(AlreadyExists):
    def __init__(self, name: str) -> None:
        super().__init__("secret", "name", name)


class SecretsNotOpened(Conflict):
    """Work cannot have the secrets that it names."""

    title = "A secret cannot be used"

    def __init__(self, names: Collection[str], why: str) -> None:
        listed = ", ".join(sorted(names))
        super().__init__(f"{listed[:300]}: {why}")
        self.names = frozenset(names)


class SecretsNotGranted(SecretsNotOpened):
    def __init__(self, names: Collection[str]) -> None:
        super().__init__(names, "there is no such secret, or it is not granted for this use.")


class SecretsUnreadable(SecretsNotOpened):
    title = "A secret cannot be read"

    def __init__(self, names: Collection[str]) -> None:
        super().__init__(names, "stored with another encryption key than this service has.")
