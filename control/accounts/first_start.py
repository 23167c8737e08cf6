"""What the first start makes: the run directory, the service token and the admin."""

import json
import secrets
from pathlib import Path

from control.accounts.passwords import Passwords
from control.database import Database, accounts
from control.database.accounts import Account
from control.identifiers import new_id
from matinee import instance
from matinee.errors import InvalidInput
from matinee.instance import require_socket
from matinee.settings import Settings
from matinee.small_files import kept
from matinee.tokens import Clock

ADMIN_EMAIL = "admin@matinee.local"


def prepare_run_directory(settings: Settings) -> None:
    """Make the folder of sockets and secrets, for its owner only.

    Raises `InvalidInput` when it cannot be made, or when the path of the socket is too long.
    """
    require_socket(settings)
    try:
        settings.run_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings.run_directory.chmod(0o700)
    except OSError as error:
        raise InvalidInput(f"the folder {settings.run_directory} cannot be used: {error.strerror}") from error


def service_token(settings: Settings) -> str:
    """The secret of the services of this instance; made when there is none, unless the operator names a file."""
    if not settings.control.secret_file:
        kept(settings.service_token_file, lambda: secrets.token_urlsafe(32))
    return instance.service_token(settings)


async def create_admin(database: Database, passwords: Passwords, settings: Settings, clock: Clock) -> None:
    """Make the first account, when there is none, from `admin.json` in the data folder; and that file if need be.

    Of several controls that start at once one makes it; what the others have written down is no login, and goes again.
    """
    async with database.read() as connection:
        if await accounts.any_account(connection):
            return
    file = settings.data / "admin.json"
    is_given = file.exists()
    credential = _read(file)
    password_hash = await passwords.hash(credential["password"])
    admin = Account(new_id(clock), credential["email"], password_hash, "admin", clock())
    async with database.write() as connection:
        if not await accounts.any_account(connection, lock=True):
            await accounts.add(connection, admin)
            return
        made = await accounts.by_email(connection, admin.email)
    if not is_given and not (made and await passwords.matches(credential["password"], made.password_hash)):
        file.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, str]:
    def make() -> str:
        return json.dumps({"email": ADMIN_EMAIL, "password": secrets.token_urlsafe(12)}) + "\n"

    try:
        credential = json.loads(kept(path, make))
        return {"email": str(credential["email"]).lower(), "password": str(credential["password"])}
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f'{path} must hold {{"email": …, "password": …}}; mend it or remove it') from error
