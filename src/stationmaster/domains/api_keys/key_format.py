"""How a key is written: `sm_<id>_<secret><checksum>`."""

from dataclasses import dataclass

from stationmaster.kit import tokens

PREFIX = "sm_"
ID_LENGTH = 8
SECRET_LENGTH = 40
LENGTH = len(PREFIX) + ID_LENGTH + 1 + SECRET_LENGTH + tokens.CHECKSUM_LENGTH


@dataclass(frozen=True)
class KeyText:
    """A key in clear, its public id, and what is stored of it."""

    text: str
    public_id: str
    digest: str


def new_key() -> KeyText:
    """Make a key with 238 random bits."""
    public_id = tokens.random_text(ID_LENGTH)
    text = tokens.new_token(f"{PREFIX}{public_id}_", length=SECRET_LENGTH)
    return KeyText(text, public_id, tokens.digest(text))


def parse_key(text: str) -> KeyText | None:
    """Read a key; None when it cannot be one of ours, decided without asking anybody."""
    public_id = text[len(PREFIX) : len(PREFIX) + ID_LENGTH]
    if len(text) != LENGTH or not public_id.isalnum():
        return None
    if not tokens.is_well_formed(text, f"{PREFIX}{public_id}_", length=SECRET_LENGTH):
        return None
    return KeyText(text, public_id, tokens.digest(text))
