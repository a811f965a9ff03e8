import pytest

from stationmaster.kit.keys import derive_key

SECRET = "a secret of thirty-two characters"


def test_gives_the_same_32_bytes_each_time() -> None:
    assert derive_key(SECRET, "sealing") == derive_key(SECRET, "sealing")
    assert len(derive_key(SECRET, "sealing")) == 32


@pytest.mark.parametrize(("secret", "purpose"), [(SECRET, "access tokens"), (SECRET + "!", "sealing")])
def test_gives_another_key_for_another_purpose_or_secret(secret: str, purpose: str) -> None:
    assert derive_key(secret, purpose) != derive_key(SECRET, "sealing")


def test_keeps_its_derivation() -> None:
    """Another derivation would make every sealed secret and token of an installed service unreadable."""
    assert (
        derive_key(SECRET, "access tokens").hex() == "dfe35d83540ce9770b16b63d921df98b7d24b398b378d5f43f2d10d9cc122757"
    )
