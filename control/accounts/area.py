"""The area of accounts, put together."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from control.accounts.administration import Administration
from control.accounts.attempts import Attempts, Requests
from control.accounts.audit import Audit
from control.accounts.authentication import Authentication
from control.accounts.email_tokens import EmailTokens
from control.accounts.keyring import Keyring
from control.accounts.mail.letters import Letters
from control.accounts.mail.postbox import Postbox
from control.accounts.mail.transport import ConsoleTransport, SmtpTransport
from control.accounts.own_sessions import OwnSessions
from control.accounts.passwords import Passwords
from control.accounts.post_login import PostLogin
from control.accounts.recovery import Recovery
from control.accounts.registration import Registration
from control.accounts.service import AuthService
from control.accounts.sessions import Sessions
from control.accounts.sign_in import SignIn
from control.database import Database
from control.events.consumer import Consumer
from control.playback.access import Access
from control.playback.announcer import Announcer
from matinee.settings import Settings
from matinee.tokens import Clock


@dataclass(frozen=True)
class Accounts:
    """What the area offers: its service, its consumers, and the postbox, which must be run."""

    service: AuthService
    sessions: Sessions
    postbox: Postbox
    consumers: tuple[Consumer, ...]


def put_together(
    *,
    settings: Settings,
    database: Database,
    passwords: Passwords,
    keyring: Keyring,
    authentication: Authentication,
    announcer: Announcer,
    access: Access,
    clock: Clock,
) -> Accounts:
    """Make the parts of the area and join them."""
    postbox, sessions = make_postbox(settings, database, clock), Sessions(keyring, settings.tokens, clock)
    letters = Letters(
        settings.public_url,
        confirmation_hours=settings.accounts.confirmation_hours,
        reset_minutes=settings.accounts.reset_minutes,
    )
    attempts, requests, tokens = Attempts(clock), Requests(clock), EmailTokens(settings.accounts, clock)
    registration = Registration(
        database=database, passwords=passwords, requests=requests, tokens=tokens, sessions=sessions, letters=letters,
        postbox=postbox, clock=clock, is_open=settings.accounts.registration != "closed",
    )  # fmt: skip
    recovery = Recovery(
        database=database, passwords=passwords, attempts=attempts, requests=requests, tokens=tokens, letters=letters,
        postbox=postbox, announcer=announcer, clock=clock,
    )  # fmt: skip
    providers = {one.issuer: one.provider for one in settings.oidc.providers}
    administration = Administration(
        database=database, passwords=passwords, announcer=announcer, access=access, clock=clock, providers=providers
    )
    sign_in = SignIn(database, passwords, attempts, sessions)
    service = AuthService(
        authentication, keyring, sign_in, registration, recovery, OwnSessions(database, clock), administration,
        Audit(database),
    )  # fmt: skip
    return Accounts(service, sessions, postbox, (PostLogin(letters, postbox).consumer,))


def make_postbox(settings: Settings, database: Database, clock: Clock) -> Postbox:
    """A postbox that sends by the server of the settings, or into the log."""
    host = urlsplit(settings.public_url).hostname or "localhost"
    sender = settings.mail.sender or f"matinee@{host}"
    url = settings.mail.smtp_url.get_secret_value()
    return Postbox(database, SmtpTransport(url, host) if url else ConsoleTransport(), sender, clock)
