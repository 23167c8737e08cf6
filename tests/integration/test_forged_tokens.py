"""Forged tokens at every route of the door and every method of control: as their tables list them, new ones too."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor

from control.guard import access_of, services_of
from control.services import CONTRACTS
from edge.app import MEDIA
from edge.bindings import bindings
from matinee.delivery import PARAMETER, split_token
from matinee.rpc.call_errors import CallError
from matinee.rpc.metadata import AUTHORIZATION_KEY, SERVICE_TOKEN_KEY
from matinee.tokens import ACCESS_TYPE, DELIVERY_TYPE, SigningKey
from protos.v1.access_pb2 import ACCESS_PUBLIC, ACCESS_SERVICE
from protos.v1.auth_pb2 import VerifyTokenRequest
from tests.control_house import Metadata, refusal
from tests.forgeries import forgeries, signing_key
from tests.small_asset import ASSET_ID
from tests.theatre import MEDIA_FILES, METHODS, TUS, Theatre, open_theatre

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

KEY = SigningKey.generate("k")
NAMES = list(forgeries(KEY, KEY.sign(ACCESS_TYPE, {}), KEY.sign(DELIVERY_TYPE, {})))
ENDLESS = {"/api/v1/notices", "/api/v1/events:tail"}
CALLS = {
    f"/{method.containing_service.full_name}/{method.name}": method
    for service in services_of(CONTRACTS)
    for method in service.methods
}
ACCESS = access_of(services_of(CONTRACTS))
PUBLIC = {(binding.verb, binding.template.plain) for binding in bindings() if binding.public}
REFUSED = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.RESOURCE_EXHAUSTED}
"""The second is gRPC's own, for metadata that are too large."""
Route = tuple[str, str]


@dataclass
class Stage:
    """A theatre, the routes that nobody passes without a token, and forgeries of the two tokens that open them."""

    theatre: Theatre
    guarded: list[Route]
    access: dict[str, str]
    delivery: dict[str, str]

    async def status(self, route: Route, *, query: str = "", **headers: str) -> int:
        method, path = route
        url = f"{path}?{PARAMETER}={query}" if query else path
        return (await self.theatre.client.request(method, url, headers=TUS | headers)).status_code


@pytest.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with open_theatre(tmp_path_factory.mktemp("data")) as theatre:
        key, genuine = await signing_key(theatre.house), theatre.bearer[AUTHORIZATION_KEY].removeprefix("Bearer ")
        _, delivery = split_token(theatre.signed, "")
        stage = Stage(theatre, [], forgeries(key, genuine, delivery), forgeries(key, delivery, genuine))
        every = [(method, path) for path in sorted(theatre.paths()) for method in METHODS]
        stage.guarded = [route for route in every if route not in PUBLIC and await stage.status(route) == 401]
        yield stage


async def test_all_that_is_not_public_is_guarded(stage: Stage) -> None:
    api = {f"{binding.verb} {binding.template.plain}" for binding in bindings() if not binding.public}
    assert len([path for _, path in stage.guarded if path.startswith("/api/")]) >= len(api)
    other = {(method, path) for method, path in stage.guarded if not path.startswith("/api/")}
    media = {(method, f"{MEDIA}{ASSET_ID}/{name}") for name in MEDIA_FILES for method in ("GET", "HEAD")}
    uploads = {("POST", "/uploads"), *((method, f"/uploads/{'0' * 32}") for method in ("HEAD", "PATCH", "DELETE"))}
    assert other == media | uploads | {("POST", "/cmcd")}


async def test_the_genuine_tokens_pass(stage: Stage) -> None:
    genuine = stage.theatre.bearer[AUTHORIZATION_KEY]
    _, delivery = split_token(stage.theatre.signed, "")
    for route in stage.guarded:
        if route[1] not in ENDLESS and route[0] != "DELETE":
            token = {"query": delivery} if route[1].startswith(("/v/", "/cmcd")) else {"authorization": genuine}
            assert await stage.status(route, **token) != 401, route


