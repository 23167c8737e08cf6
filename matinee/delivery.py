"""Signed delivery URLs: URI Signing for CDNI (RFC 9246). Minted by control, checked by the edge.

The token is the path-style parameter of the asset's path segment, so that relative URIs in playlists inherit it:

    /v/<asset>;URISigningPackage=<jwt>/main.m3u8        path-style (section 3.2)
    /v/<asset>/main.m3u8?URISigningPackage=<jwt>        query form (section 3.2)

The signature is verified first (`KeySet.verify` or the edge's `Keys`); only then are its claims read, here. What may be
fetched is the URI container `cdniuc` (section 2.1.15), matched against the request's URI without the token, normalised
as RFC 3986, section 6.2, says. A query selects nothing at our door and is no part of that URI.
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from functools import lru_cache
from urllib.parse import urlsplit

from matinee.errors import InvalidInput, PermissionDenied, Unauthenticated
from matinee.tokens import DELIVERY_AUDIENCE, DELIVERY_TYPE, ISSUER, Claims, SigningKey

PARAMETER = "URISigningPackage"
BACKDATED_SECONDS = 30
LONGEST_URI = 512
LONGEST_CONTAINER = 512

ASSET_ID = re.compile("[a-z2-7]{26}")
UNDERSTOOD = {"iss", "sub", "aud", "exp", "nbf", "iat", "cdniv", "cdniuc", "cdnicrit", "sid"}
UNSUPPORTED = ("jti", "cdniip")
"""Claims that we would have to enforce and do not: a token that has one MUST be rejected (sections 2.1.7, 2.1.11)."""

_SPELLINGS = "".join(f"(?:{letter}|%{ord(letter):02X}|%{ord(letter):02x})" for letter in PARAMETER)
_PATH_TOKEN = re.compile(f";({_SPELLINGS})=([^;/]*)")
_QUERY_TOKEN = re.compile(f"(?:^|&)({_SPELLINGS})=([^&]*)")
_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")

# The part of POSIX extended regular expressions that containers may use: no groups and no alternatives, at most two
# unbounded and two optional atoms. It means the same in Python, and LONGEST_URI bounds the time of the worst match.
_ATOM = r"(?:[A-Za-z0-9_:/~%@!&=;,' -]|\\[^A-Za-z0-9\s]|\.|\[\^?[A-Za-z0-9_./~%:-]+\])"
_EXPRESSION = re.compile(rf"(?:{_ATOM}[?*+]?)+")
_REPEATS = re.compile(r"(?:[^\\]|\\.)([*+])")
_OPTIONALS = re.compile(r"(?:[^\\]|\\.)(\?)")


def mint(
    key: SigningKey, asset_id: str, session_id: str, *, now: float, expires_at: float, container: str | None = None
) -> str:
    """The delivery token of a playback session: every file of one asset, from now (Unix seconds) to `expires_at`.

    `container` narrows it to some of the asset's files. Raises `InvalidInput` for one that reaches beyond the asset.
    """
    if not ASSET_ID.fullmatch(asset_id):
        raise InvalidInput(f"{asset_id!r} is no asset id")
    container = container or f"regex:https?://[^/]+/v/{asset_id}/[^/]+"
    _refuse_wide(container, asset_id)
    claims = {
        "iss": ISSUER,
        "aud": DELIVERY_AUDIENCE,
        "exp": int(expires_at),
        "nbf": int(now) - BACKDATED_SECONDS,
        "cdniv": 1,
        "cdniuc": container,
        "sid": session_id,
    }
    return key.sign(DELIVERY_TYPE, claims)


def urls(public_url: str, asset_id: str, token: str) -> tuple[str, str]:
    """The signed URLs of an asset: HLS main playlist, DASH manifest."""
    base = f"{public_url.rstrip('/')}/v/{asset_id};{PARAMETER}={token}"
    return f"{base}/main.m3u8", f"{base}/main.mpd"


def split_token(path: str, query: str) -> tuple[str, str]:
    """A request's raw path without the token, and the token of path or query: "" unless there is exactly one.

    A name that is spelled with escapes counts, and opens nothing: others on the way may or may not take it for ours.
    """
    found = _PATH_TOKEN.findall(path) + _QUERY_TOKEN.findall(query)
    name, token = found[0] if len(found) == 1 else ("", "")
    return _PATH_TOKEN.sub("", path), token if name == PARAMETER else ""


def authorised_session(claims: Claims, uri: str) -> str:
    """The playback session of a verified token's claims, when they cover the absolute, normalised `uri`.

    Raises `Unauthenticated` for claims that we must not accept, `PermissionDenied` when `uri` is outside the container.
    """
    session_id = named_session(claims)
    container = claims.get("cdniuc")
    if not isinstance(container, str) or not covers(container, uri):
        raise PermissionDenied("the signed URL does not cover this file")
    return session_id


def named_session(claims: Claims) -> str:
    """The playback session of a verified token's claims, for what delivers nothing.

    Raises `Unauthenticated` for claims that we must not accept.
    """
    version, session_id = claims.get("cdniv", 1), claims.get("sid")
    if isinstance(version, bool) or version != 1:
        raise Unauthenticated("the token is of another version of URI signing")
    if any(name in claims for name in UNSUPPORTED) or not _criticals(claims) <= UNDERSTOOD:
        raise Unauthenticated("the token makes a demand that is not supported here")
    if not isinstance(session_id, str) or not session_id:
        raise Unauthenticated("the token names no playback session")
    return session_id


def covers(container: str, uri: str) -> bool:
    """Whether a URI container (section 2.1.15) holds a normalised URI; one that we cannot read holds nothing."""
    kind, _, value = container.partition(":")
    if len(uri) > LONGEST_URI or len(container) > LONGEST_CONTAINER:
        return False
    if kind == "hash":
        return value == _named_information(uri)
    expression = _compiled(value) if kind == "regex" else None
    return expression is not None and expression.fullmatch(uri) is not None


def normalise(uri: str) -> str:
    """Syntax-based and scheme-based normalisation of an absolute URI (RFC 3986, 6.2.2 and 6.2.3), without its query."""
    parts = urlsplit(uri)
    host = parts.netloc.lower()
    default_port = {"http": ":80", "https": ":443"}.get(parts.scheme, ":")
    return f"{parts.scheme}://{host.removesuffix(default_port)}{normalise_path(parts.path)}"


def normalise_path(path: str) -> str:
    """Escapes of unreserved characters decoded, others in upper case, dot segments removed; "" is "/"."""
    segments: list[str] = []
    for segment in _ESCAPE.sub(_normal_escape, path).split("/")[1:]:
        if segment == "..":
            del segments[-1:]
        elif segment != ".":
            segments.append(segment)
    return "/" + "/".join(segments)


def _criticals(claims: Claims) -> set[str]:
    critical = claims.get("cdnicrit", "")
    return {name.strip() for name in critical.split(",") if name} if isinstance(critical, str) else {""}


def _refuse_wide(container: str, asset_id: str) -> None:
    kind, _, value = container.partition(":")
    if kind == "hash":
        return
    if kind != "regex" or _compiled(value) is None:
        raise InvalidInput(f"the URI container {container!r} cannot be read")
    other = ("b" if asset_id[0] == "a" else "a") * len(asset_id)
    strangers = (
        f"{origin}/v/{other}/{name}"
        for origin in ("http://127.0.0.1:8080", "https://films.example")
        for name in ("main.m3u8", "main.mpd", "v1080.mp4", "a0-eng.mp4")
    )
    if f"/v/{asset_id}/" not in value or any(covers(container, uri) for uri in strangers):
        raise InvalidInput(f"the URI container {container!r} reaches beyond one title")


def _named_information(uri: str) -> str:
    """The URL segment form of RFC 6920, section 5: algorithm ; base64url digest without padding."""
    digest = urlsafe_b64encode(hashlib.sha256(uri.encode()).digest()).decode().rstrip("=")
    return f"sha-256;{digest}"


@lru_cache(256)
def _compiled(expression: str) -> re.Pattern[str] | None:
    bounded = len(_REPEATS.findall(expression)) <= 2 and len(_OPTIONALS.findall(expression)) <= 2
    if not (bounded and _EXPRESSION.fullmatch(expression)):
        return None
    try:
        return re.compile(expression)
    except re.error:
        return None


def _normal_escape(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if _UNRESERVED.fullmatch(character) else found[0].upper()
