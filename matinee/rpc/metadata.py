"""What goes along with a call as metadata.

The service token, a secret of the house, goes along with every call of edge and worker; a person's access token as
`authorization`. With calls that anybody may make, the edge tells the address and the user agent of its client, the
latter percent-encoded, and by which headers a webhook was signed. The id of the request goes along with whatever is
called for it. With bytes for a browser control may tell, as trailing metadata, how they are kept.
"""

from matinee.telemetry import request_ids

SERVICE_TOKEN_KEY = "x-matinee-service"
AUTHORIZATION_KEY = "authorization"
CLIENT_ADDRESS_KEY = "x-matinee-client-address"
USER_AGENT_KEY = "x-matinee-user-agent"
WEBHOOK_KEYS = ("webhook-id", "webhook-timestamp", "webhook-signature")
CACHE_CONTROL_KEY = "cache-control"
ETAG_KEY = "etag"
STREAM_OPEN = (("x-matinee-stream", "open"),)
"""What a method that streams sends before anything else, so that its caller knows that it was not refused."""


def request_metadata() -> tuple[tuple[str, str], ...]:
    """The id of the request that is being worked on, for a call that streams; the others have it by themselves."""
    request_id = request_ids.current()
    return ((request_ids.KEY, request_id),) if request_id else ()


def service_metadata(service_token: str) -> tuple[tuple[str, str], ...]:
    """The metadata by which a service of the house shows that it is one."""
    return ((SERVICE_TOKEN_KEY, service_token),)
