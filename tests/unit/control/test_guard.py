"""Who may call what: every method of every contract, with every kind of caller."""

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from control.callers import MAY, Caller
from control.guard import access_of, host_of, services_of
from control.services import CONTRACTS
from matinee.rpc.call_errors import CallError
from matinee.rpc.metadata import SERVICE_TOKEN_KEY, STREAM_OPEN
from protos.v1.access_pb2 import ACCESS_PUBLIC, ACCESS_SERVICE, ACCESS_UNSPECIFIED, Access
from protos.v1.auth_pb2 import GetAccountRequest, GetKeysRequest
from tests.control_house import House, Metadata, bearer, refusal

pytestmark = pytest.mark.anyio

ACCESS = access_of(services_of(CONTRACTS))
METHODS = {
    f"/{service.full_name}/{method.name}": method
    for service in services_of(CONTRACTS)
    for method in service.methods
    if not method.client_streaming
}


async def status_of(house: House, path: str, metadata: Metadata = ()) -> str:
    """How a call with an empty request is answered."""
    method = METHODS[path]
    request, answer = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    coding = (request.SerializeToString, answer.FromString)
    try:
        if method.server_streaming:
            await first_answer(house.channel.unary_stream(path, *coding)(request(), metadata=metadata))
        else:
            await house.channel.unary_unary(path, *coding)(request(), metadata=metadata)
    except CallError as error:
        return error.code().name
    return "OK"


async def first_answer(stream: "grpc.aio.UnaryStreamCall[Message, Message]") -> None:
    """Wait until a stream is opened, which would go on for ever, or refused."""
    if tuple(STREAM_OPEN[0]) in {tuple(pair) for pair in await stream.initial_metadata() or ()}:
        stream.cancel()
    else:
        await stream.read()


async def test_every_method_says_who_may_call_it() -> None:
    assert [path for path, access in ACCESS.items() if access == ACCESS_UNSPECIFIED] == []


async def test_without_a_credential_only_public_methods_answer(house: House) -> None:
    refused = {path for path in METHODS if await status_of(house, path) in {"UNAUTHENTICATED", "PERMISSION_DENIED"}}
    public = {path for path in METHODS if ACCESS[path] == ACCESS_PUBLIC}
    assert refused == METHODS.keys() - public | {"/matinee.v1.AuthService/Refresh"}


async def test_an_admin_may_call_all_but_the_methods_of_services(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("control.accounts.keyring.ANNOUNCE_SECONDS", 0)  # RotateKeys answers after so long
    admin = await house.admin()
    refused = {path for path in METHODS if await status_of(house, path, admin) == "PERMISSION_DENIED"}
    assert refused == {path for path in METHODS if ACCESS[path] == ACCESS_SERVICE}


async def test_the_service_token_opens_no_method_of_persons(house: House) -> None:
    persons = [path for path in METHODS if ACCESS[path] not in {ACCESS_SERVICE, ACCESS_PUBLIC}]
    assert {await status_of(house, path, house.service) for path in persons} == {"UNAUTHENTICATED"}


async def test_a_service_may_call_for_a_person(house: House) -> None:
    assert await status_of(house, "/matinee.v1.AuthService/GetAccount", [*house.service, *await house.admin()]) == "OK"


async def test_a_wrong_service_token_is_refused(house: House) -> None:
    for token in ("", "wrong", "x" * 4000):
        async with refusal("PERMISSION_DENIED", "only services of this instance"):
            await house.auth.GetKeys(GetKeysRequest(), metadata=((SERVICE_TOKEN_KEY, token),))


async def test_a_delivery_token_does_not_open_the_api(house: House) -> None:
    title_id, admin = await house.film(), await house.admin()
    delivery_token = (await house.play(title_id, admin)).hls.split("=")[1].split("/")[0]
    async with refusal("UNAUTHENTICATED", "another kind"):
        await house.auth.GetAccount(GetAccountRequest(), metadata=bearer(delivery_token))


@pytest.mark.parametrize(("role", "levels"), [("viewer", 1), ("publisher", 2), ("admin", 3), ("unknown", 0)])
async def test_a_role_covers_the_levels_below_it(role: str, levels: int) -> None:
    person = Caller("id", "a@b.example", role)
    assert sum(person.may(access) for access in Access.values()) == levels
    assert len(MAY.get(role, ())) == levels


@pytest.mark.parametrize(
    ("peer", "host"),
    [("ipv4:192.0.2.1:5000", "192.0.2.1"), ("ipv6:%5B2001:db8::1%5D:5000", "2001:db8::1"), ("unix:", "unix")],
)
def test_a_peer_is_known_by_its_host(peer: str, host: str) -> None:
    assert host_of(peer) == host
