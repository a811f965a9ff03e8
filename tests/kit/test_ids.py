"""Keys."""

from stationmaster.kit.ids import new_id


def test_ids_are_version_7_and_increase() -> None:
    ids = [new_id() for _ in range(10_000)]

    assert {7} == {id_.version for id_ in ids}
    assert ids == sorted(set(ids))
