"""A request to the encoder, which names its result."""

import hashlib

from ingest.source import Container, Facts


class Request(Facts):
    """All that the bytes of a result depend on: the film, the version of ffmpeg, and what a subclass adds."""

    source_sha256: str
    ffmpeg_version: str
    container: Container

    def digest(self) -> str:
        """Names the result: equal requests have equal bytes (SHA-256, hexadecimal)."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()
