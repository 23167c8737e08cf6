"""What an edge leans on: control and the store.

Without either it is not ready. It goes on serving all the same: what is in memory, under the grants that it holds.
"""

from functools import partial

from edge.keys import Keys
from matinee.handshake import explained
from matinee.settings import Settings
from matinee.storage.object_store import ObjectStore
from matinee.telemetry.readiness import REMEMBERED_SECONDS, Readiness


def lean_on(readiness: Readiness, keys: Keys, store: ObjectStore, settings: Settings) -> None:
    """Name the dependencies of an edge."""
    readiness.depend("control", explained(partial(keys.refresh, max_age=REMEMBERED_SECONDS), settings))
    readiness.depend("store", partial(store.probe, "edge"))
