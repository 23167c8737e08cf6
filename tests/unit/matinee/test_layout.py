"""The keys of the object store on which rooms agree."""

import pytest

from matinee.layout import artwork_key, artwork_prefix, asset_key, part_key, part_offset


def test_a_part_is_named_by_where_it_begins() -> None:
    assert part_key("u1", 8_388_608) == "uploads/u1/0000000008388608"
    assert part_offset(part_key("u1", 8_388_608)) == 8_388_608


def test_the_parts_of_an_upload_are_listed_in_their_order() -> None:
    assert part_key("u1", 999) < part_key("u1", 1000)


@pytest.mark.parametrize("key", ["uploads/u1/info.json", "uploads/u1/42", f"staged/u1/{0:016d}", f"uploads/{0:016d}"])
def test_what_is_no_part_begins_nowhere(key: str) -> None:
    assert part_offset(key) is None


def test_a_file_of_an_asset_lies_below_its_id() -> None:
    assert asset_key("a1", "v1080.mp4") == "assets/a1/v1080.mp4"


def test_the_pictures_of_a_title_lie_together_each_version_apart() -> None:
    assert artwork_key("t1", "v2", 320) == "artwork/t1/v2/320.jpg"
    assert artwork_key("t1", "v2", 320).startswith(f"{artwork_prefix('t1', 'v2')}/")
    assert artwork_prefix("t1", "v2").startswith(f"{artwork_prefix('t1')}/")
