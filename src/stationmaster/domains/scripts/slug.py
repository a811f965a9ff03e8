"""The slug of a script: plain enough for the name of a folder or an image."""


def make_slug(name: str) -> str:
    """Make a slug from a name: `Filter products (EU)` becomes `filter-products-eu`."""
    plain = "".join(each if each.isascii() and each.isalnum() else "-" for each in name.lower())
    return "-".join(part for part in plain.split("-") if part)[:100].strip("-") or "script"
