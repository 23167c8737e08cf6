"""Who calls: known to a servicer while it answers."""

from contextvars import ContextVar
from dataclasses import dataclass

from matinee.errors import Unauthenticated
from protos.v1.access_pb2 import ACCESS_ADMIN, ACCESS_PUBLISHER, ACCESS_VIEWER, Access
from protos.v1.auth_pb2 import ROLE_ADMIN, ROLE_PUBLISHER, ROLE_VIEWER, Role

ROLES = {"viewer": ROLE_VIEWER, "publisher": ROLE_PUBLISHER, "admin": ROLE_ADMIN}
MAY = {
    "viewer": {ACCESS_VIEWER},
    "publisher": {ACCESS_VIEWER, ACCESS_PUBLISHER},
    "admin": {ACCESS_VIEWER, ACCESS_PUBLISHER, ACCESS_ADMIN},
}


@dataclass(frozen=True, slots=True)
class Caller:
    """A person who is signed in, in a session. `role` is one of viewer, publisher and admin."""

    account_id: str
    email: str
    role: str
    session_id: str = ""

    def may(self, access: "Access.ValueType") -> bool:
        """Whether the role covers an access level."""
        return access in MAY.get(self.role, ())

    @property
    def wire_role(self) -> "Role.ValueType":
        """The role as the contracts name it."""
        return ROLES[self.role]


calling: ContextVar[Caller | None] = ContextVar("calling", default=None)
calling_from: ContextVar[str] = ContextVar("calling_from", default="")
calling_with: ContextVar[str] = ContextVar("calling_with", default="")


def caller() -> Caller:
    """The person whose call is being answered. Raises `Unauthenticated` when it is not a person's call."""
    person = calling.get()
    if person is None:
        raise Unauthenticated("sign in first")
    return person


def client_address() -> str:
    """Where the call that is being answered comes from: an IP address, or what gRPC calls a peer that has none."""
    return calling_from.get()


def user_agent() -> str:
    """What the program of a client that is not signed in calls itself; empty when nobody told."""
    return calling_with.get()
