"""The web application: the files that Vite built into `edge/static`, under a strict Content-Security-Policy.

All files are read and compressed at start, and a request only looks its path up: no path is ever joined to a folder.
"""

import gzip
import hashlib
import re
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from edge.answers import Asked, accepts_gzip, asked_in, gzip_tag, has_it
from edge.problems import Refusal
from matinee.errors import NotFound

STATIC = Path(__file__).with_name("static")
INDEX = "/index.html"
POLICY = "/content-security-policy.txt"
"""Written by the build, which knows the hashes of the styles in the player's shadow roots."""
NO_SCRIPTS = b"default-src 'none'; connect-src 'self'; media-src 'self'; base-uri 'none'; frame-ancestors 'none'"
PAGES = re.compile(
    r"/|/(search|plans|account|sign-in|sign-in/callback|register|confirm|forgot|reset)/?|/(title|watch)/[^/]+/?"
)
"""Paths that the application itself routes, with a slash behind them too; they are answered with its index."""
ASSETS = "/assets/"
ICONS = {"/favicon.ico": "/favicon.svg"}
"""Where browsers look for an icon that no page names, and the icon."""

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
COMPRESSIBLE = frozenset({".css", ".html", ".js", ".json", ".svg", ".txt", ".webmanifest"})
FOR_EVER = "public, max-age=31536000, immutable"
NOT_BUILT = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Matinee</title>
<h1>The web application is not built</h1>
<p>Run <code>make web</code> in the folder of the source, then start Matinee again.</p>
</html>"""


@dataclass(frozen=True)
class Coding:
    """The bytes of a file, as they are or gzipped, and the headers that go with them."""

    body: bytes
    headers: dict[str, str]

    def response(self, asked: Asked, status: HTTPStatus) -> Response:
        """The answer: 304 in place of 200 when the client has it."""
        if status is HTTPStatus.OK and has_it(asked, self.headers["etag"].encode()):
            kept = {name: self.headers[name] for name in ("cache-control", "etag", "vary")}  # RFC 9110, 15.4.5
            return Response(None, HTTPStatus.NOT_MODIFIED, kept)
        return Response(self.body, status, self.headers)


@dataclass(frozen=True)
class WebFile:
    """One file of the application, ready to be sent; `zipped` is there for what compresses well."""

    plain: Coding
    zipped: Coding | None

    @classmethod
    def make(cls, path: str, body: bytes) -> "WebFile":
        """Prepare a file; those under /assets/ have a hash in their name, and never change."""
        suffix = Path(path).suffix
        etag = b'"%s"' % hashlib.sha256(body).hexdigest()[:32].encode()
        headers = {
            "content-type": MEDIA_TYPES.get(suffix, "application/octet-stream"),
            "cache-control": FOR_EVER if path.startswith(ASSETS) else "no-cache",
            "etag": etag.decode(),
            "vary": "accept-encoding",
        }
        if suffix not in COMPRESSIBLE:
            return cls(Coding(body, headers), None)
        others = {"content-encoding": "gzip", "etag": gzip_tag(etag).decode()}
        return cls(Coding(body, headers), Coding(gzip.compress(body, mtime=0), headers | others))

    def response(self, asked: Asked, status: HTTPStatus = HTTPStatus.OK) -> Response:
        """The answer to a GET with these headers, compressed when the client likes that."""
        likes_gzip = accepts_gzip(asked.get(b"accept-encoding", b""))
        return (self.zipped if self.zipped and likes_gzip else self.plain).response(asked, status)


class WebApplication:
    """Serves the built application; without one, a page that says how to build it."""

    def __init__(self, folder: Path, public_url: str) -> None:
        files = _files(folder)
        built_policy = files.pop(POLICY, NO_SCRIPTS).decode()
        self._files = {path: WebFile.make(path, body) for path, body in files.items()}
        self._index = self._files.get(INDEX, WebFile.make(INDEX, NOT_BUILT))
        self._headers = {
            "content-security-policy": content_security_policy(built_policy, public_url),
            "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            "cross-origin-opener-policy": "same-origin",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] not in ("GET", "HEAD"):
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "this can only be read", {"allow": "GET, HEAD"})
        response = self._response(scope["path"], asked_in(scope["headers"]))
        response.headers.update(self._headers)
        await response(scope, receive, send)

    def _response(self, path: str, asked: Asked) -> Response:
        if PAGES.fullmatch(path):
            return self._index.response(asked)
        if file := self._files.get(ICONS.get(path, path)):
            return file.response(asked)
        if path.startswith(ASSETS) or b"text/html" not in asked.get(b"accept", b""):
            raise NotFound("there is nothing at this address")
        return self._index.response(asked, HTTPStatus.NOT_FOUND)  # the application says it to people


def content_security_policy(built: str, public_url: str) -> str:
    """The policy of the page: what the build declares, and media from `public_url`, another name of our own origin."""
    sources = dict(directive.strip().split(" ", 1) for directive in built.split(";"))
    for directive in ("connect-src", "media-src"):
        sources[directive] = " ".join((sources.get(directive, "'self'"), public_url))
    return "; ".join(f"{directive} {allowed}" for directive, allowed in sources.items())


def _files(folder: Path) -> dict[str, bytes]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {f"/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in found}
