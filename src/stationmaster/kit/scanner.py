"""Reads short languages from left to right, in linear time, and says where a text goes wrong."""

import re

BLANKS = re.compile(r"[ \t\r\n]*+")
# NUL cannot be stored as text by PostgreSQL, and half a surrogate pair cannot be written as UTF-8.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Unreadable(ValueError):
    """A text that its language does not know; `position` counts characters from 0."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"at character {position + 1}: {reason}")
        self.position = position
        self.reason = reason


class Scanner:
    """A text and a place in it. All patterns match at that place or not at all."""

    def __init__(self, text: str, *, max_length: int) -> None:
        """Begin at the first character that is not blank.

        Raises:
            Unreadable: the text is too long or has characters that no database stores.
        """
        if len(text) > max_length:
            raise Unreadable(max_length, f"at most {max_length:,} characters are read")
        wrong = UNSTORABLE.search(text)
        if wrong:
            raise Unreadable(wrong.start(), "this character (NUL or half a surrogate pair) is not allowed")
        self.text = text
        self.position = 0
        self.skip_blanks()

    @property
    def is_done(self) -> bool:
        return self.position == len(self.text)

    def skip_blanks(self) -> None:
        self.take(BLANKS)

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Read what the pattern matches here, if it does, and go on behind it."""
        match = pattern.match(self.text, self.position)
        if match:
            self.position = match.end()
        return match

    def take_token(self, token: str) -> bool:
        """Read one fixed token and the blanks behind it; say whether it was there."""
        if not self.text.startswith(token, self.position):
            return False
        self.position += len(token)
        self.skip_blanks()
        return True

    def wrong(self, reason: str) -> Unreadable:
        """Make the error that names this place."""
        return Unreadable(self.position, reason)
