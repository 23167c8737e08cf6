"""Lists and searches, as they are asked for and answered."""

from control import inputs
from control.catalogue import details, messages, page_tokens
from control.catalogue.visibility import seen_from
from control.database import Connection, listing, search, titles
from control.database.listing import Filter, Order
from control.database.search import Position, Rank
from control.database.titles import visible
from control.database.words import label
from control.pages import checked_size
from matinee.errors import InvalidInput
from protos.v1 import catalogue_pb2 as pb

LONGEST_QUERY = 200
ORDERS = {
    pb.TITLE_ORDER_UNSPECIFIED: Order.NEWEST,
    pb.TITLE_ORDER_NAME: Order.NAME,
    pb.TITLE_ORDER_YEAR: Order.YEAR,
    pb.TITLE_ORDER_NUMBER: Order.NUMBER,
}
KINDS = {number: kind for kind, number in messages.TITLE_KINDS.items()}
STATES = {
    pb.TITLE_STATE_UNSPECIFIED: None,
    pb.TITLE_STATE_DRAFT: False,
    pb.TITLE_STATE_PUBLISHED: True,
}


async def list_titles(connection: Connection, request: pb.ListTitlesRequest, now: float) -> pb.ListTitlesResponse:
    """The page of a list that is asked for. Raises `InvalidInput`."""
    wanted, order = _filter(request, now), ORDERS.get(request.order)
    if order is None:
        raise InvalidInput("order is none of those that there are")
    size, after = checked_size(request.page_size), None
    if request.page_token:
        after = page_tokens.decode(request, request.page_token, order.key)
    found = await listing.page(connection, wanted, order, after, size)
    return pb.ListTitlesResponse(
        titles=[messages.title(title) for title in found.titles],
        next_page_token=page_tokens.encode(request, found.following),
    )


async def search_titles(connection: Connection, request: pb.SearchTitlesRequest, now: float) -> pb.SearchTitlesResponse:
    """The page of a search that is asked for. Raises `InvalidInput`."""
    query = inputs.line("query", request.query, LONGEST_QUERY, needed=False)
    moment, position = seen_from(now), Position()
    if request.page_token:
        position = page_tokens.decode(request, request.page_token, _position)
    allowed = None if moment is None else visible(moment)
    hits = await search.page(connection, query, position, checked_size(request.page_size), allowed)
    found = await titles.among(connection, hits.title_ids)
    following = hits.following
    place = None if following is None else (int(following.rank), following.before)
    return pb.SearchTitlesResponse(
        titles=[messages.title(found[title_id]) for title_id in hits.title_ids],
        next_page_token=page_tokens.encode(request, place),
    )


def _filter(request: pb.ListTitlesRequest, now: float) -> Filter:
    if request.kind and request.kind not in KINDS:
        raise InvalidInput("kind is none of those that there are")
    if request.state not in STATES:
        raise InvalidInput("state is none of those that there are")
    return Filter(
        kind=KINDS.get(request.kind, ""),
        genre=_label("genre", request.genre),
        tag=_label("tag", request.tag),
        language=details.language("language", request.language),
        parent_id=details.parent(request.parent_id),
        year_from=details.year(request.year_from),
        year_to=details.year(request.year_to),
        age=details.age("age", request.age),
        published=STATES[request.state],
        visible_at=seen_from(now),
    )


def _label(name: str, value: str) -> str:
    return label(inputs.line(name, value, details.LONGEST_LABEL, needed=False))


def _position(rank: str | int, before: str | int) -> Position:
    """A position from a token. Raises `ValueError` for what is none."""
    if not (isinstance(rank, int) and isinstance(before, int)):
        raise ValueError(rank, before)
    return Position(Rank(rank), before)
