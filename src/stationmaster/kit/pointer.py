"""JSON Pointers (RFC 6901), by which errors say where in a body something is wrong."""


def escape(name: str) -> str:
    """Write a name as one part of a pointer."""
    return name.replace("~", "~0").replace("/", "~1")
