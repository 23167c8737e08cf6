"""What the tests of the catalogue say to it."""

from typing import Any

from control import event_data
from protos.v1.catalogue_pb2 import (
    TITLE_KIND_SERIES,
    CreateTitleRequest,
    GetTitleRequest,
    ListTitlesRequest,
    PublishTitleRequest,
    SearchTitlesRequest,
    Title,
    TitleKind,
    UpdateTitleRequest,
)
from protos.v1.events_pb2 import TitlePublished
from tests.control_house import House, Metadata
from tests.events import on_the_bus


async def create(house: House, name: str = "A film", kind: "TitleKind.ValueType | int" = 0, **fields: Any) -> str:
    """The id of a new title without media."""
    told = Title(name=name, kind=kind, **fields)  # type: ignore[arg-type]
    answer = await house.catalogue.CreateTitle(CreateTitleRequest(title=told), metadata=await house.admin())
    return answer.title.title_id


async def update(house: House, title_id: str, **fields: Any) -> Title:
    request = UpdateTitleRequest(title_id=title_id, **fields)
    return (await house.catalogue.UpdateTitle(request, metadata=await house.admin())).title


async def get(house: House, title_id: str, person: Metadata | None = None) -> Title:
    metadata = person or await house.admin()
    return (await house.catalogue.GetTitle(GetTitleRequest(title_id=title_id), metadata=metadata)).title


async def listed(house: House, person: Metadata, **fields: Any) -> list[str]:
    """The names of the titles of a list."""
    answer = await house.catalogue.ListTitles(ListTitlesRequest(**fields), metadata=person)
    return [title.name for title in answer.titles]


async def found(house: House, person: Metadata, query: str) -> list[str]:
    """The names of the titles that a search finds."""
    answer = await house.catalogue.SearchTitles(SearchTitlesRequest(query=query), metadata=person)
    return [title.name for title in answer.titles]


async def announced(house: House) -> list[TitlePublished]:
    """The events of titles so far, in order; another one after them shows that there are no more."""
    last = await create(house, "The end", TITLE_KIND_SERIES)
    await house.catalogue.PublishTitle(PublishTitleRequest(title_id=last), metadata=await house.admin())
    found: list[TitlePublished] = []
    while not found or found[-1].title_id != last:
        events = await on_the_bus(house.bus, len(found) + 1, "title-published")
        found = [event_data.decoded(TitlePublished, event.data) for event in events]
    return found[:-1]
