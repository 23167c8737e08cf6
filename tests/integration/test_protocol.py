"""The HTTP protocol of the door, spoken to over raw sockets."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import structlog
from starlette.types import Receive, Scope, Send

from matinee.settings import HttpSettings
from tests.door import serving
from tests.patience import PATIENCE, until

pytestmark = [pytest.mark.anyio, pytest.mark.integration]
HEAD_BYTES = 16_384
GET = b"GET /ok HTTP/1.1\r\nHost: films.example\r\n\r\n"
CLOSING = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
OFFER = (  # as `curl --http2` makes it
    b"GET /ok HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n"
)


class Application:
    """Answers with the body that it was sent; remembers which paths it saw."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.slow = asyncio.Event()
        self.slow.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(scope["path"])
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        await self.slow.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
async def door() -> AsyncIterator[tuple[Application, int]]:
    application = Application()
    async with serving(application, HttpSettings(head_bytes=HEAD_BYTES, head_seconds=PATIENCE)) as port:
        yield application, port


@pytest.fixture
def application(door: tuple[Application, int]) -> Application:
    door[0].seen.clear()
    door[0].slow.set()
    return door[0]


@pytest.fixture
def port(door: tuple[Application, int], application: Application) -> int:
    return door[1]


@pytest.fixture
async def hasty_port() -> AsyncIterator[int]:
    """A door that waits for nobody."""
    async with serving(Application(), HttpSettings(head_seconds=0.5)) as port:
        yield port


async def talk(port: int, *parts: bytes) -> bytes:
    """Everything that the server says until it hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE):
            for part in parts:
                writer.write(part)
                await writer.drain()
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def talk_in_turns(port: int, first: bytes, then: bytes) -> bytes:
    """Like `talk`, but the second part leaves when there is an answer to the first."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    try:
        async with asyncio.timeout(PATIENCE):
            writer.write(first)
            answer = await reader.readuntil(b"\r\n\r\n")
            writer.write(then)
            return answer + await reader.read()
    except ConnectionResetError:
        return answer
    finally:
        writer.close()


async def test_a_plain_request_is_answered(port: int, application: Application) -> None:
    assert (await talk(port, CLOSING)).startswith(b"HTTP/1.1 200 OK\r\n")
    assert application.seen == ["/ok"]


async def test_a_head_without_a_body_leaves_too(port: int) -> None:
    assert (await talk(port, CLOSING.replace(b"GET", b"HEAD"))).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_requests_of_one_connection_are_answered_in_order(port: int, application: Application) -> None:
    post = b"POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    answer = await talk(port, GET, post, CLOSING)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert b"hello" in answer
    assert application.seen == ["/ok", "/body", "/ok"]


