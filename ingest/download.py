"""Bytes of the object store, written to a file with their SHA-256."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO


async def download(chunks: AsyncIterator[bytes], destination: Path) -> str:
    """Write the chunks to `destination` and return their SHA-256 in hex; only one chunk is held in memory."""
    digest = hashlib.sha256()
    file: IO[bytes] = await asyncio.to_thread(destination.open, "wb")
    try:
        async for chunk in chunks:
            await asyncio.gather(asyncio.to_thread(file.write, chunk), asyncio.to_thread(digest.update, chunk))
    finally:
        await asyncio.to_thread(file.close)
    return digest.hexdigest()
