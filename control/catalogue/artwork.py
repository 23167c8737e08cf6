"""The poster and the backdrop of titles: kept in a few widths, each upload under a version of its own."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from google.api.httpbody_pb2 import HttpBody

from control import inputs
from control.catalogue.pictures import sizes
from control.catalogue.visibility import known
from control.database import Database, removals, titles
from control.database.titles import Title
from control.identifiers import new_id
from matinee.errors import InvalidInput, NotFound
from matinee.layout import POSTER, artwork_key, artwork_prefix, asset_key
from matinee.rpc.metadata import CACHE_CONTROL_KEY, ETAG_KEY
from matinee.rpc.server import Context
from matinee.storage.object_store import ObjectStore
from matinee.tokens import Clock

LARGEST_PICTURE = 4 * 1024**2
MOST_AT_ONCE = 1
"""How many pictures are decoded at the same time: one of 40 million pixels takes 160 MB and a second."""
FOR_EVER = "private, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Artwork:
    """A kind of picture: its widths, and where titles have its version and the width of its largest size."""

    name: str
    widths: tuple[int, ...]

    def version(self, title: Title) -> str:
        """Which picture a title has; empty when none was uploaded."""
        return str(getattr(title, f"{self.name}_version"))

    def largest(self, title: Title) -> int:
        """The width of its largest size."""
        return int(getattr(title, f"{self.name}_width"))

    def among(self, title: Title, width: int) -> int:
        """The smallest width there is that is wide enough, else the largest; which is also meant by 0."""
        largest = self.largest(title)
        enough = [each for each in self.widths if (width or largest) <= each < largest]
        return enough[0] if enough else largest


POSTERS = Artwork("poster", (160, 320, 640, 1280))
BACKDROPS = Artwork("backdrop", (480, 960, 1920))


class Gallery:
    """Shows and takes pictures."""

    def __init__(self, database: Database, store: ObjectStore, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._places = asyncio.Semaphore(MOST_AT_ONCE)

    async def show(self, kind: Artwork, title_id: str, width: int, version: str, context: Context) -> HttpBody:
        """The picture of a title; browsers may keep it for ever when they name its version. Raises `NotFound`."""
        async with self._database.read() as connection:
            title = await known(connection, title_id, self._clock())
        current = kind.version(title)
        if current:
            chosen = kind.among(title, inputs.size("width", width))
            key, etag = artwork_key(title.title_id, current, chosen), f"{current}-{chosen}"
        elif kind is POSTERS and title.asset_id:
            key, etag = asset_key(title.asset_id, POSTER), title.asset_id
        else:
            raise NotFound(f"the title has no {kind.name} yet")
        data = await self._store.get(key)
        context.set_trailing_metadata(tuple(_kept(etag, for_ever=bool(current) and version == current).items()))
        return HttpBody(content_type="image/jpeg", data=data)

    async def take(self, kind: Artwork, title_id: str, picture: bytes) -> Title:
        """Keep a picture as the one of a title. Raises `InvalidInput` for one that cannot be taken."""
        if len(picture) > LARGEST_PICTURE:
            raise InvalidInput(f"the picture is larger than {LARGEST_PICTURE // 1024**2} MiB")
        async with self._database.read() as connection:
            await known(connection, title_id, self._clock())
        made = await self._decoded(kind, picture)
        version = new_id(self._clock)
        for width, data in made.items():
            await self._store.put(artwork_key(title_id, version, width), data)
        async with self._database.write() as connection:
            title = await titles.find(connection, title_id, lock=True)
            former = kind.version(title) if title else version  # who deleted the title meanwhile left these pictures
            if former:
                await removals.note(connection, [artwork_prefix(title_id, former)], self._clock())
            if title:
                fields: dict[str, Any] = {f"{kind.name}_version": version, f"{kind.name}_width": max(made)}
                title = replace(title, **fields)
                await titles.save(connection, title)
        if title is None:
            raise NotFound("there is no such title any more")
        return title

    async def _decoded(self, kind: Artwork, picture: bytes) -> dict[int, bytes]:
        """A picture in the sizes of its kind. It keeps its place until it is decoded, also when its sender has left."""
        await self._places.acquire()
        decoding = asyncio.create_task(asyncio.to_thread(sizes, picture, kind.widths))
        decoding.add_done_callback(lambda _: self._places.release())
        return await asyncio.shield(decoding)


def _kept(etag: str, *, for_ever: bool) -> Mapping[str, str]:
    told = {ETAG_KEY: f'"{etag}"'}
    return told | {CACHE_CONTROL_KEY: FOR_EVER} if for_ever else told
