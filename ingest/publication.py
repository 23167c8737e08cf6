"""Publishing an asset and cleaning up after it, so that a crash between any two steps leaves nothing undone.

The objects of the asset are written first, its index last. Then a record of what is to be published; then control
flips the title, if the fencing token still holds; then spans and upload are removed, and the record last. A worker that
starts, or has nothing to do, concludes what it finds recorded: to publish the same asset under the same lease again
changes nothing.
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError

from ingest.jobs import Jobs
from matinee.errors import Conflict, DataLoss, MatineeError, NotFound, Unavailable
from matinee.layout import INDEX, asset_key, asset_prefix, span_prefix, upload_prefix
from matinee.storage.object_store import ObjectStore
from protos.v1.jobs_pb2 import PublishAssetRequest

RECORDS = "publications"

log = structlog.get_logger()


def asset_id(upload_id: str, index: bytes) -> str:
    """The name of an asset: 26 characters of lower-case base32 that stand for its upload and its encoded index.

    So a film that is uploaded again has objects of its own, and giving one up takes nothing from the other.
    """
    return base64.b32encode(hashlib.sha256(upload_id.encode() + index).digest())[:26].decode().lower()


def record_key(job_id: str) -> str:
    """Where the record of a job's publication lies."""
    return f"{RECORDS}/{job_id}.json"


@dataclass(frozen=True)
class Publication:
    """An asset whose objects are all in the store: what control is told, and the upload that is of no use then."""

    request: PublishAssetRequest
    upload_id: str

    @property
    def key(self) -> str:
        """Where the record of this publication lies: one for each job."""
        return record_key(self.request.job_id)

    def encode(self) -> bytes:
        """The record, as JSON."""
        return json.dumps({"request": MessageToDict(self.request), "upload_id": self.upload_id}).encode()

    @classmethod
    def decode(cls, record: bytes) -> "Publication":
        """The publication that a record speaks of. Raises `DataLoss` for one that this release cannot read."""
        try:
            said = json.loads(record)
            return cls(ParseDict(said["request"], PublishAssetRequest()), said["upload_id"])
        except (ValueError, LookupError, TypeError, ParseError) as error:
            raise DataLoss(f"the record of a publication cannot be read: {error}") from error


async def upload(store: ObjectStore, folder: Path, asset: str, check: Callable[[], None]) -> int:
    """Write every file of `folder` as an object of the asset, the index last, and return their size in bytes.

    `check` is called before each and raises when the lease is lost.
    """
    sizes = await asyncio.to_thread(_index_last, folder)
    for file in sizes:
        check()
        await store.put_file(asset_key(asset, file.name), file)
    return sum(sizes.values())


def _index_last(folder: Path) -> dict[Path, int]:
    """The files of a folder and their sizes, in the order in which they are written."""
    files = sorted(folder.iterdir(), key=lambda file: (file.name == INDEX, file.name))
    return {file: file.stat().st_size for file in files}


async def conclude(store: ObjectStore, jobs: Jobs, publication: Publication) -> None:
    """Publish what is recorded, and remove what it was made from.

    Raises `Conflict` when the job is another's by now; the record is gone then, and nothing else.
    """
    try:
        await jobs.publish(publication.request)
    except Conflict:
        await store.delete([publication.key])
        raise
    except NotFound:
        await store.delete_prefix(asset_prefix(publication.request.asset_id))
        await _clean(store, publication)
        raise
    await _clean(store, publication)


async def conclude_all(store: ObjectStore, jobs: Jobs) -> None:
    """Conclude what killed workers and lost answers left recorded; what cannot be concluded keeps nothing else waiting.

    Raises `Unavailable` when store or control is away.
    """
    for record in await store.list(RECORDS):
        try:
            await conclude(store, jobs, Publication.decode(await store.get(record.key)))
            log.info("publication concluded", record=record.key)
        except Unavailable:
            raise
        except MatineeError as error:
            log.info("publication not concluded", record=record.key, reason=str(error))


async def _clean(store: ObjectStore, publication: Publication) -> None:
    await store.delete_prefix(span_prefix(publication.upload_id))
    await store.delete_prefix(upload_prefix(publication.upload_id))
    await store.delete([publication.key])
