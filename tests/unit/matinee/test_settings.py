"""Settings: defaults, file, environment, and one sentence for everything that is wrong."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from matinee.errors import InvalidInput
from matinee.settings import Settings, load_settings
from matinee.settings.section import Section

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_environment_wins_over_the_file(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (elsewhere / "matinee.toml").write_text("[http]\nport = 1000\nhead_bytes = 2000\n")
    monkeypatch.setenv("MATINEE_HTTP__PORT", "3000")
    http = load_settings().http
    assert (http.port, http.head_bytes) == (3000, 2000)


def test_arguments_win_over_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATINEE_DATA", "/elsewhere")
    assert load_settings(data=Path("/here")).data == Path("/here")


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    monkeypatch.setenv("MATINEE_SECRETS_DIR", str(folder))
    return folder


@pytest.mark.parametrize("name", ["MATINEE_DATABASE__URL", "matinee_database__url"])
def test_a_secret_may_lie_in_a_file(secrets: Path, name: str) -> None:
    (secrets / name).write_text("postgresql+asyncpg://matinee:secret@postgres/matinee\n")
    (secrets / "tls.pem").write_text("of somebody else")
    assert load_settings().database.url == "postgresql+asyncpg://matinee:secret@postgres/matinee"


def test_a_secret_in_a_file_wins_over_the_settings_file_and_the_environment_over_both(
    elsewhere: Path, secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere / "matinee.toml").write_text('[store]\naccess_key_id = "toml"\nregion = "toml"\n')
    (secrets / "MATINEE_STORE__ACCESS_KEY_ID").write_text("secret")
    (secrets / "MATINEE_STORE__REGION").write_text("secret")
    monkeypatch.setenv("MATINEE_STORE__REGION", "environment")
    store = load_settings().store
    assert (store.access_key_id, store.region) == ("secret", "environment")


def test_a_secret_for_a_setting_that_there_is_not_is_refused(secrets: Path) -> None:
    (secrets / "MATINEE_STORE__SECRET_ACESS_KEY").write_text("secret")
    with pytest.raises(InvalidInput, match=r"store\.secret_acess_key"):
        load_settings()


def test_a_folder_of_secrets_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MATINEE_SECRETS_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(InvalidInput, match="nowhere"):
        load_settings()


def test_every_bad_setting_is_named_at_once() -> None:
    with pytest.raises(InvalidInput) as refusal:
        load_settings(http={"port": 70_000, "colour": "red"}, ladder={"crf": 99})
    assert all(name in str(refusal.value) for name in ("http.port", "http.colour", "ladder.crf"))


def test_an_unknown_name_in_the_environment_is_refused_within_a_known_table_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MATINEE_HTP__PORT", "1")
    assert load_settings() == Settings()
    monkeypatch.setenv("MATINEE_HTTP__PROT", "1")
    with pytest.raises(InvalidInput, match=r"http\.prot"):
        load_settings()


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("worker", "executor", "dask://x"),
        ("worker", "executor", "threads://0"),
        ("worker", "executor", "threads:4"),
        ("ladder", "heights", []),
        ("ladder", "heights", [1080, 8]),
        ("ladder", "heights", [100_000]),
        ("ladder", "preset", "nope"),
        ("ladder", "audio_kbps", 1),
        ("ladder", "loudness_lufs", 3),
        ("ladder", "true_peak_dbtp", 1),
        ("ladder", "gop_seconds", float("inf")),
        ("store", "url", "gs://x"),
        ("store", "url", "s3://"),
        ("store", "url", "file://objects"),
        ("store", "url", "memory://"),
        ("http", "public_url", "films.example"),
        ("http", "public_url", "ftp://films.example"),
        ("http", "public_url", "https://"),
        ("http", "public_url", "https://films.example/matinee"),
        ("http", "public_url", "https://films.example?a=b"),
        ("http", "public_url", "https://me@films.example"),
        ("http", "public_url", "https://films.example:65536"),
        ("store", "endpoint", "https://s3.films.example:99999"),
        ("events", "url", "kafka://broker:90922"),
        ("control", "listen", "127.0.0.1:74000"),
        ("control", "listen", "7400"),
        ("control", "listen", "10.0.0.1:7400,10.0.0.2:7400"),
        ("control", "address", "control"),
        ("control", "address", "control-1:7400,control-2:7400"),
        ("control", "address", "10.0.0.1:7400,[fd00::1]:7400"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused(section: str, name: str, value: object) -> None:
    with pytest.raises(InvalidInput, match=rf"settings cannot be used: {section}\.{name}[.\d]*: [A-Z]"):
        load_settings(**{section: {name: value}})


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("worker", "executor", "threads://4"),
        ("worker", "executor", "dask://scheduler:8786"),
        ("worker", "executor", "dask+tls://[::1]:8786"),
        ("ladder", "heights", (2160, 1081)),
        ("ladder", "preset", "placebo"),
        ("store", "url", "file:///srv/my%20films"),
        ("store", "url", "s3://films"),
        ("store", "url", "s3://films/of/ours"),
        ("http", "public_url", "https://films.example"),
        ("http", "public_url", "http://[::1]:8080"),
        ("control", "address", "10.0.0.1:7400,10.0.0.2:7400"),
        ("control", "address", "[fd00::1]:7400,[fd00::2]:7400"),
        ("control", "address", "dns:///control:65535"),
        ("control", "address", "unix:/run/matinee/control.sock"),
        ("control", "listen", "[::]:7400"),
    ],
)
def test_a_setting_that_can_be_used_is_taken_as_it_is(section: str, name: str, value: object) -> None:
    assert getattr(getattr(load_settings(**{section: {name: value}}), section), name) == value


def test_a_refused_setting_is_told_how_it_should_be() -> None:
    with pytest.raises(InvalidInput) as refusal:
        load_settings(worker={"executor": "dask://x"}, http={"public_url": "films.example"}, store={"url": "gs://x"})
    assert str(refusal.value) == (
        "these settings cannot be used: "
        "http.public_url: Should be http:// or https:// and a name, without a path: https://films.example; "
        "store.url: Should be file:///path or s3://bucket/prefix; "
        "worker.executor: Should be threads://, threads://N, dask://host:8786 or dask+tls://host:8786"
    )


def test_a_broken_file_is_refused_with_a_sentence(elsewhere: Path) -> None:
    (elsewhere / "matinee.toml").write_text("[http\n")
    with pytest.raises(InvalidInput, match=r"matinee\.toml"):
        load_settings()


def test_the_door_of_every_interface_is_reached_on_loopback() -> None:
    assert load_settings(http={"host": "0.0.0.0", "port": 81}).public_url == "http://127.0.0.1:81"


@pytest.mark.parametrize(
    ("control", "found", "listens"),
    [
        ({"address": "10.0.0.1:7400"}, "10.0.0.1:7400", "10.0.0.1:7400"),
        ({"listen": "10.0.0.1:7400"}, "10.0.0.1:7400", "10.0.0.1:7400"),
        ({"listen": "0.0.0.0:7400"}, "127.0.0.1:7400", "0.0.0.0:7400"),
        ({"listen": "[::]:7400"}, "[::1]:7400", "[::]:7400"),
        ({"listen": "0.0.0.0:7400", "address": "control:7400"}, "control:7400", "0.0.0.0:7400"),
        ({}, "unix:/d/run/control.sock", "unix:/d/run/control.sock"),
    ],
)
def test_control_listens_where_it_is_found_unless_the_settings_tell_these_apart(
    control: dict[str, str], found: str, listens: str
) -> None:
    settings = load_settings(data=Path("/d"), control=control)
    assert (settings.control_address, settings.control_listen) == (found, listens)


def test_a_public_address_has_no_slash_at_its_end() -> None:
    assert load_settings(http={"public_url": "https://films.example/"}).public_url == "https://films.example"


def test_the_shipped_file_equals_the_defaults() -> None:
    shipped = Settings.model_validate(tomllib.loads((ROOT / "matinee.toml").read_text()))
    assert shipped == Settings()


def test_the_shipped_file_shows_every_setting_with_its_meaning() -> None:
    shown = (ROOT / "matinee.toml").read_text()
    for name, field in settings_with_sections():
        assert f"# {field.description}\n{name} = " in shown


def settings_with_sections() -> Iterator[tuple[str, FieldInfo]]:
    for name, field in Settings.model_fields.items():
        section = field.default
        if isinstance(section, Section):
            yield from type(section).model_fields.items()
        else:
            yield name, field
