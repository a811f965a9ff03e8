"""What the executors take from files."""

import pytest

from stationmaster.domains.files.service import suffix_of


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("products.csv", ".csv"),
        ("PRODUCTS.CSV", ".csv"),
        ("archive.tar.gz", ".gz"),
        ("no suffix", ""),
        ("dots.", ""),
        ("evil./../x", ""),
        ("long.abcdefghijk", ""),
        ("space. csv", ""),
        ("new\nline.c\n", ""),
    ],
)
def test_only_a_plain_ending_counts(name: str, suffix: str) -> None:
    assert suffix_of(name) == suffix
