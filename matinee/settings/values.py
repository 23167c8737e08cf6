"""What a setting may be: types that refuse the rest with a sentence."""

import re
from ipaddress import ip_address
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

Text = TypeVar("Text", str, SecretStr)
Positive = Annotated[int, Field(gt=0)]
NotNegative = Annotated[int, Field(ge=0)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegativeSeconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Lines = Annotated[int, Field(ge=16, le=4320)]
Preset = Literal[
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo"
]


def shaped(pattern: str, wanted: str) -> AfterValidator:
    """Refuses text that the pattern does not match whole; `wanted` says what to write instead."""

    def check(value: Text) -> Text:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not re.fullmatch(pattern, text):
            raise ValueError(f"Should be {wanted}")
        return value

    return AfterValidator(check)


_HOST = r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])"
_PORT = r"([0-9]{1,4}|[1-5][0-9]{4}|6([0-4][0-9]{3}|5([0-4][0-9]{2}|5([0-2][0-9]|3[0-5]))))"
_ORIGIN = rf"(https?://{_HOST}(:{_PORT})?/?)?"
PublicUrl = Annotated[
    str,
    shaped(
        _ORIGIN,
        "http:// or https:// and a name, without a path: https://films.example",
    ),
]
StoreUrl = Annotated[str, shaped(r"(file:///.+|s3://[A-Za-z0-9._-]+(/[^?#]*)?)?", "file:///path or s3://bucket/prefix")]
_BROKER = rf"{_HOST}:{_PORT}"
_UNIX = r"unix:[^\s,]+"
ListenAddress = Annotated[
    str, shaped(rf"({_UNIX}|{_BROKER})?", "host:port, such as 0.0.0.0:7400, or unix:/path of a socket")
]


def _one_family(address: str) -> str:
    """Refuses several addresses that gRPC cannot take as one target: names, and IPv4 beside IPv6."""
    if "," not in address:
        return address
    try:
        versions = {ip_address(one.rpartition(":")[0].strip("[]")).version for one in address.split(",")}
    except ValueError:
        versions = set()
    if len(versions) != 1:
        raise ValueError(
            "Several should be IP addresses of one family, 10.0.0.1:7400,10.0.0.2:7400, "
            "or one name that has an address for each, control:7400"
        )
    return address


ControlAddress = Annotated[
    str,
    shaped(
        rf"({_UNIX}|(dns:///)?{_BROKER}|{_BROKER}(,{_BROKER})+)?",
        "host:port, several of them with commas between them, or unix:/path of a socket",
    ),
    AfterValidator(_one_family),
]
EventsUrl = Annotated[
    str,
    shaped(
        rf"(sqlite:///[^?#]+|kafka(\+ssl)?://{_BROKER}(,{_BROKER})*)?",
        "sqlite:///path, with a fourth slash for an absolute one, kafka://host:9092,host:9092 or kafka+ssl://host:9093",
    ),
]
TopicPrefix = Annotated[str, shaped(r"[A-Za-z0-9._-]{0,64}", "at most 64 letters, digits, dots, - or _")]
Endpoint = Annotated[
    str,
    shaped(
        _ORIGIN,
        "http:// or https:// and a name, without a path or a bucket: https://s3.films.example",
    ),
]
TraceEndpoint = Annotated[str, shaped(_ORIGIN, "http:// or https:// and a host: http://127.0.0.1:4317")]
Region = Annotated[str, shaped(r"[a-z0-9-]{1,64}", "a region, such as us-east-1")]
SmtpUrl = Annotated[
    SecretStr,
    shaped(
        rf"(smtps?://([^\s/?#@]+@)?{_HOST}(:{_PORT})?/?)?",
        "smtp://user:password@host:587 or smtps://host",
    ),
]
MailAddress = Annotated[str, shaped(r"([^\s@,;:<>\"()]+@[A-Za-z0-9._-]+)?", "a mail address: films@example.org")]
ProviderName = Annotated[str, shaped(r"[a-z0-9][a-z0-9-]{0,31}", "a word of a to z, 0 to 9 and -")]


def _secure(url: str) -> str:
    """Refuses an address whose answers anybody on the way could change."""
    parts = urlsplit(url)
    if not is_secure(url) or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("Should be an https:// address, as the provider publishes it")
    return url


def is_secure(url: str) -> bool:
    """Whether nobody on the way can change what an address answers: it is https, or of this machine itself."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, and nobody else's way leads there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


IssuerUrl = Annotated[str, Field(max_length=255), AfterValidator(_secure)]
ExecutorUrl = Annotated[
    str,
    shaped(
        rf"threads://([1-9][0-9]{{0,2}})?|dask(\+tls)?://{_HOST}:{_PORT}",
        "threads://, threads://N, dask://host:8786 or dask+tls://host:8786",
    ),
]
PaymentProviderName = Annotated[
    str, shaped(r"(?!manual$)[a-z0-9-]{1,32}", "1 to 32 small letters, digits or hyphens, and not 'manual'")
]
PlanId = Annotated[
    str, shaped(r"([a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?)?", "the id of a plan: small letters, digits and hyphens")
]
WebhookSecret = Annotated[
    str,
    shaped(
        r"whsec_([A-Za-z0-9+/]{4}){8,}([A-Za-z0-9+/]{2}(==)?|[A-Za-z0-9+/]{3}=?)?",
        "whsec_ and the Base64 of 24 bytes or more",
    ),
    Field(repr=False),
]
CheckoutUrl = Annotated[
    str,
    shaped(
        r"https?://([^\s{}]|\{(account_id|plan_id|subscription_id)\})+",
        "a URL with no other places to fill in than {account_id}, {plan_id} and {subscription_id}",
    ),
]
