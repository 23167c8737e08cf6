"""The edge's key set: fetched from a real gRPC server, once a second at most, and kept when control is away."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge.keys import BURST, Keys
from matinee.errors import Unauthenticated, Unavailable
from matinee.rpc.channel import Channel, open_channel
from matinee.rpc.metadata import SERVICE_TOKEN_KEY
from matinee.rpc.server import Context, make_server
from matinee.tokens import ACCESS_AUDIENCE, ACCESS_TYPE, DELIVERY_TYPE, ISSUER, SigningKey, jwks
from protos.v1.auth_pb2 import GetKeysRequest, GetKeysResponse
from protos.v1.auth_pb2_grpc import AuthServiceServicer, add_AuthServiceServicer_to_server

pytestmark = pytest.mark.anyio


class Control(AuthServiceServicer):
    """The key service with keys of the test's choice, on a unix socket that can go away and come back."""

    def __init__(self, folder: Path) -> None:
        self.address = f"unix:{folder}/control.sock"
        self.keys = [SigningKey.generate("first")]
        self.service_tokens: list[str] = []
        self.asked = asyncio.Event()

    async def GetKeys(self, request: GetKeysRequest, context: Context) -> GetKeysResponse:  # noqa: N802 (gRPC's name)
        metadata = dict(context.invocation_metadata() or ())
        self.service_tokens.append(str(metadata[SERVICE_TOKEN_KEY]))
        self.asked.set()
        return GetKeysResponse(jwks=jwks(self.keys))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        server = make_server()
        add_AuthServiceServicer_to_server(self, server)
        server.add_insecure_port(self.address)
        await server.start()
        try:
            yield
        finally:
            await server.stop(None)


@pytest.fixture
def control(tmp_path: Path) -> Control:
    return Control(tmp_path)  # type: ignore[abstract]  # its other methods answer UNIMPLEMENTED


@pytest.fixture
async def channel(control: Control) -> AsyncIterator[Channel]:
    channel = open_channel(control.address)
    yield channel
    await channel.close()


def token_of(key: SigningKey) -> str:
    claims = {"iss": ISSUER, "aud": ACCESS_AUDIENCE, "sub": "ada", "exp": time.time() + 60}
    return key.sign(ACCESS_TYPE, claims)


async def subject(keys: Keys, token: str) -> str:
    return str((await keys.verify(token, ACCESS_TYPE, ACCESS_AUDIENCE))["sub"])


async def test_a_token_is_verified_with_the_keys_of_control(control: Control, channel: Channel) -> None:
    async with control.running():
        keys = Keys(channel, "secret of the house")
        assert await subject(keys, token_of(control.keys[0])) == "ada"
        assert control.service_tokens == ["secret of the house"]
        assert await keys.published() == jwks(control.keys)


async def test_a_known_key_needs_no_call(control: Control, channel: Channel) -> None:
    async with control.running():
        keys = Keys(channel, "secret")
        token = token_of(control.keys[0])
        await keys.refresh()
        for _ in range(5):
            await subject(keys, token)
        assert len(control.service_tokens) == 1


async def test_a_new_key_is_fetched_when_a_token_names_it(control: Control, channel: Channel) -> None:
    async with control.running():
        keys = Keys(channel, "secret", pause=0.05)
        await keys.refresh()
        control.keys.append(SigningKey.generate("second"))
        assert await subject(keys, token_of(control.keys[1])) == "ada"


async def test_forged_kids_that_come_together_cost_control_one_call(control: Control, channel: Channel) -> None:
    async with control.running():
        keys = Keys(channel, "secret")
        forged = [token_of(SigningKey.generate(f"forged-{number}")) for number in range(50)]
        outcomes = await asyncio.gather(*(subject(keys, token) for token in forged), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Unauthenticated}
        assert len(control.service_tokens) == 1


async def test_forged_kids_that_come_one_by_one_have_to_wait(control: Control, channel: Channel) -> None:
    async with control.running():
        keys = Keys(channel, "secret", pause=60)
        for _ in range(BURST):
            with pytest.raises(Unauthenticated):
                await subject(keys, token_of(SigningKey.generate("forged")))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(subject(keys, token_of(SigningKey.generate("forged"))), timeout=0.1)
        assert len(control.service_tokens) == BURST


async def test_who_is_content_with_young_keys_costs_no_call(control: Control, channel: Channel) -> None:
    async with control.running():
        keys = Keys(channel, "secret", pause=0)
        for _ in range(3):
            await keys.refresh(max_age=60)
        assert len(control.service_tokens) == 1


async def test_who_asks_while_a_fetch_runs_gets_one_that_began_later(control: Control, channel: Channel) -> None:
    async with control.running():
        keys = Keys(channel, "secret", pause=0.05)
        first = asyncio.create_task(keys.refresh())
        await control.asked.wait()
        control.keys.append(SigningKey.generate("second"))
        await keys.refresh()
        await first
        assert await keys.published() == jwks(control.keys)


@pytest.mark.parametrize("garbage", ["", "a.b.c", "x" * 5000, "\x00", "bm9uZQ..", "e30.e30.e30"])
async def test_what_is_no_token_is_refused_without_a_call(control: Control, channel: Channel, garbage: str) -> None:
    async with control.running():
        with pytest.raises(Unauthenticated):
            await Keys(channel, "secret").verify(garbage, ACCESS_TYPE, ACCESS_AUDIENCE)
        assert control.service_tokens == []


async def test_a_token_of_another_kind_is_refused(control: Control, channel: Channel) -> None:
    async with control.running():
        with pytest.raises(Unauthenticated):
            await Keys(channel, "secret").verify(token_of(control.keys[0]), DELIVERY_TYPE, ACCESS_AUDIENCE)


async def test_old_keys_verify_while_control_is_away(control: Control, channel: Channel) -> None:
    async with control.running():
        keys = Keys(channel, "secret", pause=0)
        await keys.refresh()
    with pytest.raises(Unavailable):
        await keys.refresh()
    assert await subject(keys, token_of(control.keys[0])) == "ada"
    with pytest.raises(Unavailable):
        await subject(keys, token_of(SigningKey.generate("new")))
