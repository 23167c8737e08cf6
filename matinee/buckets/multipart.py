"""Objects that come in parts from clients without a key of the bucket: each part to an address that is signed here.

An address takes one part alone: its number, its size and its SHA-256 are signed with it, and the server checks them.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from matinee.buckets.bucket import Bucket, bucket
from matinee.buckets.client import connect, translated
from matinee.buckets.parts import Part
from matinee.settings import StoreSettings

Answer = TypeVar("Answer")


class Multipart:
    """Begins, signs, joins and gives up objects in parts. Every method raises what `translated` does."""

    def __init__(self, bucket: Bucket, public_endpoint: str) -> None:
        self._name = bucket.name
        self._key = bucket.key
        self._client = connect(bucket)
        self._signer = connect(replace(bucket, endpoint=public_endpoint.rstrip("/")))

    def close(self) -> None:
        """Hang up."""
        self._client.close()
        self._signer.close()

    async def begin(self, path: str) -> str:
        """Begin an object under `path` of the object store; answer what its parts belong to."""
        begun = await _called(
            lambda: self._client.create_multipart_upload(
                Bucket=self._name, Key=self._key(path), ChecksumAlgorithm="SHA256"
            )
        )
        return begun["UploadId"]

    async def sign(self, path: str, multipart_id: str, parts: Sequence[Part], seconds: int) -> list[str]:
        """The addresses to which these parts may be PUT for so long, with the header x-amz-checksum-sha256."""

        def signed(part: Part) -> str:
            about = {"PartNumber": part.number, "ContentLength": part.size, "ChecksumSHA256": part.sha256}
            named = {"Bucket": self._name, "Key": self._key(path), "UploadId": multipart_id, **about}
            return self._signer.generate_presigned_url("upload_part", Params=named, ExpiresIn=seconds)

        return await _called(lambda: [signed(part) for part in parts])

    async def parts(self, path: str, multipart_id: str) -> list[Part]:
        """The parts that are there, in order. Raises `NotFound` when the object was joined or given up."""
        listed = await _called(
            lambda: self._client.list_parts(Bucket=self._name, Key=self._key(path), UploadId=multipart_id)
        )
        return [
            Part(part["PartNumber"], part["Size"], part.get("ChecksumSHA256", ""), part["ETag"])
            for part in listed.get("Parts", [])
        ]

    async def join(self, path: str, multipart_id: str, parts: Sequence[Part]) -> None:
        """Make one object of its parts. Raises `InvalidInput` for a part that is not the one that is there."""
        named = [{"PartNumber": part.number, "ETag": part.etag, "ChecksumSHA256": part.sha256} for part in parts]
        await _called(
            lambda: self._client.complete_multipart_upload(
                Bucket=self._name,
                Key=self._key(path),
                UploadId=multipart_id,
                MultipartUpload={"Parts": named},  # type: ignore[typeddict-item]
            )
        )

    async def abort(self, path: str, multipart_id: str) -> None:
        """Remove the parts. Raises `NotFound` when there are none any more."""
        await _called(
            lambda: self._client.abort_multipart_upload(Bucket=self._name, Key=self._key(path), UploadId=multipart_id)
        )


async def _called(call: Callable[[], Answer]) -> Answer:
    """The answer of a call that blocks."""

    def in_our_words() -> Answer:
        with translated():
            return call()

    return await asyncio.to_thread(in_our_words)


def open_multipart(settings: StoreSettings) -> Multipart | None:
    """What clients may send parts by, if the store is a bucket that they reach."""
    if not (settings.public_endpoint and settings.url.startswith("s3://")):
        return None
    return Multipart(bucket(settings), settings.public_endpoint)
