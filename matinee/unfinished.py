"""The unfinished uploads of each account, counted in the object store, so that every edge and control sees the same.

    unfinished/<account>/<upload>/<declared length>

Such a mark is put before its upload begins and removed before the upload ends: whoever dies leaves one mark too
many at most, which a sweep takes away.
"""

from matinee.errors import ResourceExhausted
from matinee.settings import UploadSettings
from matinee.storage.object_store import ObjectStore

PREFIX = "unfinished"


class UnfinishedUploads:
    """Counts uploads from their beginning to their end, up to the limits of the settings."""

    def __init__(self, store: ObjectStore, limits: UploadSettings) -> None:
        self._store = store
        self._limits = limits

    async def begin(self, account_id: str, upload_id: str, length: int) -> None:
        """Count one more upload, of so many bytes. Raises `ResourceExhausted` when the account has too many already.

        Uploads that begin at the same time count each other: rather all are refused than one too many begins.
        """
        mark = _mark(account_id, upload_id, length)
        await self._store.put(mark, b"")
        marks = await self._store.list(f"{PREFIX}/{account_id}")
        lengths = [int(told) for one in marks if (told := one.key.rpartition("/")[2]).isdecimal()]
        too_large = len(lengths) > 1 and sum(lengths) > self._limits.unfinished_bytes
        if too_large or len(lengths) > self._limits.unfinished:
            await self._store.delete([mark])
            raise ResourceExhausted("your unfinished uploads are too many or too large: finish or terminate one first")

    async def end(self, account_id: str, upload_id: str, length: int) -> None:
        """Count an upload no longer."""
        await self._store.delete([_mark(account_id, upload_id, length)])


def _mark(account_id: str, upload_id: str, length: int) -> str:
    return f"{PREFIX}/{account_id}/{upload_id}/{length}"
