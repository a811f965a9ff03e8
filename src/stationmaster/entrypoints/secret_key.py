"""The key from which all others are derived."""

import os
import secrets
from pathlib import Path

from stationmaster.config import Settings
from stationmaster.kit.sealing import Keyring

FILE_NAME = "secret.key"


class MissingKey(Exception):
    """No key is set, and none may be made up."""


def load_secret_key(settings: Settings) -> str:
    """Return the key that is set; on SQLite make one at the first start and keep it in the data folder.

    Replicas share a PostgreSQL database and so must share the key: there it has to be set.

    Raises:
        MissingKey: see above.
    """
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    if not settings.is_sqlite:
        raise MissingKey("Set STATIONMASTER_SECRET_KEY: all replicas of a PostgreSQL database need the same one.")
    path = settings.data_dir / FILE_NAME
    if not path.exists():
        _make(path)
    return path.read_text("ascii").strip()


def load_keyring(settings: Settings) -> Keyring:
    """Return what seals and opens stored values: the encryption keys that are set, and the secret key behind them."""
    chosen = (key.get_secret_value() for key in settings.encryption_keys)
    return Keyring((*chosen, load_secret_key(settings)))


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:  # another process was quicker
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
