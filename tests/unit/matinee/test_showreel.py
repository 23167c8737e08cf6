"""The demonstration film."""

from matinee import showreel


def test_every_shot_has_its_clip() -> None:
    assert all((showreel.clips() / clip).is_file() for clip, *_ in showreel.SHOTS)


def test_the_film_lasts_between_30_and_60_seconds() -> None:
    assert 30 <= sum(seconds for *_, seconds in showreel.SHOTS) <= 60
