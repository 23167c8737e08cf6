"""The seam to whoever takes payments. Matinee never sees a card: it sends people away to pay, and hears that they did.

A provider's report is JSON, signed as Standard Webhooks says (https://www.standardwebhooks.com):

    {"type": "subscription.paid",
     "data": {"subscription_id": "…", "plan_id": "family", "paid_until": "2027-01-31T00:00:00Z"}}

`type` is one of REPORTS; others are taken and left alone. `plan_id` and `paid_until` tell what was paid.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from control import inputs
from control.subscriptions.plan import plan_id
from control.subscriptions.subscription import Subscription
from matinee.errors import InvalidInput, NotFound, Unauthenticated
from matinee.settings import PaymentProvider

MANUAL = "manual"
PAID, FAILED, CANCELLED = REPORTS = ("subscription.paid", "subscription.failed", "subscription.cancelled")
LONGEST_WEBHOOK_ID = 255


class Payments(Protocol):
    """Who says whether a subscription is paid."""

    @property
    def name(self) -> str:
        """As the subscription shows it."""
        ...

    @property
    def at_once(self) -> bool:
        """Whether a subscription begins before anybody has said that it is paid."""
        ...


class ManualPayments:
    """An operator says until when it is paid, by whatever way the money comes."""

    name = MANUAL
    at_once = True


@dataclass(frozen=True, slots=True)
class Report:
    """What a provider says of a subscription; `paid_until` in Unix seconds, `plan_id` empty when it says none."""

    webhook_id: str
    kind: str
    subscription_id: str = ""
    paid_until: float | None = None
    plan_id: str = ""


class WebhookPayments:
    """A provider with a page to pay on, that reports by signed webhooks."""

    at_once = False

    def __init__(self, provider: PaymentProvider) -> None:
        self.name = provider.name
        self._template = provider.checkout_url
        self._webhook = Webhook(provider.secret)

    def checkout_url(self, subscription: Subscription) -> str:
        """The provider's page, which learns whose payment it is."""
        places = {name: getattr(subscription, name) for name in ("account_id", "plan_id", "subscription_id")}
        return self._template.format(**places)

    def read(self, body: bytes, headers: Mapping[str, str]) -> Report:
        """What a webhook reports, once its signature holds and it is not older or newer than five minutes.

        Raises `Unauthenticated` for one that is not the provider's, `InvalidInput` for one that makes no sense.
        """
        try:
            self._webhook.verify(body, dict(headers), json_parse=False)
        except (WebhookVerificationError, ValueError) as error:
            raise Unauthenticated("this webhook is not signed by the payment provider, or came too late") from error
        return _report(headers["webhook-id"], body)


def provider_of(name: str, known: Sequence[WebhookPayments]) -> WebhookPayments:
    """The provider of this name. Raises `NotFound`."""
    for provider in known:
        if provider.name == name:
            return provider
    raise NotFound("there is no such payment provider")


def _report(webhook_id: str, body: bytes) -> Report:
    document = _document(body)
    kind = document.get("type")
    inputs.line("webhook-id", webhook_id, LONGEST_WEBHOOK_ID)
    if kind not in REPORTS:
        return Report(webhook_id, "")
    data = document.get("data")
    if not isinstance(data, dict):
        raise InvalidInput("data is missing")
    return Report(
        webhook_id,
        kind,
        inputs.identifier("data.subscription_id", _text(data, "subscription_id")),
        _moment(_text(data, "paid_until")),
        plan_id(_text(data, "plan_id")) if data.get("plan_id") else "",
    )


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidInput("the body is not JSON") from None
    if not isinstance(document, dict):
        raise InvalidInput("the body must be a JSON object")
    return document


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name) or ""
    if not isinstance(value, str):
        raise InvalidInput(f"data.{name} must be a text")
    return value


def _moment(text: str) -> float | None:
    """Unix seconds of an RFC 3339 time; None for an empty text."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise InvalidInput("data.paid_until must be a time such as 2027-01-31T00:00:00Z") from None
