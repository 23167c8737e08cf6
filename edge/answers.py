"""The head of an answer: which status, headers and bytes a request for a file or a document gets.

    If-Match         412 when there is another         RFC 9110, section 13.1.1
    If-None-Match    304 when the client has it        13.1.2
    If-Range         the whole when it has another     13.1.5
    Range            206 or 416                        14.2, 15.5.17
    Accept-Encoding  gzip for documents                12.5.3

Players run on other sites: CORS lets them send Range and CMCD, and read lengths. No cookie opens media, so any origin
may ask.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from edge.manifests import Document, File
from edge.problems import Refusal
from edge.ranges import ByteRange, RangeNotSatisfiable, parse_range

Headers = list[tuple[bytes, bytes]]
Asked = Mapping[bytes, bytes]
"""The headers of a request; their names are in lower case."""

CORS: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"Content-Length, Content-Range, ETag, Retry-After"),
]
PREFLIGHT: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, HEAD, OPTIONS"),
    (
        b"access-control-allow-headers",
        b"Range, If-Range, If-None-Match, CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status",
    ),
    (b"access-control-max-age", b"86400"),
]
SAFE: Headers = [(b"cross-origin-resource-policy", b"cross-origin")]
NO_SNIFFING: Headers = [(b"x-content-type-options", b"nosniff")]

_GZIP = re.compile(rb"(?:^|,)[ \t]*(?:gzip|x-gzip|\*)[ \t]*(?:;[ \t]*q=([0-9.]{1,5}))?[ \t]*(?=,|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of an answer, and which bytes of its file make the body."""

    status: int
    headers: Headers
    body: ByteRange


NOTHING = ByteRange(0, 0)


def asked_in(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The headers of a request; several lines with one name are one field, with commas in it (RFC 9110, 5.2)."""
    asked: dict[bytes, bytes] = {}
    for name, value in headers:
        asked[name] = b"%b, %b" % (asked[name], value) if name in asked else value
    return asked


def file_head(file: File, asked: Asked) -> Head:
    """The head of the answer with a track, or a range of it, to a GET with these headers.

    Raises `Refusal`: 412 when the client has begun with another, 416 for a range beyond its end.
    """
    _require_match(asked, file.etag)
    if has_it(asked, file.etag):
        return Head(304, [(b"etag", file.etag), (b"cache-control", file.cache_control), *CORS], NOTHING)
    wanted = _range(file, asked)
    body = wanted or ByteRange(0, file.size)
    headers = [
        (b"content-type", file.content_type),
        (b"content-length", b"%d" % (body.end - body.start)),
        (b"etag", file.etag),
        (b"cache-control", file.cache_control),
        *CORS,
        *SAFE,
    ]
    if wanted is None:
        return Head(200, [(b"accept-ranges", b"bytes"), *headers], body)
    return Head(206, [(b"content-range", wanted.content_range(file.size)), *headers], body)


def document_head(document: Document, asked: Asked) -> tuple[Head, bytes]:
    """The head and the body of the answer with a manifest to a GET with these headers. Raises `Refusal` (412)."""
    zipped = accepts_gzip(asked.get(b"accept-encoding", b""))
    etag = gzip_tag(document.etag) if zipped else document.etag
    shared = [(b"etag", etag), (b"cache-control", document.cache_control), (b"vary", b"accept-encoding"), *CORS]
    _require_match(asked, etag)
    if has_it(asked, etag):
        return Head(304, shared, NOTHING), b""
    body = document.zipped if zipped else document.plain
    headers = [
        (b"content-type", document.content_type),
        (b"content-length", b"%d" % len(body)),
        *shared,
        *SAFE,
        *NO_SNIFFING,
    ]
    if zipped:
        headers.append((b"content-encoding", b"gzip"))
    return Head(200, headers, ByteRange(0, len(body))), body


def accepts_gzip(accepted: bytes) -> bool:
    """Whether Accept-Encoding allows gzip: named, or by *, and not with q=0."""
    found = _GZIP.search(accepted[:256])
    return found is not None and (found[1] is None or found[1].strip(b"0.") != b"")


def has_it(asked: Asked, etag: bytes) -> bool:
    """Whether If-None-Match says that the client has it; the comparison is weak (13.1.2)."""
    known = asked.get(b"if-none-match")
    if known is None:
        return False
    return known.strip() == b"*" or etag in [tag.strip().removeprefix(b"W/") for tag in known[:2048].split(b",")]


def _require_match(asked: Asked, etag: bytes) -> None:
    begun = asked.get(b"if-match")
    if begun is None or begun.strip() == b"*" or etag in [tag.strip() for tag in begun[:2048].split(b",")]:
        return
    raise Refusal(HTTPStatus.PRECONDITION_FAILED, "the file is another than the one that If-Match names")


def gzip_tag(etag: bytes) -> bytes:
    """The tag of the same thing when it is gzipped: a strong one belongs to one sequence of bytes (8.8.3.3)."""
    return etag[:-1] + b'-gzip"'


def _range(file: File, asked: Asked) -> ByteRange | None:
    header, condition = asked.get(b"range"), asked.get(b"if-range")
    if header is None or (condition is not None and condition.strip() != file.etag):
        return None
    try:
        return parse_range(header, file.size)
    except RangeNotSatisfiable as error:
        raise Refusal(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
            "the range begins after the end of the file",
            {"content-range": f"bytes */{file.size}"},
        ) from error
