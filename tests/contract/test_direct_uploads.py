"""Films that go straight to the bucket; run over each S3 server that this machine has."""

import asyncio
import hashlib
import os
import shutil
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from control.jobs.direct_uploads import DirectUploadService
from matinee.buckets.multipart import open_multipart
from matinee.settings import StoreSettings
from protos.v1 import jobs_pb2 as pb
from tests.buckets import new_store
from tests.control_house import House, Metadata, refusal, running_control
from tests.services.s3 import S3, servers

pytestmark = pytest.mark.anyio

MIB = 1024**2
PART = 5 * MIB
FILM = os.urandom(2 * PART + 1234)
DIGEST = hashlib.sha256(FILM).hexdigest()
DAY = 86_400


def part_of(number: int) -> bytes:
    return FILM[(number - 1) * PART : number * PART]


def sha256(data: bytes) -> str:
    return b64encode(hashlib.sha256(data).digest()).decode()


@pytest.fixture(params=servers())
def store(request: pytest.FixtureRequest, s3_server: Callable[[str], S3]) -> StoreSettings:
    server = s3_server(request.param)
    return new_store(server).model_copy(update={"public_endpoint": server.endpoint})


LIMITS = {"part_bytes": PART, "unfinished": 2, "max_bytes": 100 * MIB}


@asynccontextmanager
async def house_at(store: StoreSettings, data: Path, migrated: Path) -> AsyncIterator[House]:
    shutil.copy(migrated, data)
    told = {**store.model_dump(), "secret_access_key": store.secret_access_key.get_secret_value()}
    async with running_control(data, store=told, uploads=LIMITS) as house:
        yield house


@pytest.fixture
async def house(store: StoreSettings, tmp_path: Path, migrated: Path, anyio_backend: str) -> AsyncIterator[House]:
    async with house_at(store, tmp_path, migrated) as running:
        yield running


@dataclass
class Client:
    """Somebody who uploads the film."""

    house: House
    metadata: Metadata
    upload_id: str = ""

    async def begin(self, **changes: object) -> pb.CreateDirectUploadResponse:
        fields = {"file_name": "sita.mkv", "size_bytes": len(FILM), "sha256": DIGEST, **changes}
        answer = await self.house.direct.CreateDirectUpload(
            pb.CreateDirectUploadRequest(**fields),  # type: ignore[arg-type]
            metadata=self.metadata,
        )
        self.upload_id = answer.upload_id
        return answer

    async def sign(self, numbers: Sequence[int], sums: Mapping[int, str] | None = None) -> list[str]:
        sums = sums or {number: sha256(part_of(number)) for number in numbers}
        parts = [pb.UploadedPart(number=number, sha256=sums[number]) for number in numbers]
        request = pb.SignPartsRequest(upload_id=self.upload_id, parts=parts)
        return list((await self.house.direct.SignParts(request, metadata=self.metadata)).urls)

    async def send(self, *numbers: int) -> list[pb.UploadedPart]:
        urls = await self.sign(numbers)
        parts = []
        for number, url in zip(numbers, urls, strict=True):
            answer = await put(url, part_of(number))
            assert answer.status_code == 200, answer.text
            parts.append(pb.UploadedPart(number=number, etag=answer.headers["ETag"], sha256=sha256(part_of(number))))
        return parts

    async def complete(self, parts: Sequence[pb.UploadedPart]) -> pb.CompleteDirectUploadResponse:
        request = pb.CompleteDirectUploadRequest(upload_id=self.upload_id, parts=parts)
        return await self.house.direct.CompleteDirectUpload(request, metadata=self.metadata)

    async def standing(self) -> pb.GetDirectUploadResponse:
        request = pb.GetDirectUploadRequest(upload_id=self.upload_id)
        return await self.house.direct.GetDirectUpload(request, metadata=self.metadata)

    async def abort(self) -> None:
        request = pb.AbortDirectUploadRequest(upload_id=self.upload_id)
        await self.house.direct.AbortDirectUpload(request, metadata=self.metadata)

    async def bytes_there(self) -> bytes:
        return await self.house.store.get(f"uploads/{self.upload_id}/{0:016d}")


async def put(url: str, data: bytes, declared: str = "") -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.put(url, content=data, headers={"x-amz-checksum-sha256": declared or sha256(data)})


@pytest.fixture
async def client(house: House) -> Client:
    return Client(house, await house.person("publisher"))


