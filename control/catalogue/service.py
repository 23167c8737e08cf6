"""CatalogueService: titles, as viewers find them and publishers keep them."""

from dataclasses import replace

from google.api.httpbody_pb2 import HttpBody
from typing_extensions import override

from control import inputs, messages
from control.callers import caller
from control.database import Connection, Database, announcements, jobs, playback_sessions, removals, titles
from control.database.titles import Title
from control.housekeeping import Housekeeping
from control.pages import PageRequest
from control.playback.announcer import Announcer
from matinee.declaration import LONGEST_TITLE
from matinee.errors import NotFound
from matinee.layout import POSTER, asset_key, asset_prefix, span_prefix, upload_prefix
from matinee.rpc import Context
from matinee.storage import ObjectStore
from matinee.tokens import Clock
from protos.v1 import catalogue_pb2 as pb
from protos.v1.access_pb2 import ACCESS_PUBLISHER
from protos.v1.catalogue_pb2_grpc import CatalogueServiceServicer

LONGEST_SYNOPSIS = 5_000
DELETED = "the title was deleted"


class CatalogueService(CatalogueServiceServicer):
    """Viewers see published titles, publishers also drafts."""

    def __init__(
        self,
        *,
        database: Database,
        store: ObjectStore,
        announcer: Announcer,
        housekeeping: Housekeeping,
        clock: Clock,
    ) -> None:
        self._database = database
        self._store = store
        self._announcer = announcer
        self._housekeeping = housekeeping
        self._clock = clock

    @override
    async def ListTitles(self, request: pb.ListTitlesRequest, context: Context) -> pb.ListTitlesResponse:
        asked, drafts = PageRequest.read(request.page_size, request.page_token), caller().may(ACCESS_PUBLISHER)
        async with self._database.read() as connection:
            found = await titles.page(connection, asked.before, asked.look_ahead, drafts=drafts)
        page = asked.cut(found, lambda title: title.title_id)
        return pb.ListTitlesResponse(
            titles=[messages.title(title) for title in page.items], next_page_token=page.next_token
        )

    @override
    async def GetTitle(self, request: pb.GetTitleRequest, context: Context) -> pb.GetTitleResponse:
        async with self._database.read() as connection:
            title = await _visible(connection, request.title_id)
        return pb.GetTitleResponse(title=messages.title(title))

    @override
    async def UpdateTitle(self, request: pb.UpdateTitleRequest, context: Context) -> pb.UpdateTitleResponse:
        async with self._database.write() as connection:
            title = await _visible(connection, request.title_id, lock=True)
            if request.HasField("name"):
                title = replace(title, name=inputs.line("name", request.name, LONGEST_TITLE))
            if request.HasField("synopsis"):
                title = replace(title, synopsis=inputs.text("synopsis", request.synopsis, LONGEST_SYNOPSIS))
            await titles.save(connection, title)
        return pb.UpdateTitleResponse(title=messages.title(title))

    @override
    async def DeleteTitle(self, request: pb.DeleteTitleRequest, context: Context) -> pb.DeleteTitleResponse:
        now = self._clock()
        async with self._database.write() as connection:
            title = await _visible(connection, request.title_id, lock=True)
            sessions = await playback_sessions.of_title(connection, title.title_id)
            await announcements.revoke(connection, [session.session_id for session in sessions], DELETED, now)
            await removals.note(connection, await _prefixes(connection, title), now)
            await titles.remove(connection, title.title_id)
        self._announcer.wake()
        self._housekeeping.wake()
        return pb.DeleteTitleResponse()

    @override
    async def GetPoster(self, request: pb.GetPosterRequest, context: Context) -> HttpBody:
        async with self._database.read() as connection:
            title = await _visible(connection, request.title_id)
        if not title.published:
            raise NotFound("the title has no poster yet")
        return HttpBody(content_type="image/jpeg", data=await self._store.get(asset_key(title.asset_id, POSTER)))


async def _visible(connection: Connection, title_id: str, *, lock: bool = False) -> Title:
    """The title, if the caller may know of it."""
    title = await titles.find(connection, inputs.identifier("title_id", title_id), lock=lock)
    if title is None or not (title.published or caller().may(ACCESS_PUBLISHER)):
        raise NotFound("there is no such title")
    return title


async def _prefixes(connection: Connection, title: Title) -> list[str]:
    """Where the objects of a title lie: its uploads, what was encoded of them, and its asset."""
    uploads = [job.upload_id for job in await jobs.of_title(connection, title.title_id)]
    made = [prefix(upload) for upload in uploads for prefix in (upload_prefix, span_prefix)]
    return [*made, asset_prefix(title.asset_id)] if title.published else made
