"""Short names for addresses and files, made from the names that people give."""

import re
import unicodedata

_NO_WORD = re.compile(r"[\W_]+")


def make_slug(name: str) -> str:
    """Return the name in lower case without accents, runs of anything but letters and digits as one hyphen; may be empty."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
    return _NO_WORD.sub("-", unicodedata.normalize("NFKC", plain).casefold()).strip("-")