async def test_a_film_comes_in_parts_and_becomes_a_job(client: Client) -> None:
    assert (await client.begin()).part_bytes == PART
    made = await client.complete(await client.send(1, 2, 3))
    assert await client.bytes_there() == FILM
    lease = await client.house.leased()
    assert (lease.job_id, lease.title_id) == (made.job_id, made.title_id)
    assert (lease.upload_id, lease.size_bytes, lease.sha256) == (client.upload_id, len(FILM), DIGEST)
    assert (lease.file_name, await client.house.store.list("unfinished")) == ("sita.mkv", [])


async def test_where_it_stands_is_told_from_the_first_part_to_the_job(client: Client) -> None:
    await client.begin()
    assert list((await client.standing()).parts) == []
    sent = await client.send(3, 1)
    stands = await client.standing()
    assert (stands.size_bytes, stands.part_bytes) == (len(FILM), PART)
    assert [(part.number, part.etag.strip('"')) for part in stands.parts] == sorted(
        (part.number, part.etag.strip('"')) for part in sent
    )
    made = await client.complete([sent[1], *await client.send(2), sent[0]])
    assert (await client.standing()).job_id == made.job_id


async def test_to_complete_it_again_and_at_the_same_time_changes_nothing(client: Client) -> None:
    await client.begin()
    parts = await client.send(1, 2, 3)
    answers = await asyncio.gather(*(client.complete(parts) for _ in range(3)))
    answers.append(await client.complete([]))
    assert len({(answer.title_id, answer.job_id) for answer in answers}) == 1
    assert await client.bytes_there() == FILM


async def test_what_was_joined_when_control_was_killed_becomes_a_job_all_the_same(client: Client) -> None:
    await client.begin()
    await client.house.store.put(f"uploads/{client.upload_id}/{0:016d}", FILM)
    assert (await client.complete(await client.send(1, 2, 3))).job_id


async def test_an_address_takes_that_part_alone(client: Client) -> None:
    await client.begin()
    [url] = await client.sign([1])
    good, other = part_of(1), os.urandom(PART)
    refused = [
        await put(url, other),
        await put(url, other, declared=sha256(good)),
        await put(url, good[:-1], declared=sha256(good)),
        await put(url, good + b"x", declared=sha256(good)),
        await put(url.replace("partNumber=1", "partNumber=2"), good),
        await put(url.replace(client.upload_id, "0" * 32), good),
        await put(url.partition("?")[0], good),
    ]
    assert {answer.status_code for answer in refused} <= {400, 403}
    assert list((await client.standing()).parts) == []
    assert (await put(url, good)).status_code == 200


async def test_parts_that_are_missing_swapped_or_others_are_not_joined(client: Client) -> None:
    await client.begin()
    parts = await client.send(1, 2)
    third = pb.UploadedPart(number=3, etag='"x"', sha256=sha256(part_of(3)))
    async with refusal("INVALID_ARGUMENT", "part 3 has not arrived"):
        await client.complete([*parts, third])
    async with refusal("INVALID_ARGUMENT", "parts 1 to 3 in order"):
        await client.complete(parts)
    parts += await client.send(3)
    async with refusal("INVALID_ARGUMENT", "in order"):
        await client.complete(parts[::-1])
    other = pb.UploadedPart(number=1, etag=parts[1].etag, sha256=parts[1].sha256)
    async with refusal("INVALID_ARGUMENT", "part 1 is not the one that arrived"):
        await client.complete([other, *parts[1:]])
    assert (await client.complete(parts)).job_id


async def test_a_sum_that_is_not_that_of_the_part_is_refused_by_the_bucket(client: Client) -> None:
    await client.begin()
    parts = await client.send(1, 2, 3)
    parts[0].sha256 = sha256(b"another")
    async with refusal("INVALID_ARGUMENT", "the S3 server answers"):
        await client.complete(parts)
    assert await client.house.lease() is None


async def test_no_part_beyond_the_declared_size_is_signed(client: Client) -> None:
    await client.begin()
    for number in (0, 4, -1):
        async with refusal("INVALID_ARGUMENT", "parts 1 to 3"):
            await client.sign([number], {number: sha256(b"")})
    async with refusal("INVALID_ARGUMENT", "at most 100"):
        await client.sign([1] * 101)


async def test_an_upload_is_nobody_elses(client: Client) -> None:
    await client.begin()
    parts = await client.send(1, 2, 3)
    other = Client(client.house, await client.house.admin(), client.upload_id)
    for call in (other.standing(), other.sign([1]), other.complete(parts), other.abort()):
        async with refusal("NOT_FOUND"):
            await call
    viewer = Client(client.house, await client.house.person("viewer"), client.upload_id)
    async with refusal("PERMISSION_DENIED"):
        await viewer.complete(parts)
    async with refusal("PERMISSION_DENIED"):
        await viewer.begin()


