"""Uploads at /uploads: a tus 1.0.0 server for publishers, as a bare ASGI application.

    POST    /uploads       create (201, Location), with the first bytes if the client likes
    HEAD    /uploads/<id>  how much is there
    PATCH   /uploads/<id>  more bytes
    DELETE  /uploads/<id>  give up
    OPTIONS                what this server can do, and the CORS preflight; needs no credential

When the last byte is there control is told, and answers carry the title and the job. When control is away then, the
answer is 503 and the next HEAD or empty PATCH tells it: `CompleteUpload` gives one answer however often it is called.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from edge import tus
from edge.bodies import Receivers, paced
from edge.cookies import CookieSessions
from edge.keys import Verifier
from edge.parts import UploadStore
from edge.problems import Refusal, problem
from edge.publishers import Publisher, Publishers
from edge.upload import Completion, Declaration, Upload
from matinee.errors import Conflict, InvalidInput, MatineeError, NotFound
from matinee.rpc.call_errors import translated
from matinee.rpc.channel import Channel
from matinee.rpc.metadata import service_metadata
from matinee.settings import Settings
from matinee.storage.object_store import ObjectStore
from matinee.telemetry import request_ids
from protos.v1.jobs_pb2 import CompleteUploadRequest
from protos.v1.jobs_pb2_grpc import UploadServiceStub

ROOT = "/uploads"
SWEEP_SECONDS = 3600

log = structlog.get_logger()

Handler = Callable[[Request, str], Awaitable[Response]]


class Uploads:
    """The tus server. Every edge may answer every request: all state is in the object store."""

    def __init__(
        self,
        settings: Settings,
        store: ObjectStore,
        channel: Channel,
        service_token: str,
        *,
        keys: Verifier,
        sessions: CookieSessions,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings.uploads
        self._expire_seconds = settings.uploads.expire_hours * 3600
        self._deadline = settings.control.deadline_seconds
        self._uploads = UploadStore(store, settings.uploads)
        self._publishers = Publishers(keys, sessions, channel, service_token, self._deadline)
        self._control = UploadServiceStub(channel)
        self._metadata = service_metadata(service_token)
        self._clock = clock
        self._receivers = Receivers()
        self._handlers: dict[str, Handler] = {
            "POST": self._create,
            "HEAD": self._head,
            "PATCH": self._patch,
            "DELETE": self._delete,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            answer = await self._answer(_meant(Request(scope, receive)))
        except MatineeError as error:
            answer = problem(error, request_ids.current())
        answer.headers["Tus-Resumable"] = tus.VERSION
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["Access-Control-Allow-Origin"] = "*"  # tokens come in headers; cookies never cross origins
        answer.headers["Access-Control-Expose-Headers"] = ", ".join(tus.ANSWER_HEADERS)
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        upload_id = request.scope["path"].removeprefix(ROOT).strip("/")
        if request.method == "OPTIONS":
            return self._options()
        handler = self._handlers.get(request.method)
        if handler is None or (request.method == "POST") != (upload_id == ""):
            allowed = {"Allow": "OPTIONS, HEAD, PATCH, DELETE" if upload_id else "OPTIONS, POST"}
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"{request.method} does nothing here", allowed)
        if request.headers.get("Tus-Resumable") != tus.VERSION:
            spoken = {"Tus-Version": tus.VERSION}
            raise Refusal(HTTPStatus.PRECONDITION_FAILED, f"Tus-Resumable must be {tus.VERSION}", spoken)
        return await handler(request, upload_id)

    def _options(self) -> Response:
        return Response(
            status_code=204,
            headers={
                "Tus-Version": tus.VERSION,
                "Tus-Extension": ",".join(tus.EXTENSIONS),
                "Tus-Max-Size": str(self._settings.max_bytes),
                "Tus-Checksum-Algorithm": ",".join(tus.DIGEST_BYTES),
                "Access-Control-Allow-Methods": ", ".join(("OPTIONS", *self._handlers)),
                "Access-Control-Allow-Headers": ", ".join(tus.REQUEST_HEADERS),
                "Access-Control-Max-Age": "86400",
            },
        )

    async def _create(self, request: Request, _: str) -> Response:
        publisher = await self._publishers.confirmed(request)
        if "Upload-Defer-Length" in request.headers or "Upload-Concat" in request.headers:
            raise InvalidInput("an upload declares its Upload-Length at once and is sent as one")
        length = tus.number(request.headers, "Upload-Length")
        if length == 0:
            raise InvalidInput("the film is empty")
        if length > self._settings.max_bytes:
            taken = f"the film is larger than the {self._settings.max_bytes} bytes that are taken here"
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, taken)
        metadata = request.headers.get("Upload-Metadata", "")
        film = tus.film(tus.metadata(metadata))
        if film.title_id:  # better said now than when all bytes are here
            await self._publishers.check_title(request, film.title_id)
        upload = await self._uploads.create(Declaration(publisher.account_id, length, metadata))
        if request.headers.get("Content-Type") == tus.CONTENT_TYPE:
            upload = await self._receive(request, upload, publisher)
        headers = {**self._standing(upload), "Location": f"{ROOT}/{upload.upload_id}"}
        return Response(status_code=201, headers=headers)

    async def _head(self, request: Request, upload_id: str) -> Response:
        publisher = await self._publishers.admitted(request)
        upload = await self._completed(await self._own(publisher, upload_id), publisher)
        headers = {**self._standing(upload), "Upload-Length": str(upload.declaration.length)}
        if upload.declaration.metadata:
            headers["Upload-Metadata"] = upload.declaration.metadata
        return Response(status_code=200, headers=headers)

    async def _patch(self, request: Request, upload_id: str) -> Response:
        if request.headers.get("Content-Type") != tus.CONTENT_TYPE:
            raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Content-Type must be {tus.CONTENT_TYPE}")
        offset = tus.number(request.headers, "Upload-Offset")
        publisher = await self._publishers.admitted(request)
        upload = await self._own(publisher, upload_id)
        if offset != upload.offset:
            raise Conflict(f"the upload goes on at {upload.offset}, and not at {offset}")
        upload = await self._receive(request, upload, publisher)
        return Response(status_code=204, headers=self._standing(upload))

    async def _delete(self, request: Request, upload_id: str) -> Response:
        upload = await self._own(await self._publishers.admitted(request), upload_id)
        if upload.completion:
            raise Conflict(f"the upload is complete; cancel the job {upload.completion.job_id} instead")
        await self._uploads.remove(upload)
        return Response(status_code=204)

    async def _receive(self, request: Request, upload: Upload, publisher: Publisher) -> Upload:
        """Store the body of a request; answer the upload as it is then."""
        declared = request.headers.get("Upload-Checksum")
        checksum = tus.checksum(declared) if declared is not None else None
        if "Content-Length" in request.headers:
            upload.check_room(tus.number(request.headers, "Content-Length"))
        async with self._receivers.place(publisher.account_id):
            body = self._publishers.while_admitted(request, publisher, paced(request.stream()))
            upload = await self._uploads.append(upload, body, checksum)
        return await self._completed(replace(upload, touched=self._clock()), publisher)

    async def _completed(self, upload: Upload, publisher: Publisher) -> Upload:
        """Tell control of an upload that is whole, unless it knows."""
        if upload.is_whole and not upload.completion:
            upload = await self._uploads.find(upload.upload_id, recount=True)
        if upload.completion or not upload.is_whole:
            return upload
        film = tus.film(tus.metadata(upload.declaration.metadata))
        request = CompleteUploadRequest(
            upload_id=upload.upload_id,
            account_id=publisher.account_id,
            session_id=publisher.session_id,
            title_name=film.title,
            file_name=film.filename,
            size_bytes=upload.declaration.length,
            sha256=film.sha256,
            title_id=film.title_id,
        )
        async with translated():
            answer = await self._control.CompleteUpload(request, metadata=self._metadata, timeout=self._deadline)
        return await self._uploads.complete(upload, Completion(answer.title_id, answer.job_id))

    async def _own(self, publisher: Publisher, upload_id: str) -> Upload:
        """The upload of that id, if the publisher made it and it has not expired."""
        upload = await self._uploads.find(upload_id)
        if upload.declaration.account_id != publisher.account_id:
            raise NotFound("there is no such upload")
        if not upload.completion and self._clock() >= upload.touched + self._expire_seconds:
            raise Refusal(HTTPStatus.GONE, "the upload has expired; begin it again")
        return upload

    def _standing(self, upload: Upload) -> dict[str, str]:
        """Where an upload stands, as headers."""
        headers = {"Upload-Offset": str(upload.offset)}
        if upload.completion:
            headers["Matinee-Title-Id"] = upload.completion.title_id
            headers["Matinee-Job-Id"] = upload.completion.job_id
        else:
            headers["Upload-Expires"] = tus.http_date(upload.touched + self._expire_seconds)
        return headers


async def sweep(settings: Settings, store: ObjectStore, stop: asyncio.Event) -> None:
    """Remove expired uploads every hour until `stop`, as far as the store lets us. Several edges may do so on one."""
    uploads = UploadStore(store, settings.uploads)
    while not stop.is_set():
        try:
            removed = await uploads.remove_untouched(time.time() - settings.uploads.expire_hours * 3600)
            log.info("uploads swept", removed=removed)
        except MatineeError as error:
            log.warning("uploads not swept", reason=str(error))
        try:
            await asyncio.wait_for(stop.wait(), SWEEP_SECONDS)
        except TimeoutError:
            continue


def _meant(request: Request) -> Request:
    """The request with the method that X-HTTP-Method-Override names, for clients that cannot send every method."""
    method = request.headers.get("X-HTTP-Method-Override", request.method).upper()
    return Request({**request.scope, "method": method}, request.receive)
