"""What playback does when it hears of events."""

from control.database import Connection, subscriptions
from control.events.consumer import Consumer
from control.playback.access import Access
from control.playback.announcer import Announcer
from protos.v1.events_pb2 import SubscriptionUpdated


def access_sync(access: Access, announcer: Announcer) -> Consumer:
    """Looks again at all that an account plays when its subscription has changed, and pushes that to the edges."""

    async def look_again(connection: Connection, event: SubscriptionUpdated) -> None:
        if await subscriptions.hold(connection, event.account_id) is not None:
            await access.review(connection, event.account_id)

    return Consumer("access-sync", {SubscriptionUpdated: look_again}, after=announcer.wake)
