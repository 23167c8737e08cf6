"""The people: their accounts, how they sign in, what they pay for, and how they watch."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from matinee.settings.section import Section
from matinee.settings.values import (
    CheckoutUrl,
    IssuerUrl,
    MailAddress,
    NotNegative,
    PaymentProviderName,
    Positive,
    ProviderName,
    Seconds,
    SmtpUrl,
    WebhookSecret,
)


class TokenSettings(Section):
    """`[tokens]`: how long credentials live."""

    access_minutes: Positive = 15
    """Life of an access token."""
    refresh_days: Positive = 30
    """Life of a refresh token that is not used."""
    delivery_hours: Positive = 12
    """Life of a signed playback URL; long enough for a film and its pauses."""
    grant_seconds: Positive = 60
    """What an edge may serve to a playback session without asking control again."""
    key_days: Positive = 30
    """A new signing key is made after so long; old ones verify until every token of theirs has expired."""


class AccountSettings(Section):
    """`[accounts]`: who may have an account, and what is kept of sign-ins."""

    registration: Literal["confirmed", "closed"] = "confirmed"
    """confirmed: by whoever follows the link that comes by mail, or signs in at a provider; closed: by an admin."""
    confirmation_hours: Positive = 24
    """Life of the link that opens an account."""
    reset_minutes: Positive = 60
    """Life of the link that sets a new password."""
    audit_days: Positive = 90
    """How long it is kept who signed in when, from where and on which device."""


class MailSettings(Section):
    """`[mail]`: how messages reach people."""

    smtp_url: SmtpUrl = SecretStr("")
    """smtp://user:password@host:587 (STARTTLS) or smtps://host; empty: messages are written into the log of control."""
    sender: MailAddress = ""
    """From whom messages come, such as films@example.org; empty: matinee@ and the host of http.public_url."""


class ProviderSettings(Section):
    """`[[oidc.providers]]`: one OpenID provider."""

    provider: ProviderName
    """What URLs call it, such as google."""
    display_name: Annotated[str, Field(min_length=1, max_length=60)]
    """What people call it."""
    issuer: IssuerUrl
    """Its issuer identifier; below it lies /.well-known/openid-configuration."""
    client_id: Annotated[str, Field(min_length=1, max_length=255)]
    """What the provider calls this instance."""
    client_secret: SecretStr = SecretStr("")
    """The secret that the provider gave out with it; empty for a public client."""
    scopes: tuple[str, ...] = ("openid", "email")
    """What is asked for."""


def _distinct(providers: tuple[ProviderSettings, ...]) -> tuple[ProviderSettings, ...]:
    for names in ({one.provider for one in providers}, {one.issuer for one in providers}):
        if len(names) < len(providers):
            raise ValueError("No two may have the same provider or issuer")
    return providers


class OidcSettings(Section):
    """`[oidc]`: sign-in at OpenID providers."""

    providers: Annotated[tuple[ProviderSettings, ...], AfterValidator(_distinct)] = ()
    """Tables [[oidc.providers]] with provider, display_name, issuer, client_id, client_secret and scopes."""


class SubscriptionSettings(Section):
    """`[subscriptions]`: what an account without a subscription has, of titles that need no plan."""

    free_streams: NotNegative = 0
    """Playback sessions at a time; 0: as many as they like."""
    free_height: NotNegative = 0
    """Tallest rung, in lines; 0: all."""
    free_devices: NotNegative = 0
    """Devices that may be registered; 0: as many as they like."""


class PaymentProvider(Section):
    """`[[payments.providers]]`: who takes payments and reports them, signed as Standard Webhooks says."""

    name: PaymentProviderName
    """Its reports come to /api/v1/payments/name."""
    secret: WebhookSecret
    """The secret by which it signs: whsec_…"""
    checkout_url: CheckoutUrl
    """Where to pay; {account_id}, {plan_id} and {subscription_id} are filled in."""


class PaymentSettings(Section):
    """`[payments]`: who says that a subscription is paid."""

    providers: tuple[PaymentProvider, ...] = ()
    """Payment providers (see docs/subscriptions.md); new subscriptions go to the first. None: an operator says so."""


class PlaybackSettings(Section):
    """`[playback]`: playback sessions."""

    too_many_streams: Literal["refuse", "take_over"] = "refuse"
    """What becomes of one stream more than the plan allows: it is refused, or the one begun first ends."""
    idle_seconds: Seconds = 60
    """A session that no player and no edge has told of for so long is not in use, and does not count as a stream."""


class RecommendationSettings(Section):
    """`[recommendations]`: what viewers are offered (see docs/analytics.md)."""

    train_hours: Positive = 6
    """How often it is learnt anew from what was watched."""
    most_titles: Annotated[int, Field(gt=0, le=10_000)] = 5_000
    """Of so many titles, the most watched, is learnt; time grows with the cube, memory with the square of it."""
