"""The data directory: who holds it, whatever its name is."""

import asyncio
from pathlib import Path

import pytest

from matinee.errors import Conflict, InvalidInput, Unavailable
from matinee.instance import announce, door, free_port, hold_directory, require_port, service_token
from matinee.settings import load_settings
from matinee.storage.opening import open_store


def test_a_directory_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path)
    with hold_directory(settings), pytest.raises(Conflict, match="another Matinee runs"), hold_directory(settings):
        pass
    with hold_directory(settings):
        pass


def test_a_directory_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InvalidInput, match="cannot be used"), hold_directory(load_settings(data=tmp_path / "file")):
        pass


def test_a_path_that_is_too_long_for_a_socket_is_told_at_once(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path / ("long" * 25))
    with pytest.raises(InvalidInput, match="choose a shorter data directory"), hold_directory(settings):
        pass


def test_a_new_directory_is_for_its_owner_alone(tmp_path: Path) -> None:
    with hold_directory(load_settings(data=tmp_path / "data")):
        assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["plain", "my films", "années", "50%", "a?b#c"])
def test_the_store_lies_in_the_data_directory_whatever_its_name(tmp_path: Path, name: str) -> None:
    store = open_store(load_settings(data=tmp_path / name).store_url)
    asyncio.run(store.put("assets/one", b"bytes"))
    assert (tmp_path / name / "objects" / "assets" / "one").read_bytes() == b"bytes"
    assert list(tmp_path.iterdir()) == [tmp_path / name]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_can_be_chosen_on_either_family(host: str) -> None:
    port = free_port(host)
    require_port(host, port)


def test_the_door_of_an_ipv6_address_stands_in_brackets(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path, http={"host": "::1", "port": 81})
    settings.run_directory.mkdir()
    announce(settings)
    assert door(settings) == "http://[::1]:81"


def test_the_secret_of_the_house_is_the_line_in_the_file_that_the_operator_names(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("0123456789abcdef" * 4 + "\n")
    settings = load_settings(data=tmp_path / "data", control={"secret_file": str(tmp_path / "secret")})
    assert service_token(settings) == "0123456789abcdef" * 4


def test_a_secret_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        Unavailable, match=r"secret cannot be read: make it with `openssl rand -hex 32`, and give every"
    ):
        service_token(load_settings(control={"secret_file": str(tmp_path / "secret")}))


@pytest.mark.parametrize("text", ["", "short", "é" * 40, "two lines of text\nand no secret at all"])
def test_what_is_no_secret_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "secret").write_text(text)
    with pytest.raises(InvalidInput, match="must hold one line of at least 32 characters"):
        service_token(load_settings(control={"secret_file": str(tmp_path / "secret")}))
