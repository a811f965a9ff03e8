"""What one attempt hides: by the journal at once, and by reports at other replicas once it is stored."""

from typing import Any

from stationmaster.kit.secret_mask import SecretMask


class Concealment:
    """Masks secrets, and hands over what is to be stored of them."""

    __slots__ = ("_mask", "_secrets", "_to_store")

    def __init__(self) -> None:
        self._mask = SecretMask()
        self._secrets: list[str] = []
        self._to_store: tuple[str, ...] | None = None

    @property
    def is_news(self) -> bool:
        """Say whether there is anything to be stored."""
        return self._to_store is not None

    def add(self, secret: str) -> None:
        self._mask.add(secret)
        self._secrets.append(secret)
        self._to_store = tuple(self._secrets)

    def is_in(self, text: str) -> bool:
        return self._mask.is_in(text)

    def hide(self, value: Any) -> Any:
        return self._mask.hide_all(value)

    def end(self) -> None:
        """Have what is stored forgotten: nothing is reported any more."""
        self._to_store = ()

    def take(self) -> tuple[str, ...] | None:
        """Hand over all secrets to be stored, or None when they stand there as they are."""
        taken, self._to_store = self._to_store, None
        return taken
