"""What accounts are told by mail."""

from datetime import UTC, datetime

from control.accounts.mail.letter import Letter

GREETING = "Hello,\n\n"
FAREWELL = "\n\nMatinee\n"


class Letters:
    """Writes the letters of the instance that browsers call `public_url`."""

    def __init__(self, public_url: str, *, confirmation_hours: int, reset_minutes: int) -> None:
        self._url = public_url
        self._confirmation_hours = confirmation_hours
        self._reset_minutes = reset_minutes

    def confirmation(self, email: str, token: str, device: str, address: str, time: float) -> Letter:
        """To somebody who asks for an account; says whence, for who gets several and has sent one of them."""
        return _letter(
            email,
            "Confirm your account",
            f"somebody, we hope you, asked for an account with this address at {self._url}:\n\n"
            f"{_whence(device, address, time)}\n\n"
            "To open it with the password that was given there, follow this link within "
            f"{self._confirmation_hours} h:\n{self._url}/confirm?token={token}\n\n"
            "If it was not you, do nothing: there will be no account.",
        )

    def known(self, email: str, token: str) -> Letter:
        """To somebody who asks for an account and has one."""
        return _letter(
            email,
            "You have an account already",
            f"somebody, we hope you, asked for an account with this address at {self._url}. You have one already.\n\n"
            f"Sign in at {self._url}/sign-in. {self._new_password(token)}",
        )

    def reset(self, email: str, token: str) -> Letter:
        """To somebody who has forgotten their password."""
        return _letter(
            email,
            "Set a new password",
            f"somebody, we hope you, asked for a new password at {self._url}.\n\n{self._new_password(token)}",
        )

    def password_changed(self, email: str) -> Letter:
        """To somebody whose password is another now."""
        return _letter(
            email,
            "Your password was changed",
            f"the password of your account at {self._url} was changed just now.\n\n"
            f"If it was not you, ask for a new one at {self._url}/sign-in at once.",
        )

    def new_device(self, email: str, device: str, address: str, time: float) -> Letter:
        """To somebody who signed in where they have not been seen."""
        return _letter(
            email,
            "A new sign-in to your account",
            f"somebody signed in to your account at {self._url} on a device that we have not seen with it:\n\n"
            f"{_whence(device, address, time)}\n\n"
            f"If it was you, all is well. If not, change your password at {self._url}/account, which ends every other "
            "session.",
        )

    def _new_password(self, token: str) -> str:
        return (
            f"To set a new password, follow this link within {self._reset_minutes} min:\n"
            f"{self._url}/reset?token={token}\n\nIf it was not you, do nothing: your password stays."
        )


def _whence(device: str, address: str, time: float) -> str:
    """From where something was done, and when, in Unix seconds."""
    moment = datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"  device   {device or 'unknown'}\n  address  {address or 'unknown'}\n  time     {moment}"


def _letter(recipient: str, subject: str, text: str) -> Letter:
    return Letter(recipient, f"{subject} (Matinee)", f"{GREETING}{text}{FAREWELL}")