@pytest.mark.parametrize(
    "request_",
    [
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n folded\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x/?\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT /ok HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT http://a/ok HTTP/1.1\r\nHost: a\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_a_doubtful_head_is_refused_and_nothing_behind_it_answered(
    port: int, application: Application, request_: bytes
) -> None:
    answer = await talk(port, request_ + GET)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert answer.count(b"HTTP/1.1") == 1
    assert application.seen == []


def with_a_body(protocol: bytes, coded: bool, body: bytes) -> tuple[bytes, bytes]:
    """Head and body of a request that would change to another protocol."""
    framing = b"Transfer-Encoding: chunked" if coded else b"Content-Length: %d" % len(body)
    head = b"POST /ok HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: " + protocol + b"\r\n" + framing
    return head + b"\r\n\r\n", b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if coded else body


@pytest.mark.parametrize("padding", [b"", b"\r\n" * 60_000], ids=["bare", "padded"])
@pytest.mark.parametrize("coded", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("protocol", [b"websocket", b"h2c", b"anything"])
async def test_a_body_behind_an_upgrade_is_not_taken_for_requests(
    port: int, application: Application, protocol: bytes, coded: bool, padding: bytes
) -> None:
    head, body = with_a_body(protocol, coded, padding + HIDDEN)
    together, apart = await talk(port, head + body), await talk_in_turns(port, head, body)
    assert together == b"" or together.startswith(b"HTTP/1.1 400 ")  # a reset can overtake the answer
    assert apart.startswith(b"HTTP/1.1 400 ")
    assert (together + apart).count(b"HTTP/1.1") <= 2
    assert application.seen == []


async def test_a_bare_request_as_a_chunked_body_behind_an_upgrade_is_refused(
    port: int, application: Application
) -> None:
    head, _ = with_a_body(b"anything", coded=True, body=b"")
    assert (await talk_in_turns(port, head, HIDDEN)).startswith(b"HTTP/1.1 400 ")
    assert application.seen == []


@pytest.mark.parametrize("target", [b"a:443", b"/ok", b"http://a/ok"])
async def test_nothing_is_heard_behind_a_connect(port: int, application: Application, target: bytes) -> None:
    head = b"CONNECT " + target + b" HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN)
    answer = await talk_in_turns(port, head, HIDDEN)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert application.seen == []


@pytest.mark.parametrize("length", [b"", b"Content-Length: 0\r\n"])
async def test_an_offer_of_another_protocol_is_answered_in_this_one(port: int, length: bytes) -> None:
    answer = await talk(port, OFFER.replace(b"Connection", length + b"Connection"))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection: close\r\n" in answer


async def test_nothing_is_heard_behind_such_an_offer(port: int, application: Application) -> None:
    answer = await talk(port, GET, OFFER + HIDDEN, HIDDEN)
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert application.seen == ["/ok", "/ok"]


async def test_nothing_is_heard_behind_such_an_offer_while_it_is_answered(port: int, application: Application) -> None:
    application.slow.clear()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(OFFER)
    await until(lambda: application.seen == ["/ok"])
    writer.write(HIDDEN)
    await talk(port, b"nonsense\r\n\r\n")  # once this is refused, what came before it has been read
    application.slow.set()
    assert (await reader.read()).count(b"HTTP/1.1 200 OK") == 1
    assert application.seen == ["/ok"]
    writer.close()


@pytest.mark.parametrize("request_", [b"GET /\r\n\r\n", b"GET / HTTP/2.0\r\nHost: a\r\n\r\n"])
async def test_other_versions_are_refused(port: int, application: Application, request_: bytes) -> None:
    assert (await talk(port, request_)).startswith((b"HTTP/1.1 505", b"HTTP/1.1 400"))
    assert application.seen == []


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
@pytest.mark.parametrize("field", [b"X: " + b"x" * 2_000_000, b"X: y\r\n" * 200_000, b"X" * 100_000 + b": y"])
async def test_a_head_beyond_the_limit_is_431(port: int, application: Application, field: bytes, end: bytes) -> None:
    answer = await talk(port, b"GET / HTTP/1.1\r\nHost: a\r\n" + field + end)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")  # a reset can overtake the answer
    assert application.seen == []


async def test_a_refusal_is_a_problem(port: int) -> None:
    head, _, body = (await talk(port, b"nonsense\r\n\r\n")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"content-type: application/problem+json\r\n" in head
    assert b"content-length: %d\r\n" % len(body) in head
    assert json.loads(body)["detail"] == "this is no request of HTTP that has one meaning only"


async def test_a_head_just_above_the_limit_is_431(port: int) -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * HEAD_BYTES + b"\r\n\r\n"
    assert (await talk(port, head)).startswith(b"HTTP/1.1 431 ")


async def test_a_large_body_is_not_taken_for_a_large_head(port: int) -> None:
    body = b"x" * 300_000
    head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert (await talk(port, head + body)).endswith(body)


@pytest.mark.parametrize("half", [b"GET / HTTP/1.1\r\nHost: a\r\n", b"G", GET + b"GET / HT"])
async def test_half_a_head_is_408_after_a_while(hasty_port: int, half: bytes) -> None:
    assert b"HTTP/1.1 408 Request Timeout\r\n" in await talk(hasty_port, half)


@pytest.mark.parametrize("silence", [b"", b"\r\n"])
async def test_a_silent_connection_is_closed(hasty_port: int, silence: bytes) -> None:
    assert b"200" not in await talk(hasty_port, silence)


@pytest.mark.parametrize("trailer", [b"Host: evil\r\n\r\n", b"X: " + b"x" * 1_000_000])
async def test_fields_after_a_body_are_refused(port: int, application: Application, trailer: bytes) -> None:
    application.slow.clear()
    chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"
    answer = await talk(port, chunked + trailer)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 "))


@pytest.mark.parametrize("request_", [b"nonsense\r\n\r\n", GET.replace(b"Host", b"Guest"), OFFER])
async def test_what_is_refused_or_odd_is_no_line_of_the_servers_own(
    port: int, request_: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with structlog.testing.capture_logs() as said:
        await talk(port, request_)
    assert caplog.records == []
    assert [line["log_level"] for line in said] in ([], ["debug"])


async def test_nonsense_behind_a_request_does_not_cut_into_its_answer(port: int, application: Application) -> None:
    application.slow.clear()
    assert await talk(port, GET + b"nonsense\r\n\r\n") == b""


async def test_connections_beyond_the_cap_are_503() -> None:
    async with serving(Application(), HttpSettings(connections=20)) as port:
        crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
        for _, writer in crowd:
            writer.write(GET)
        for reader, _ in crowd:
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert (await talk(port, GET)).startswith(b"HTTP/1.1 503 ")
        for _, writer in crowd:
            writer.close()


async def test_an_address_has_its_own_cap(application: Application) -> None:
    async with serving(application, HttpSettings(connections_per_address=1, trusted_proxies=())) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        await reader.readuntil(b"\r\n\r\n")
        assert (await talk(port, GET)).startswith(b"HTTP/1.1 503 ")
        other, writes = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.2", 0))
        writes.write(GET)
        assert (await other.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        writes.close()
        writer.close()
        async with asyncio.timeout(PATIENCE):
            while not (await talk(port, CLOSING)).startswith(b"HTTP/1.1 200 "):
                continue  # the door has not heard yet that the other has left
