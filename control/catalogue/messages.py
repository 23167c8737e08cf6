"""Titles and the versions of their media, as the contracts show them."""

from control.database.assets import Asset
from control.database.titles import Title
from control.timestamps import moment, timestamp
from protos.v1 import catalogue_pb2

TITLE_KINDS = {
    "film": catalogue_pb2.TITLE_KIND_FILM,
    "series": catalogue_pb2.TITLE_KIND_SERIES,
    "season": catalogue_pb2.TITLE_KIND_SEASON,
    "episode": catalogue_pb2.TITLE_KIND_EPISODE,
}


def title(stored: Title) -> catalogue_pb2.Title:
    """A title."""
    return catalogue_pb2.Title(
        title_id=stored.title_id,
        name=stored.name,
        synopsis=stored.synopsis,
        state=catalogue_pb2.TITLE_STATE_PUBLISHED if stored.published else catalogue_pb2.TITLE_STATE_DRAFT,
        asset_id=stored.asset_id,
        duration_seconds=stored.duration_seconds,
        width=stored.width,
        height=stored.height,
        created_at=timestamp(stored.created_at),
        published_at=moment(stored.published_at),
        audio_languages=stored.audio_languages,
        kind=TITLE_KINDS[stored.kind],
        parent_id=stored.parent_id,
        number=stored.number,
        genres=stored.genres,
        tags=stored.tags,
        year=stored.year,
        original_language=stored.original_language,
        cast=[catalogue_pb2.CastMember(name=name, role=role) for name, role in stored.cast],
        rating=stored.rating,
        minimum_age=stored.minimum_age,
        available_from=moment(stored.available_from),
        available_until=moment(stored.available_until),
        plan_id=stored.plan_id,
        poster_version=stored.poster_version,
        backdrop_version=stored.backdrop_version,
    )


def asset(stored: Asset, *, active: bool) -> catalogue_pb2.Asset:
    """A version of a title's media."""
    return catalogue_pb2.Asset(
        asset_id=stored.asset_id,
        duration_seconds=stored.duration_seconds,
        width=stored.width,
        height=stored.height,
        size_bytes=stored.size_bytes,
        created_at=timestamp(stored.created_at),
        active=active,
    )
