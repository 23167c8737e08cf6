"""What the tests of the catalogue say to it."""

from typing import Any

from control.database import Connection
from control.database.tables import outbox
from protos.v1.catalogue_pb2 import (
    CreateTitleRequest,
    GetTitleRequest,
    ListTitlesRequest,
    SearchTitlesRequest,
    Title,
    TitleKind,
    UpdateTitleRequest,
)
from protos.v1.events_pb2 import TitlePublished
from tests.control_house import House, Metadata


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


async def announced(connection: Connection) -> list[TitlePublished]:
    """The events of titles that wait to be sent, in order."""
    query = outbox.select().where(outbox.c.topic == "title-published").order_by(outbox.c.position)
    return [TitlePublished.FromString(row["data"]) for row in (await connection.execute(query)).mappings()]
