"""What the executors take from files."""

import pytest

from stationmaster.domains.files.models import File
from stationmaster.domains.files.service import suffix_of
from stationmaster.kit.ids import new_id


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
    file = File(owner_id=new_id(), name=name, media_type="text/csv", size_bytes=0, digest="0" * 64)

    assert suffix_of(file) == suffix
