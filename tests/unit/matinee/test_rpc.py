"""Failures of calls, as the errors that they stand for."""

import asyncio
from pathlib import Path

import pytest

from matinee.errors import Unavailable
from matinee.rpc import make_server, open_channel, translated
from protos.v1.auth_pb2 import GetKeysRequest, GetKeysResponse
from protos.v1.auth_pb2_grpc import AuthServiceStub, add_AuthServiceServicer_to_server
from tests.control_services import Auth, Calls

pytestmark = pytest.mark.anyio


async def test_a_server_that_stops_tells_callers_to_try_again(tmp_path: Path) -> None:
    server = make_server()
    add_AuthServiceServicer_to_server(Auth(Calls()), server)  # type: ignore[abstract]
    server.add_insecure_port(f"unix:{tmp_path}/c.sock")
    await server.start()
    async with open_channel(f"unix:{tmp_path}/c.sock") as channel:

        async def call() -> GetKeysResponse:
            async with translated():
                return await AuthServiceStub(channel).GetKeys(GetKeysRequest())

        await call()
        calls = [asyncio.create_task(call()) for _ in range(500)]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        await server.stop(1)
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {GetKeysResponse, Unavailable}
