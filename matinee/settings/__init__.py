"""Settings: defaults, then `matinee.toml`, then secrets in files, then `MATINEE_*` in the environment.

`MATINEE_HTTP__PORT=9000` is `port` in `[http]`. Where `MATINEE_SECRETS_DIR` names a folder, each file in it that is
called like such a variable, in capitals or not, has its value: so no secret needs to stand in the environment.

Every setting is declared here with its default and its meaning. `matinee.toml` at the root of the repository shows them
all with their defaults, and a test holds the two together.
"""

import os
from ipaddress import ip_address
from pathlib import Path
from tomllib import TOMLDecodeError
from urllib.parse import quote, unquote

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    NestedSecretsSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from matinee.errors import InvalidInput
from matinee.settings.backends import (
    DatabaseSettings,
    EventSettings,
    StoreSettings,
)
from matinee.settings.production import (
    ClusterSettings,
    IncomingSettings,
    LadderSettings,
    SourceSettings,
    UploadSettings,
    WorkerSettings,
)
from matinee.settings.services import (
    AdminSettings,
    ControlSettings,
    EdgeSettings,
    HttpSettings,
    LogSettings,
    TraceSettings,
)
from matinee.settings.viewers import (
    AccountSettings,
    MailSettings,
    OidcSettings,
    PaymentProvider,
    PaymentSettings,
    PlaybackSettings,
    ProviderSettings,
    RecommendationSettings,
    SubscriptionSettings,
    TokenSettings,
)

__all__ = [
    "AccountSettings",
    "AdminSettings",
    "ClusterSettings",
    "ControlSettings",
    "DatabaseSettings",
    "EdgeSettings",
    "EventSettings",
    "HttpSettings",
    "IncomingSettings",
    "LadderSettings",
    "LogSettings",
    "MailSettings",
    "OidcSettings",
    "PaymentProvider",
    "PaymentSettings",
    "PlaybackSettings",
    "ProviderSettings",
    "RecommendationSettings",
    "Settings",
    "SourceSettings",
    "StoreSettings",
    "SubscriptionSettings",
    "TokenSettings",
    "TraceSettings",
    "UploadSettings",
    "WorkerSettings",
    "load_settings",
]


SECRETS_DIR = "MATINEE_SECRETS_DIR"
"""The environment variable that names the folder of secrets in files, such as /run/secrets."""


class Settings(BaseSettings):
    """Everything that an operator can set.

    `data` holds all state of one machine. `url` and `token` tell the command line which instance to talk to.
    """

    model_config = SettingsConfigDict(
        env_prefix="MATINEE_",
        env_nested_delimiter="__",
        toml_file="matinee.toml",
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )

    data: Path = Path("matinee-data")
    """Folder with the state of this machine."""
    url: str = ""
    """Instance that the command line talks to; empty: the one that runs on `data`."""
    token: str = ""
    """Access token for `url`; empty: the one of `matinee login`."""
    http: HttpSettings = HttpSettings()
    control: ControlSettings = ControlSettings()
    admin: AdminSettings = AdminSettings()
    logs: LogSettings = LogSettings()
    traces: TraceSettings = TraceSettings()
    store: StoreSettings = StoreSettings()
    database: DatabaseSettings = DatabaseSettings()
    events: EventSettings = EventSettings()
    uploads: UploadSettings = UploadSettings()
    incoming: IncomingSettings = IncomingSettings()
    source: SourceSettings = SourceSettings()
    ladder: LadderSettings = LadderSettings()
    worker: WorkerSettings = WorkerSettings()
    cluster: ClusterSettings = ClusterSettings()
    tokens: TokenSettings = TokenSettings()
    accounts: AccountSettings = AccountSettings()
    mail: MailSettings = MailSettings()
    oidc: OidcSettings = OidcSettings()
    subscriptions: SubscriptionSettings = SubscriptionSettings()
    payments: PaymentSettings = PaymentSettings()
    playback: PlaybackSettings = PlaybackSettings()
    recommendations: RecommendationSettings = RecommendationSettings()
    edge: EdgeSettings = EdgeSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, the environment over secrets in files, and these over `matinee.toml`."""
        secrets = NestedSecretsSettingsSource(
            file_secret_settings, secrets_dir=os.environ.get(SECRETS_DIR) or None, secrets_dir_missing="error"
        )
        return init_settings, env_settings, secrets, TomlConfigSettingsSource(settings_cls)

    @property
    def control_address(self) -> str:
        """Where edge and worker find control: one address, or several with commas between them."""
        host, _, port = self.control.listen.rpartition(":")
        here = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host)  # noqa: S104 - it is where others listen
        listens = f"{here}:{port}" if here else self.control.listen
        return self.control.address or listens or f"unix:{quote(str(self.run_directory / 'control.sock'))}"

    @property
    def control_listen(self) -> str:
        """Where control listens on this machine."""
        return self.control.listen or self.control_address

    @property
    def run_directory(self) -> Path:
        """Sockets and secrets of the running services; readable by their owner only."""
        return self.data.absolute() / "run"

    @property
    def service_token_file(self) -> Path:
        """The secret by which edge and worker prove to control that they belong to the house."""
        return Path(self.control.secret_file) if self.control.secret_file else self.run_directory / "service.token"

    @property
    def store_url(self) -> str:
        """The object store."""
        return self.store.url or (self.data.absolute() / "objects").as_uri()

    @property
    def database_url(self) -> str:
        """The database of control."""
        return self.database.url or f"sqlite+aiosqlite:///{quote(str(self.data.absolute() / 'matinee.db'))}"

    @property
    def event_log_file(self) -> Path:
        """The file of the embedded event bus."""
        path = unquote(self.events.url.removeprefix("sqlite:///"))
        return Path(path) if path else self.data.absolute() / "events.db"

    @property
    def scratch_directory(self) -> Path:
        """Temporary files of the worker."""
        return Path(self.worker.scratch) if self.worker.scratch else self.data.absolute() / "scratch"

    @property
    def public_url(self) -> str:
        """What clients call the public door, without a trailing slash."""
        return self.http.public_url.rstrip("/") or self.local_url

    @property
    def local_url(self) -> str:
        """The address by which this machine reaches its own door."""
        host = self.local_host
        return f"http://[{host}]:{self.http.port}" if ":" in host else f"http://{host}:{self.http.port}"

    @property
    def local_host(self) -> str:
        """The name by which this machine reaches its own door."""
        address = ip_address(self.http.host)
        return self.http.host if not address.is_unspecified else "127.0.0.1" if address.version == 4 else "::1"


def load_settings(**overrides: object) -> Settings:
    """Read the settings; `overrides` win over the environment and the file.

    Raises `InvalidInput` that names every bad setting at once.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {_sentence(fault)}" for fault in error.errors())
        raise InvalidInput(f"these settings cannot be used: {faults}") from error
    except (TOMLDecodeError, SettingsError, OSError) as error:
        raise InvalidInput(f"matinee.toml, the environment or a secret in a file cannot be read: {error}") from error


def _sentence(fault: ErrorDetails) -> str:
    return fault["msg"].removeprefix("Value error, ")
