"""CatalogueService: titles, as viewers find them and publishers keep them."""

from google.api.httpbody_pb2 import HttpBody
from typing_extensions import override

from control import inputs
from control.catalogue import browsing, deletion, details, messages, publication
from control.catalogue.artwork import BACKDROPS, POSTERS, Gallery
from control.catalogue.hierarchy import below, check_place
from control.catalogue.needs import check_plan
from control.catalogue.visibility import known
from control.database import Connection, Database, assets, playback_sessions, titles
from control.database.titles import Title
from control.housekeeping import Housekeeping
from control.identifiers import new_id
from control.playback.announcer import Announcer
from matinee.errors import InvalidInput, NotFound
from matinee.rpc.server import Context
from matinee.storage.object_store import ObjectStore
from matinee.tokens import Clock
from protos.v1 import catalogue_pb2 as pb
from protos.v1.catalogue_pb2_grpc import CatalogueServiceServicer


class CatalogueService(CatalogueServiceServicer):
    """Viewers see titles that are published and available, publishers see all."""

    def __init__(
        self,
        *,
        database: Database,
        store: ObjectStore,
        announcer: Announcer,
        housekeeping: Housekeeping,
        clock: Clock,
        idle_seconds: float,
    ) -> None:
        self._database = database
        self._gallery = Gallery(database, store, clock)
        self._announcer = announcer
        self._housekeeping = housekeeping
        self._clock = clock
        self._idle_seconds = idle_seconds

    @override
    async def CreateTitle(self, request: pb.CreateTitleRequest, context: Context) -> pb.CreateTitleResponse:
        told = request.title
        if told.kind and told.kind not in browsing.KINDS:
            raise InvalidInput("kind is none of those that there are")
        kind = browsing.KINDS[told.kind or pb.TITLE_KIND_FILM]
        title = details.described(Title(new_id(self._clock), "", created_at=self._clock(), kind=kind), told)
        async with self._database.write() as connection:
            await check_place(connection, title)
            await check_plan(connection, title)
            await titles.add(connection, title)
        return pb.CreateTitleResponse(title=messages.title(title))

    @override
    async def ListTitles(self, request: pb.ListTitlesRequest, context: Context) -> pb.ListTitlesResponse:
        async with self._database.read() as connection:
            return await browsing.list_titles(connection, request, self._clock())

    @override
    async def SearchTitles(self, request: pb.SearchTitlesRequest, context: Context) -> pb.SearchTitlesResponse:
        async with self._database.read() as connection:
            return await browsing.search_titles(connection, request, self._clock())

    @override
    async def GetTitle(self, request: pb.GetTitleRequest, context: Context) -> pb.GetTitleResponse:
        async with self._database.read() as connection:
            title = await known(connection, request.title_id, self._clock())
        return pb.GetTitleResponse(title=messages.title(title))

    @override
    async def UpdateTitle(self, request: pb.UpdateTitleRequest, context: Context) -> pb.UpdateTitleResponse:
        former, title = await self._database.transact(lambda connection: self._changed(connection, request))
        if (title.available_from, title.available_until) != (former.available_from, former.available_until):
            self._housekeeping.wake()  # viewers may see it by now
            self._announcer.wake()  # or do so no more
        return pb.UpdateTitleResponse(title=messages.title(title))

    @override
    async def PublishTitle(self, request: pb.PublishTitleRequest, context: Context) -> pb.PublishTitleResponse:
        async with self._database.write() as connection:
            title = await known(connection, request.title_id, self._clock(), lock=True)
            title = await publication.publish(connection, title, self._clock)
        return pb.PublishTitleResponse(title=messages.title(title))

    @override
    async def UnpublishTitle(self, request: pb.UnpublishTitleRequest, context: Context) -> pb.UnpublishTitleResponse:
        async with self._database.write() as connection:
            title = await known(connection, request.title_id, self._clock(), lock=True)
            title = await publication.unpublish(connection, title, self._clock())
        self._announcer.wake()
        return pb.UnpublishTitleResponse(title=messages.title(title))

    @override
    async def ListAssets(self, request: pb.ListAssetsRequest, context: Context) -> pb.ListAssetsResponse:
        async with self._database.read() as connection:
            title = await known(connection, request.title_id, self._clock())
            found = await assets.of_title(connection, title.title_id)
        versions = [messages.asset(asset, active=asset.asset_id == title.asset_id) for asset in found]
        return pb.ListAssetsResponse(assets=versions)

    @override
    async def ActivateAsset(self, request: pb.ActivateAssetRequest, context: Context) -> pb.ActivateAssetResponse:
        asset_id = inputs.asset_id(request.asset_id)
        async with self._database.write() as connection:
            title = await known(connection, request.title_id, self._clock(), lock=True)
            asset = await assets.find(connection, asset_id)
            if asset is None or asset.title_id != title.title_id:
                raise NotFound("the title has no such version")
            if asset_id != title.asset_id:
                title = await publication.activate(connection, title, asset, self._clock)
        return pb.ActivateAssetResponse(title=messages.title(title))

    @override
    async def DeleteAsset(self, request: pb.DeleteAssetRequest, context: Context) -> pb.DeleteAssetResponse:
        asset_id = inputs.asset_id(request.asset_id)
        async with self._database.write() as connection:
            title = await known(connection, request.title_id, self._clock(), lock=True)
            await deletion.delete_asset(connection, title, asset_id, self._clock, idle=self._idle_seconds)
        self._announcer.wake()
        self._housekeeping.wake()
        return pb.DeleteAssetResponse()

    @override
    async def DeleteTitle(self, request: pb.DeleteTitleRequest, context: Context) -> pb.DeleteTitleResponse:
        async def work(connection: Connection) -> None:
            title = await known(connection, request.title_id, self._clock(), lock=True)
            await deletion.delete_title(connection, title, self._clock, idle=self._idle_seconds, force=request.force)

        await self._database.transact(work)
        self._announcer.wake()
        self._housekeeping.wake()
        return pb.DeleteTitleResponse()

    @override
    async def GetPoster(self, request: pb.GetPosterRequest, context: Context) -> HttpBody:
        return await self._gallery.show(POSTERS, request.title_id, request.width, request.version, context)

    @override
    async def GetBackdrop(self, request: pb.GetBackdropRequest, context: Context) -> HttpBody:
        return await self._gallery.show(BACKDROPS, request.title_id, request.width, request.version, context)

    @override
    async def SetPoster(self, request: pb.SetPosterRequest, context: Context) -> pb.SetPosterResponse:
        title = await self._gallery.take(POSTERS, request.title_id, request.picture.data)
        self._housekeeping.wake()
        return pb.SetPosterResponse(title=messages.title(title))

    @override
    async def SetBackdrop(self, request: pb.SetBackdropRequest, context: Context) -> pb.SetBackdropResponse:
        title = await self._gallery.take(BACKDROPS, request.title_id, request.picture.data)
        self._housekeeping.wake()
        return pb.SetBackdropResponse(title=messages.title(title))

    async def _changed(self, connection: Connection, request: pb.UpdateTitleRequest) -> tuple[Title, Title]:
        """A title as it was, and as it is from now on."""
        now = self._clock()
        former = await known(connection, request.title_id, now, lock=True)
        title = details.changed(former, request)
        if (title.parent_id, title.number) != (former.parent_id, former.number):
            await check_place(connection, title)
        if title.plan_id != former.plan_id:
            await check_plan(connection, title)
        await titles.save(connection, title)
        await publication.shift(connection, former, title, now)
        if details.access(title) != details.access(former):
            affected = [each.title_id for each in (title, *await below(connection, title))]
            await playback_sessions.review_titles(connection, affected, now)
        return former, title
