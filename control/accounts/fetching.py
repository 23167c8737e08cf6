"""Small JSON documents from OpenID providers, fetched with limits."""

import json
import ssl
from functools import cache
from typing import Any

import httpx

from matinee.errors import Unavailable
from matinee.settings.values import is_secure

SECONDS = 5.0
LARGEST_DOCUMENT = 256 * 1024

Document = dict[str, Any]


class Fetching:
    """Asks providers. No redirect is followed, no document is larger than LARGEST_DOCUMENT, and nothing goes in clear.

    Everything else than an answer in JSON raises `Unavailable`.
    """

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(
            timeout=SECONDS,
            follow_redirects=False,
            trust_env=False,  # no proxy comes between; but SSL_CERT_FILE is heeded
            verify=_trust(),
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def get(self, url: str, *, bearer: str = "") -> Document:
        """The document at an address."""
        headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
        status, document = await self._answer(self._client.build_request("GET", required(url), headers=headers))
        if status != httpx.codes.OK:
            raise Unavailable(f"the sign-in provider answers {status}; try again later")
        return document

    async def post(self, url: str, form: dict[str, str], auth: httpx.Auth | None) -> tuple[int, Document]:
        """What a form is answered with, and the status."""
        return await self._answer(self._client.build_request("POST", required(url), data=form), auth)

    async def _answer(self, request: httpx.Request, auth: httpx.Auth | None = None) -> tuple[int, Document]:
        request.headers["accept"] = "application/json"
        try:
            answer = await self._client.send(request, auth=auth, stream=True)
            try:
                body = await _body(answer)
            finally:
                await answer.aclose()
            document = json.loads(body)
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable("the sign-in provider does not answer; try again later") from error
        if not isinstance(document, dict):
            raise Unavailable("the sign-in provider answers with what is no document")
        return answer.status_code, document


def required(url: str) -> str:
    """An address that may be asked: https, or this machine itself. Raises `Unavailable` for another."""
    if not is_secure(url):
        raise Unavailable("the sign-in provider names an address that is not https")
    return url


@cache
def _trust() -> ssl.SSLContext:
    """Whom this machine trusts; read once, since it takes 20 ms."""
    return httpx.create_ssl_context()


async def _body(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > LARGEST_DOCUMENT:
            raise ValueError("the document is too large")
    return bytes(body)
