"""Requests of a tus client, one by one, and the film that it sends."""

import base64
import hashlib
from collections.abc import AsyncIterator

import httpx

from edge.tus import CONTENT_TYPE
from matinee.storage.object_store import ObjectStore
from tests.uploads import KIB

PART = 64 * KIB
FILM = bytes(range(256)) * 2048  # 512 KiB: eight parts


def encoded(value: str | bytes) -> str:
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


def declared(body: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm} {encoded(hashlib.new(algorithm, body).digest())}"


async def create(client: httpx.AsyncClient, length: int = len(FILM), headers: dict[str, str] | None = None) -> str:
    described = {"Upload-Length": str(length), "Upload-Metadata": f"title {encoded('Sita')}", **(headers or {})}
    answer = await client.post("/uploads", headers=described)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


async def patch(
    client: httpx.AsyncClient, url: str, offset: int, body: bytes | AsyncIterator[bytes], **headers: str
) -> httpx.Response:
    described = {"Upload-Offset": str(offset), "Content-Type": CONTENT_TYPE, **headers}
    return await client.patch(url, content=body, headers={k.replace("_", "-"): v for k, v in described.items()})


async def offset_of(client: httpx.AsyncClient, url: str) -> int:
    return int((await client.head(url)).headers["Upload-Offset"])


async def stored(store: ObjectStore, url: str) -> bytes:
    """The source as the worker will read it: all parts in order."""
    found = await store.list(url.strip("/"))
    return b"".join([await store.get(item.key) for item in found if item.key[-1].isdecimal()])


async def chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 4):
        yield body[start : start + 4]
