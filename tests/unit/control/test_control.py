"""Control as a process: first start, the socket, health, reflection, and its end."""

import asyncio
import json
import stat
from pathlib import Path

import pytest
from grpc.aio import EOF
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from control.database.engine import open_database
from matinee.errors import InvalidInput, Unavailable
from matinee.settings import load_settings
from matinee.storage.opening import open_store
from protos.v1.catalogue_pb2 import GetPosterRequest
from protos.v1.playback_pb2 import ConnectResponse
from tests.control_house import House, refusal, running_control, serve_control

pytestmark = pytest.mark.anyio


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_secrets_are_for_their_owner_only(house: House) -> None:
    data = house.settings.data
    assert mode(data / "run") == 0o700
    for name in ("run/service.token", "admin.json"):
        assert mode(data / name) == 0o600


async def test_a_new_database_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "matinee.db"
    await (await open_database(f"sqlite+aiosqlite:///{path}")).close()
    assert mode(path) == 0o600


async def test_a_second_start_keeps_admin_keys_and_service_token(tmp_path: Path, house_database_url: str) -> None:
    async with running_control(tmp_path, database={"url": house_database_url}) as first:
        before = (await first.admin(), first.service, (tmp_path / "admin.json").read_text())
    async with running_control(tmp_path, database={"url": house_database_url}) as second:
        assert (second.service, (tmp_path / "admin.json").read_text()) == before[1:]
        assert await second.play(await second.film(), before[0])


async def test_an_operator_may_choose_the_first_admin(tmp_path: Path) -> None:
    (tmp_path / "admin.json").write_text(json.dumps({"email": "Me@Home.example", "password": "my own"}))
    async with running_control(tmp_path) as house:
        assert (await house.sign_in()).access_token


async def test_a_broken_admin_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "admin.json").write_text("{}")
    settings = load_settings(data=tmp_path)
    with pytest.raises(InvalidInput, match="mend it or remove it"):
        await serve_control(settings, open_store("memory://"), asyncio.Event())


async def test_a_socket_path_that_the_system_cannot_take_is_refused_with_a_sentence(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path / ("long" * 30))
    with pytest.raises(InvalidInput, match="longer than 107 bytes: choose a shorter data directory"):
        await serve_control(settings, open_store("memory://"), asyncio.Event())


async def test_an_address_that_is_taken_is_refused_with_a_sentence(tmp_path: Path) -> None:
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as listener:
        address = f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        settings = load_settings(data=tmp_path, control={"address": address})
        with pytest.raises(Unavailable, match=f"cannot listen on {address}"):
            await serve_control(settings, open_store("memory://"), asyncio.Event())


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense", "cannot be used"),
        ("oracle+nothing://x", "must begin with postgresql"),
        ("sqlite+nothing://", "must begin with postgresql"),
        ("sqlite:///matinee.db", "must begin with postgresql"),
        ("postgresql://films@localhost/films", "must begin with postgresql"),
        ("postgresql+asyncpg://films@localhost:half/films", "its port is no number"),
        ("postgresql+asyncpg://films@localhost/films?sslmode=require", "and not for sslmode"),
        ("postgresql+asyncpg://films@localhost/films?ssl=yes", "one of: disable, allow"),
        ("postgresql+asyncpg://films@localhost/films?ssl=verify-full", r"root certificate file \".*root.crt\""),
    ],
)
async def test_a_database_url_that_cannot_be_used_is_refused_with_a_sentence(
    url: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(InvalidInput, match=rf"database\.url .*{sentence}") as refused:
        await open_database(url)
    assert "half" not in str(refused.value)


async def test_health_is_open_to_all(house: House) -> None:
    answer = await health_pb2_grpc.HealthStub(house.channel).Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_reflection_names_every_service(house: House) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(house.channel)
    call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
    names = {service.name for service in (await call.read()).list_services_response.service}
    assert {"matinee.v1.AuthService", "matinee.v1.EdgeService", "grpc.health.v1.Health"} <= names


async def test_streams_of_edges_end_when_control_stops(tmp_path: Path) -> None:
    async with running_control(tmp_path) as house:
        call = house.edges.Connect(metadata=house.service)
        assert isinstance(await call.read(), ConnectResponse)
        house.stop.set()
        while await call.read() is not EOF:
            continue
        assert (await call.code()).name == "OK"


async def test_what_nobody_expected_is_answered_neutrally_and_logged(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(_: object) -> bytes:
        raise RuntimeError("a secret detail")

    title_id = await house.film()
    monkeypatch.setattr(house.store, "get", fail)
    async with refusal("INTERNAL", "something went wrong here") as refused:
        await house.catalogue.GetPoster(GetPosterRequest(title_id=title_id), metadata=await house.admin())
    assert "secret" not in refused.sentence
    assert "a secret detail" in capsys.readouterr().out
