"""Another service that verifies our tokens alone, by the key set at the door, with a library of others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import jwt
import pytest

from control.accounts.keyring import RENEWAL_SECONDS
from matinee.tokens import ACCESS_AUDIENCE, ISSUER
from protos.v1.auth_pb2 import RotateKeysRequest
from tests.control_house import House, TurnedClock, running_control
from tests.door import open_door
from tests.ports import free_port

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

MONTH = 30 * 86_400
STEP = 100


@dataclass
class OtherService:
    """Fetches the key set, keeps it as its library does, and believes what it verifies."""

    keys: jwt.PyJWKClient
    believed: list[str] = field(default_factory=list)

    async def believe(self, token: str) -> None:
        """Verify a token. Raises what PyJWT raises."""
        key = await asyncio.to_thread(self.keys.get_signing_key_from_jwt, token)
        jwt.decode(token, key, ["ES256"], audience=ACCESS_AUDIENCE, issuer=ISSUER, options={
            "verify_iat": False, "verify_exp": False  # the clock of the house runs ahead of PyJWT's
        })  # fmt: skip
        self.believed.append(jwt.get_unverified_header(token)["kid"])


@asynccontextmanager
async def open_house(data: Path, clock: TurnedClock) -> AsyncIterator[House]:
    http = {"port": free_port("127.0.0.1")}
    async with running_control(data, clock, http=http) as house, open_door(house):
        yield house


def key_set(house: House) -> str:
    return f"http://127.0.0.1:{house.settings.http.port}/.well-known/jwks.json"


async def test_it_refuses_no_token_when_our_key_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = TurnedClock()
    for module in ("jwks_client", "jwk_set_cache"):
        monkeypatch.setattr(f"jwt.{module}.time", SimpleNamespace(monotonic=clock))
    async with running_control(tmp_path, clock):
        clock.turn(MONTH)
    async with open_house(tmp_path, clock) as house:
        service = OtherService(jwt.PyJWKClient(key_set(house)))
        for _ in range(int(RENEWAL_SECONDS) // STEP + 10):
            await service.believe((await house.sign_in()).access_token)
            clock.turn(STEP)
    assert len(set(service.believed)) == 2


async def test_it_refuses_no_token_when_an_admin_rotates_our_keys_and_it_asks_for_new_ones_at_once(
    tmp_path: Path,
) -> None:
    async with open_house(tmp_path, TurnedClock()) as house:
        service = OtherService(jwt.PyJWKClient(key_set(house), cooldown_duration=0))
        early, admin = (await house.sign_in()).access_token, await house.admin()
        for number in range(1, 3):
            rotating = asyncio.ensure_future(house.auth.RotateKeys(RotateKeysRequest(), metadata=admin))
            while len(set(service.believed)) <= number:
                await service.believe((await house.sign_in()).access_token)
                await service.believe(early)
            assert service.believed[-2] == (await rotating).kid
