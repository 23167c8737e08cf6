"""What people say to control of their accounts."""

from protos.v1.auth_pb2 import (
    ROLE_VIEWER,
    Account,
    CreateAccountRequest,
    GetAccountRequest,
    LoginRequest,
    LoginResponse,
    RegisterRequest,
    RequestPasswordResetRequest,
)
from tests.control_house import House, bearer

EMAIL, PASSWORD = "ada@example.org", "a long password"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


async def register(
    house: House, email: str = EMAIL, address: str = "192.0.2.1", *, password: str = PASSWORD, agent: str = ""
) -> None:
    request = RegisterRequest(email=email, password=password)
    await house.auth.Register(request, metadata=house.client_at(address, agent))


async def ask_reset(house: House, email: str = EMAIL, address: str = "192.0.2.1") -> None:
    """Ask from an address for a letter by which a new password is set."""
    request = RequestPasswordResetRequest(email=email)
    await house.auth.RequestPasswordReset(request, metadata=house.client_at(address))


async def login(house: House, password: str = PASSWORD, agent: str = "", email: str = EMAIL) -> LoginResponse:
    request = LoginRequest(email=email, password=password)
    return await house.auth.Login(request, metadata=house.client_at("192.0.2.1", agent))


async def made(house: House, email: str = EMAIL, role: int = ROLE_VIEWER) -> Account:
    """The account of somebody new, whose password is PASSWORD."""
    request = CreateAccountRequest(email=email, password=PASSWORD, role=role)  # type: ignore[arg-type]
    return (await house.auth.CreateAccount(request, metadata=await house.admin())).account


async def me(house: House, access_token: str) -> Account:
    """The account of whoever has this access token."""
    return (await house.auth.GetAccount(GetAccountRequest(), metadata=bearer(access_token))).account
