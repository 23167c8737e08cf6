"""The application of uploads as a tus client sees it: the real object store and gRPC, over ASGI."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from edge.uploads import Uploads
from matinee.rpc.channel import Channel, open_channel
from matinee.storage.object_store import ObjectStore
from matinee.storage.opening import open_store
from tests.buckets import new_store
from tests.services.s3 import S3
from tests.uploads import Control, make_control, make_uploads


@pytest.fixture
async def control() -> AsyncIterator[Control]:
    control = make_control()
    async with control.running():
        yield control


@pytest.fixture(params=["memory", "file", "seaweedfs"])
def store(request: pytest.FixtureRequest, tmp_path: Path, s3_server: Callable[[str], S3]) -> ObjectStore:
    if request.param == "seaweedfs":
        settings = new_store(s3_server("seaweedfs"))
        return open_store(settings.url, settings)
    return open_store("memory://" if request.param == "memory" else tmp_path.as_uri())


@pytest.fixture
async def channel(control: Control) -> AsyncIterator[Channel]:
    channel = open_channel(control.address)
    yield channel
    await channel.close()


@pytest.fixture
def app(store: ObjectStore, channel: Channel) -> Uploads:
    return make_uploads(store, channel)


@pytest.fixture
async def client(app: Uploads, control: Control) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Tus-Resumable": "1.0.0", "Authorization": f"Bearer {control.token()}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge", headers=headers) as client:
        yield client
