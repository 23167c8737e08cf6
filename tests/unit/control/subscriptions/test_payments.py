"""The webhook of a payment provider: whose it is, and what it says. Every hostile one is refused with a sentence."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from control.subscriptions.payments import Report, WebhookPayments, provider_of
from control.subscriptions.subscription import Subscription
from control.subscriptions.subscription_states import State
from matinee.errors import InvalidInput, MatineeError, NotFound, Unauthenticated
from matinee.settings import PaymentProvider

SECRET = "whsec_" + "c2VjcmV0" * 4
ID = "0" * 26
ACME = WebhookPayments(
    PaymentProvider(
        name="acme",
        secret=SECRET,
        checkout_url="https://pay.example/{plan_id}?for={subscription_id}&who={account_id}",
    )
)


def headers(body: str, *, age: timedelta = timedelta(), secret: str = SECRET, webhook_id: str = "m1") -> dict[str, str]:
    """What a provider signs a body with."""
    moment = datetime.now(tz=UTC) - age
    signature = Webhook(secret).sign(webhook_id, moment, body)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": signature,
    }


def read(document: object) -> Report:
    body = json.dumps(document)
    return ACME.read(body.encode(), headers(body))


def test_a_signed_report_is_read() -> None:
    told = {"type": "subscription.paid", "data": {"subscription_id": ID, "paid_until": "2027-01-31T00:00:00Z"}}
    assert read(told) == Report("m1", "subscription.paid", ID, datetime(2027, 1, 31, tzinfo=UTC).timestamp())


def test_reports_of_other_things_are_taken_and_say_nothing() -> None:
    assert read({"type": "invoice.created", "data": {"anything": 1}}) == Report("m1", "")


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_report_from_another_time_is_refused(minutes: int) -> None:
    with pytest.raises(Unauthenticated):
        ACME.read(b"{}", headers("{}", age=timedelta(minutes=minutes)))


def test_a_report_signed_with_another_secret_or_of_another_body_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        ACME.read(b"{}", headers("{}", secret="whsec_" + "b3RoZXIh" * 4))
    with pytest.raises(Unauthenticated):
        ACME.read(b'{"more": 1}', headers("{}"))


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_report_without_a_header_is_refused(missing: str) -> None:
    signed = {key: value for key, value in headers("{}").items() if key != missing}
    with pytest.raises(Unauthenticated):
        ACME.read(b"{}", signed)


@pytest.mark.parametrize("signature", ["", "v1", "v1,", "v1,%%%", "v1,a", "v2,aGk=", "v1,\xe9", "a,b,c", " ", ","])
def test_a_signature_that_is_none_is_refused(signature: str) -> None:
    with pytest.raises(Unauthenticated):
        ACME.read(b"{}", headers("{}") | {"webhook-signature": signature})


@pytest.mark.parametrize("timestamp", ["", "nan", "inf", "-1", "1e400", "soon"])
def test_a_timestamp_that_is_none_is_refused(timestamp: str) -> None:
    with pytest.raises(Unauthenticated):
        ACME.read(b"{}", headers("{}") | {"webhook-timestamp": timestamp})


def test_a_body_that_is_no_text_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        ACME.read(b"\xff", headers("{}"))


@pytest.mark.parametrize(
    "document",
    [
        [],
        "x",
        {"type": "subscription.paid"},
        {"type": "subscription.paid", "data": []},
        {"type": "subscription.paid", "data": {"subscription_id": "../x"}},
        {"type": "subscription.paid", "data": {"subscription_id": 1}},
        {"type": "subscription.paid", "data": {"subscription_id": ID, "paid_until": "soon"}},
        {"type": "subscription.paid", "data": {"subscription_id": ID, "paid_until": 5}},
        {"type": "subscription.paid", "data": {"subscription_id": ID, "plan_id": "NO PLAN"}},
    ],
)
def test_what_a_provider_signed_and_makes_no_sense_is_bad_input(document: object) -> None:
    with pytest.raises(InvalidInput):
        read(document)


@given(body=st.text(max_size=200))
def test_nothing_that_is_signed_breaks_anything(body: str) -> None:
    with suppress(MatineeError):
        assert ACME.read(body.encode(), headers(body)).webhook_id == "m1"


def test_people_are_sent_to_pay_for_their_subscription() -> None:
    subscription = Subscription("s1", "a1", "family", State.PENDING, 0, None, "acme")
    assert ACME.checkout_url(subscription) == "https://pay.example/family?for=s1&who=a1"


def test_nobody_else_is_a_provider() -> None:
    assert provider_of("acme", [ACME]) is ACME
    with pytest.raises(NotFound):
        provider_of("manual", [ACME])
