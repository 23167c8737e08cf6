"""Where a bucket is, and by what right it is used."""

from pathlib import Path

import pytest

from matinee.buckets.bucket import Keys, bucket
from matinee.errors import InvalidInput
from matinee.settings import StoreSettings

FILE = "[default]\naws_access_key_id = ada\naws_secret_access_key = se%cret\n"


def settings(**values: object) -> StoreSettings:
    return StoreSettings.model_validate({"url": "s3://films/a/house", **values})


def test_an_address_names_a_bucket_and_what_is_before_each_key() -> None:
    films = bucket(settings())
    assert (films.name, films.key("uploads/1")) == ("films", "a/house/uploads/1")
    assert bucket(settings(url="s3://films")).key("uploads/1") == "uploads/1"


def test_a_bucket_is_part_of_the_name_of_its_server_where_that_is_wanted() -> None:
    assert bucket(settings(endpoint="https://s3.example:9000/")).address == "https://s3.example:9000"
    assert bucket(settings(endpoint="https://s3.example", path_style=False)).address == "https://films.s3.example"


def test_keys_come_from_the_settings(tmp_path: Path) -> None:
    assert bucket(settings(access_key_id="ada", secret_access_key="secret")).keys == Keys("ada", "secret")
    assert bucket(settings()).keys is None


def test_keys_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(FILE)
    assert bucket(settings(credentials_file=str(tmp_path / "keys"))).keys == Keys("ada", "se%cret")


@pytest.mark.parametrize("content", ["", "secret", "[default]\naws_access_key_id = secret\n", "[default\nsecret = 1"])
def test_a_file_without_keys_is_told_by_its_name_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / "keys").write_text(content)
    with pytest.raises(InvalidInput) as refusal:
        bucket(settings(credentials_file=str(tmp_path / "keys")))
    assert str(tmp_path / "keys") in str(refusal.value)
    assert "secret =" not in str(refusal.value).replace("aws_secret", "")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read: No such file"):
        bucket(settings(credentials_file=str(tmp_path / "none")))


def test_half_of_the_keys_is_told() -> None:
    with pytest.raises(InvalidInput, match="go together"):
        bucket(settings(access_key_id="ada"))


def test_secrets_are_never_printed() -> None:
    given = settings(access_key_id="ada", secret_access_key="hidden")
    assert "hidden" not in f"{given!r} {given} {given.model_dump()} {bucket(given)!r}"
