"""Which images may run."""

from fnmatch import fnmatchcase

from stationmaster.outbound.docker.engine import RegistryLogin
from stationmaster.setting_groups import DockerSettings

DIGEST = "@sha256:"
ID = "sha256:"
"""An image that the engine has: built of a script, or let in before."""
DEFAULT_REGISTRY = "docker.io"


def check_image(reference: str, settings: DockerSettings) -> None:
    """Refuse an image that is neither named by its digest nor allowed by the house.

    Raises:
        ValueError: says what to do.
    """
    if reference.startswith(ID) or (settings.any_digest and DIGEST in reference):
        return
    if any(fnmatchcase(form, pattern) for pattern in settings.images for form in _forms(reference)):
        return
    if settings.any_digest:
        raise ValueError(
            f"{reference} may not run here: name the image by its digest (NAME@sha256:...), "
            "or have it allowed by STATIONMASTER_DOCKER__IMAGES"
        )
    raise ValueError(f"{reference} may not run here: STATIONMASTER_DOCKER__IMAGES does not allow it")


def registry_of(reference: str) -> str:
    """Return the registry that has an image: the part before the first slash, if it looks like a host."""
    first, slash, _ = reference.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else DEFAULT_REGISTRY


def read_login(reference: str, credential: str, secret: str) -> RegistryLogin:
    """Return the login at the registry of an image that a stored secret holds.

    Raises:
        ValueError: the secret, named `credential`, is no login.
    """
    username, colon, password = secret.partition(":")
    if not colon:
        raise ValueError(f"the secret {credential} is no registry login: it must read user:password")
    return RegistryLogin(registry_of(reference), username, password)


def _forms(reference: str) -> tuple[str, ...]:
    """Return a reference as it is, and with the tag that is meant where none is given."""
    is_tagged = ":" in reference.rpartition("/")[2]
    return (reference,) if is_tagged else (reference, f"{reference}:latest")
