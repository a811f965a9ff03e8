"""Short names from the names that people give."""

import pytest

from stationmaster.kit.slug import make_slug


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Data imports", "data-imports"),
        ("  DR -- Testing! ", "dr-testing"),
        ("Überwachung", "uberwachung"),
        ("snake_case", "snake-case"),
        ("品質 管理", "品質-管理"),
        ("Q3/2026", "q3-2026"),
        ("!?", ""),
    ],
)
def test_a_name_becomes_a_slug(name: str, slug: str) -> None:
    assert slug == make_slug(name)


def test_a_slug_stays_one() -> None:
    assert "data-imports" == make_slug(make_slug("Data imports"))