async def test_an_upload_that_was_given_up_leaves_nothing(client: Client) -> None:
    await client.begin()
    await client.send(1)
    [url] = await client.sign([2])
    await client.abort()
    assert (await put(url, part_of(2))).status_code == 404
    async with refusal("NOT_FOUND"):
        await client.standing()
    left = [await client.house.store.list(prefix) for prefix in ("direct", "uploads", "unfinished")]
    assert left == [[], [], []]


async def test_an_upload_that_became_a_job_cannot_be_given_up(client: Client) -> None:
    await client.begin()
    await client.complete(await client.send(1, 2, 3))
    async with refusal("FAILED_PRECONDITION", "cancel the job"):
        await client.abort()
    async with refusal("FAILED_PRECONDITION", "is complete"):
        await client.sign([1])


BAD_FILMS: list[tuple[dict[str, object], str]] = [
    ({"size_bytes": 0}, "empty"),
    ({"size_bytes": -1}, "negative"),
    ({"size_bytes": 100 * MIB + 1}, "larger than"),
    ({"file_name": "", "title_name": ""}, "the name of the title is missing"),
    ({"title_name": "a\nb"}, "the name of the title contains"),
    ({"sha256": "abc"}, "sha256"),
    ({"title_id": "../x"}, "title_id"),
]


async def test_what_can_be_no_film_is_refused_before_any_part(client: Client) -> None:
    for fields, part in BAD_FILMS:
        async with refusal("INVALID_ARGUMENT", part):
            await client.begin(**fields)
    async with refusal("NOT_FOUND", "no such title"):
        await client.begin(title_id="0" * 26)
    assert await client.house.store.list("direct") == []


async def test_so_many_unfinished_ones_an_account_may_have_and_no_more(client: Client) -> None:
    await client.begin()
    await client.begin()
    async with refusal("RESOURCE_EXHAUSTED"):
        await client.begin()
    await client.abort()
    await client.begin()


async def test_what_nobody_continues_expires_and_is_swept(client: Client) -> None:
    house = client.house
    await client.begin()
    await client.complete(await client.send(1, 2, 3))
    finished = client.upload_id
    await client.begin()
    [url] = await client.sign([1])
    house.clock.turn(2 * DAY + 1)
    later = Client(house, await house.admin())
    await later.begin()
    await sweep(house)
    assert (await put(url, part_of(1))).status_code == 404
    assert await records(house) == {finished, later.upload_id}
    await house.store.delete_prefix(f"uploads/{finished}")
    await sweep(house)
    assert await records(house) == {later.upload_id}


async def test_an_expired_upload_is_gone_for_its_client(client: Client) -> None:
    client.metadata = await client.house.admin()
    await client.begin()
    client.house.clock.turn(2 * DAY + 1)
    client.metadata = await client.house.admin()
    async with refusal("NOT_FOUND", "expired"):
        await client.sign([1])


async def test_to_have_parts_signed_keeps_an_upload_alive(client: Client) -> None:
    for _ in range(3):
        client.metadata = await client.house.admin()
        await (client.sign([1]) if client.upload_id else client.begin())
        client.house.clock.turn(DAY)
    await sweep(client.house)
    assert await records(client.house) == {client.upload_id}


async def sweep(house: House) -> None:
    """Do what control does by itself every hour."""
    async with house.database() as database:
        parts = await asyncio.to_thread(open_multipart, house.settings.store)
        uploads = DirectUploadService(database, house.store, house.settings.uploads, house.clock, parts)
        await uploads.sweep()
        uploads.close()


async def records(house: House) -> set[str]:
    return {item.key.partition("/")[2] for item in await house.store.list("direct")}


async def test_a_house_that_offers_it_says_from_which_size_on(client: Client) -> None:
    offer = await client.house.direct.GetDirectUploadOffer(pb.GetDirectUploadOfferRequest(), metadata=client.metadata)
    assert offer.smallest_bytes == 64 * MIB


async def test_without_a_bucket_that_clients_reach_it_is_told_where_to_send_films(
    tmp_path: Path, migrated: Path
) -> None:
    async with house_at(StoreSettings(), tmp_path, migrated) as house:
        client = Client(house, await house.admin())
        offer = await house.direct.GetDirectUploadOffer(pb.GetDirectUploadOfferRequest(), metadata=client.metadata)
        assert offer.smallest_bytes == 0
        async with refusal("FAILED_PRECONDITION", "/uploads"):
            await client.begin()
