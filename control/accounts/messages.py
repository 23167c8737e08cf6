"""Accounts, and the sessions in which they are signed in, as the contracts show them."""

from collections.abc import Iterable

from control.callers import ROLES, Caller
from control.database.accounts import Account
from control.database.sessions import Session, SignIn
from control.timestamps import moment, timestamp
from protos.v1 import auth_pb2


def caller(person: Caller) -> auth_pb2.Account:
    """The account of a person, as far as their token tells."""
    return auth_pb2.Account(account_id=person.account_id, email=person.email, role=person.wire_role)


def account(stored: Account, providers: Iterable[str]) -> auth_pb2.Account:
    """An account, and the names of the providers by which it can sign in."""
    return auth_pb2.Account(
        account_id=stored.account_id,
        email=stored.email,
        role=ROLES[stored.role],
        created_at=timestamp(stored.created_at),
        last_login_at=moment(stored.last_login_at),
        disabled=stored.disabled,
        providers=providers,
    )


def session(stored: Session, current_id: str) -> auth_pb2.Session:
    """A session in which an account is signed in; the current one is that of the call."""
    return auth_pb2.Session(
        session_id=stored.session_id,
        device=stored.device,
        address=stored.address,
        created_at=timestamp(stored.created_at),
        last_used_at=timestamp(stored.last_used_at),
        current=stored.session_id == current_id,
    )


def sign_in(stored: SignIn, *, active: bool) -> auth_pb2.SignIn:
    """A sign-in of the audit, whose session may go on."""
    return auth_pb2.SignIn(
        session_id=stored.session_id,
        method=stored.method,
        device=stored.device,
        address=stored.address,
        time=timestamp(stored.time),
        active=active,
    )