@pytest.mark.parametrize("name", NAMES)
async def test_a_forged_token_passes_nowhere(stage: Stage, name: str) -> None:
    access, delivery = stage.access[name], stage.delivery[name]
    cookies = {"cookie": f"matinee_access={access}", "matinee-cookies": "1"}
    for route in stage.guarded:
        told = [await stage.status(route, authorization=f"Bearer {access}"), await stage.status(route, **cookies)]
        told.append(await stage.status(route, query=delivery))
        over = {410} if (name, route) == ("expired", ("POST", "/cmcd")) else set()  # there it says that one may stop
        assert set(told) <= {401, 414} | over, (route, told)


@pytest.mark.parametrize("name", NAMES)
async def test_a_forged_token_in_a_path_delivers_nothing(stage: Stage, name: str) -> None:
    for file in MEDIA_FILES:
        told = await stage.status(("GET", f"{MEDIA}{ASSET_ID};{PARAMETER}={stage.delivery[name]}/{file}"))
        assert told in (401, 404, 414), file


@pytest.mark.parametrize("name", NAMES)
async def test_where_nobody_needs_a_token_a_forged_one_adds_nothing(stage: Stage, name: str) -> None:
    for path in [path for verb, path in PUBLIC if verb == "GET"]:
        anybody = await stage.theatre.client.get(path)
        forged = await stage.theatre.client.get(path, headers={"authorization": f"Bearer {stage.access[name]}"})
        assert forged.status_code == 401 or forged.content == anybody.content, path


@pytest.mark.parametrize("name", NAMES)
async def test_a_forged_token_calls_no_method(stage: Stage, name: str) -> None:
    for path, method in CALLS.items():
        if ACCESS[path] not in (ACCESS_PUBLIC, ACCESS_SERVICE):
            assert await called(stage, method, bearer(stage.access[name])) in REFUSED, path
    async with refusal("UNAUTHENTICATED"):
        request = VerifyTokenRequest(access_token=stage.access[name])
        await stage.theatre.house.auth.VerifyToken(request, metadata=stage.theatre.house.service)


async def test_what_services_call_no_other_token_opens(stage: Stage) -> None:
    genuine = stage.theatre.bearer[AUTHORIZATION_KEY].removeprefix("Bearer ")
    secret = stage.theatre.house.settings.service_token_file.read_text().strip()
    shown = [(), bearer(genuine), ((SERVICE_TOKEN_KEY, genuine),), ((SERVICE_TOKEN_KEY, ""),)]
    shown += [((SERVICE_TOKEN_KEY, secret[:-1]),), ((SERVICE_TOKEN_KEY, f"{secret}x"),), bearer(secret)]
    for path, method in CALLS.items():
        if ACCESS[path] == ACCESS_SERVICE:
            for metadata in shown:
                assert await called(stage, method, metadata) == grpc.StatusCode.PERMISSION_DENIED, path


async def test_the_token_of_the_house_is_nobodys_access_token(stage: Stage) -> None:
    for path, method in CALLS.items():
        if ACCESS[path] not in (ACCESS_PUBLIC, ACCESS_SERVICE):
            assert await called(stage, method, stage.theatre.house.service) == grpc.StatusCode.UNAUTHENTICATED, path


def bearer(token: str) -> Metadata:
    return ((AUTHORIZATION_KEY, f"Bearer {token}"),)


async def called(stage: Stage, method: MethodDescriptor, metadata: Metadata) -> grpc.StatusCode:
    """With which status a method answers an empty request, of whatever kind it is."""
    channel: Any = stage.theatre.house.channel
    path = f"/{method.containing_service.full_name}/{method.name}"
    try:
        if method.client_streaming:
            await channel.stream_stream(path)(metadata=metadata).read()
        elif method.server_streaming:
            await channel.unary_stream(path)(b"", metadata=metadata).read()
        else:
            await channel.unary_unary(path)(b"", metadata=metadata)
    except CallError as error:
        return error.code()
    return grpc.StatusCode.OK
