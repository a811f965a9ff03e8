"""E-mail addresses in the form in which they are compared."""

import email_validator

# The library's own switch: names that exist only inside a house (`ops@intranet`, `ci@build.local`) are addresses here.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


def normalise_email(text: str) -> str:
    """Return the address in lower case, its parts in the form of RFC 6531.

    Raises:
        ValueError: it is not an address.
    """
    found = email_validator.validate_email(text.strip(), check_deliverability=False, globally_deliverable=False)
    return found.normalized.lower()
