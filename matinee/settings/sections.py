"""The tables of `matinee.toml`, each with its defaults and the meaning of every setting."""

from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from matinee.settings.values import (
    CheckoutUrl,
    ControlAddress,
    Endpoint,
    EventsUrl,
    ExecutorUrl,
    IssuerUrl,
    Lines,
    ListenAddress,
    MailAddress,
    NotNegative,
    NotNegativeSeconds,
    PaymentProviderName,
    PlanId,
    Port,
    Positive,
    Preset,
    ProviderName,
    PublicUrl,
    Region,
    Seconds,
    SmtpUrl,
    StoreUrl,
    TopicPrefix,
    TraceEndpoint,
    WebhookSecret,
)


class Section(BaseModel):
    """One table of `matinee.toml`; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class HttpSettings(Section):
    """`[http]`: the public door."""

    host: Annotated[str, AfterValidator(lambda host: str(ip_address(host)))] = "127.0.0.1"
    """IP address to listen on; 0.0.0.0 for every interface."""
    port: Port = 8080
    """Port to listen on; 0 picks a free one."""
    public_url: PublicUrl = ""
    """What clients call the door, such as https://films.example; empty: http://host:port."""
    head_bytes: Positive = 65_536
    """Largest request head; more is answered 431."""
    head_seconds: Seconds = 10
    """Longest time that a request head may take to arrive; then 408."""
    connections: Positive = 2_000
    """Most connections at once; more are answered 503."""
    connections_per_address: Positive = 200
    """Most connections of one address at once (of a /64 in IPv6); more are answered 503."""
    drain_seconds: NotNegativeSeconds = 0
    """How long the door stays open after SIGTERM while /readyz says that it closes, so that balancers turn away."""
    grace_seconds: Positive = 20
    """Longest time that requests in flight may take to end after that."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
    """Addresses or networks of proxies before the door: they may hold more, and are believed X-Forwarded-For."""


class ControlSettings(Section):
    """`[control]`: where the gRPC services listen, and where edge and worker find them."""

    listen: ListenAddress = ""
    """Where control listens: 0.0.0.0:7400, unix:/run/matinee/control.sock; empty: at `address`."""
    address: ControlAddress = ""
    """Where edge and worker find it: control:7400, 10.0.0.1:7400,10.0.0.2:7400; empty: where it listens."""
    secret_file: str = ""
    """The secret by which control knows edge and worker, the same on every machine; empty: run/service.token."""
    certificate_file: str = ""
    """The certificate (PEM) of this machine: with it control speaks TLS, and edge and worker show who they are."""
    private_key_file: str = ""
    """Its private key (PEM)."""
    authority_file: str = ""
    """Certificates (PEM) of who vouches for the others: edge and worker want TLS then, control their certificates."""
    server_name: str = ""
    """What control's certificates are issued to; empty: the host in `address`."""
    plaintext: bool = False
    """Whether control may be called without TLS from other machines: whoever listens there learns the secret."""
    deadline_seconds: Seconds = 10
    """Longest time that a unary call may take."""
    grace_seconds: Seconds = 4
    """Longest time that calls in flight may take to end after SIGTERM."""

    @model_validator(mode="after")
    def _both(self) -> Self:
        if bool(self.certificate_file) != bool(self.private_key_file):
            raise ValueError("certificate_file and private_key_file belong together")
        return self


class AdminSettings(Section):
    """`[admin]`: the operator's door of each service: /metrics, /healthz and /readyz (see docs/operations.md)."""

    host: Annotated[str, AfterValidator(lambda host: host and str(ip_address(host)))] = ""
    """IP address to listen on, such as 127.0.0.1; it asks nobody who he is. Empty: there is none."""
    edge_port: Port = 9101
    """Port of an edge; 0 picks a free one, which the log tells."""
    control_port: Port = 9102
    """Port of control."""
    worker_port: Port = 9103
    """Port of a worker."""
    dask_worker_port: Port = 9104
    """Port of a worker of a Dask cluster."""

    def port_of(self, service: str) -> int:
        """The port of a service, by its name."""
        return int(getattr(self, f"{service.replace('-', '_')}_port"))


class LogSettings(Section):
    """`[logs]`: what every service writes on standard error."""

    format: Literal["auto", "json", "text"] = "auto"
    """json: an object a line; text: for people; auto: text on a terminal, else json."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is written."""


class TraceSettings(Section):
    """`[traces]`: OpenTelemetry (see docs/operations.md)."""

    endpoint: TraceEndpoint = ""
    """Where spans go by OTLP over gRPC, such as http://127.0.0.1:4317; empty: as OTEL_* says, or nowhere."""
    sample_ratio: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Which part of the traces is kept that begin here; those that a proxy began are kept as it says."""


class StoreSettings(Section):
    """`[store]`: uploads, spans and media. All but `url` is for s3:// alone."""

    url: StoreUrl = ""
    """file:///path or s3://bucket/prefix; empty: the folder `objects` in the data directory."""
    endpoint: Endpoint = ""
    """Where the S3 server is, such as https://s3.films.example; empty: Amazon's in `region`."""
    public_endpoint: Endpoint = ""
    """Where clients reach it: large films go straight there then; empty: all films go through the edge."""
    region: Region = "us-east-1"
    """The region of the bucket."""
    access_key_id: str = ""
    """Who Matinee is to the S3 server; empty: what `credentials_file`, AWS_ACCESS_KEY_ID or the machine's role says."""
    secret_access_key: SecretStr = SecretStr("")
    """The secret of `access_key_id`."""
    credentials_file: str = ""
    """A file such as ~/.aws/credentials, whose [default] has both keys; what is set here wins over it."""
    path_style: bool = True
    """Whether buckets are called endpoint/bucket, which every server knows, or else bucket.endpoint."""
    timeout_seconds: Seconds = 30
    """Longest time that one request to the S3 server may take."""
    retries: NotNegative = 4
    """How often a request that failed is sent again, with growing pauses."""


class DatabaseSettings(Section):
    """`[database]`: private to control."""

    url: str = ""
    """A SQLAlchemy URL; empty: the SQLite file `matinee.db` in the data directory."""
    connections: Positive = 10
    """Most connections to PostgreSQL of one control process at once; three more hold its roles and hear of others."""
    connect_seconds: Seconds = 5
    """Longest time that a connection to PostgreSQL may take, be it new or one that others have in use."""
    statement_seconds: Seconds = 30
    """Longest time that one statement may take in PostgreSQL."""
    idle_seconds: Seconds = 60
    """Longest time that a transaction in PostgreSQL may wait for what comes next."""


class EventSettings(Section):
    """`[events]`: the event bus (see docs/events.md)."""

    url: EventsUrl = ""
    """sqlite:////path, kafka://host:port,… or kafka+ssl://…; empty: the file `events.db` in the data directory."""
    retention_days: Positive = 7
    """Events are kept for so long, whether everybody has read them or not."""
    max_bytes: Positive = 1024**3
    """Most bytes of events that are kept, on Kafka of each topic; the oldest go first."""
    prefix: TopicPrefix = ""
    """What the names of our topics and consumer groups on Kafka begin with, such as matinee. on a shared cluster."""
    partitions: Positive = 6
    """Partitions of a topic on Kafka: so many members of a group can work side by side. They may grow, never shrink."""
    replicas: NotNegative = 0
    """Copies of a topic on Kafka; 0: as the broker's default.replication.factor says."""
    username: str = ""
    """Who we are on Kafka (SASL); empty: nobody."""
    password: SecretStr = SecretStr("")
    """The password of `username`."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """How we prove it: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."""
    ca_file: str = ""
    """Certificates (PEM) that kafka+ssl:// trusts; empty: those of the system."""
    certificate_file: str = ""
    """Our own certificate (PEM) for brokers that ask for one; empty: none."""
    key_file: str = ""
    """Its private key (PEM); empty: it lies in `certificate_file` too."""


class UploadSettings(Section):
    """`[uploads]`: tus 1.0 at /uploads."""

    max_bytes: Positive = 64 * 1024**3
    """Largest film taken, in bytes."""
    part_bytes: Positive = 8 * 1024**2
    """Size of the parts in which an upload is stored, in bytes; what a killed edge can lose at most."""
    direct_bytes: Positive = 64 * 1024**2
    """Films of so many bytes and more go straight to the bucket, where store.public_endpoint says that clients may."""
    expire_hours: Positive = 48
    """An upload that is not finished and not continued for so long is removed."""
    unfinished: Positive = 20
    """Most unfinished uploads of one account; more are answered 429."""
    unfinished_bytes: Positive = 256 * 1024**3
    """Most bytes that the unfinished uploads of one account may have together once they are whole; then 429."""


class IncomingSettings(Section):
    """`[incoming]`: films that are dropped into `incoming/` of the object store (see docs/ingest.md)."""

    account: MailAddress = ""
    """Whose they are: the e-mail address of a publisher; empty: what is dropped there is left alone."""
    plan: PlanId = ""
    """The plan that their titles need; empty: none."""
    publish: bool = True
    """Whether viewers see a title as soon as it is ready, or it waits as a draft."""
    afterwards: Literal["remove", "keep"] = "remove"
    """What becomes of the file when its title is ready: remove or keep."""
    poll_seconds: Seconds = 30
    """How often it is looked for files; a bucket of MinIO tells of them at once."""


class SourceSettings(Section):
    """`[source]`: what ingest takes (see docs/ingest.md)."""

    max_pixels: Positive = 8192 * 4320
    """Most pixels in a frame."""
    max_hours: Positive = 12
    """Longest film."""
    max_frame_rate: Positive = 240
    """Most frames per second in the source; the result has at most 60."""


class LadderSettings(Section):
    """`[ladder]`: what is made of a film."""

    heights: Annotated[tuple[Lines, ...], Field(min_length=1)] = (1080, 720, 540, 360, 234)
    """Rungs, as lines of a 16:9 frame; rungs above the source are left out."""
    preset: Preset = "veryfast"
    """x264 preset; slower ones make smaller files for more CPU time."""
    crf: Annotated[float, Field(ge=0, le=51)] = 21
    """x264 constant rate factor, capped by each rung's peak rate."""
    gop_seconds: Seconds = 2
    """Length of a closed group of pictures, rounded to whole frames."""
    segment_gops: Positive = 3
    """Groups of pictures in a segment; 3 of 2 s make the 6 s that Apple asks for."""
    span_segments: Positive = 5
    """Most segments in a span, the unit of parallel work and of what a crash can lose; short films are cut finer."""
    audio_kbps: Annotated[int, Field(ge=32, le=512)] = 128
    """AAC-LC stereo bit rate in kb/s."""
    loudness_lufs: Annotated[float, Field(ge=-70, le=-5)] = -16
    """Integrated loudness of every title, in LUFS (EBU R128)."""
    true_peak_dbtp: Annotated[float, Field(ge=-20, le=0)] = -1
    """Highest true peak, in dBTP."""


class WorkerSettings(Section):
    """`[worker]`: who encodes, and within which limits."""

    executor: ExecutorUrl = "threads://"
    """threads://N runs N spans side by side, threads:// one per core; dask://host:8786 or dask+tls:// a cluster."""
    scratch: str = ""
    """Folder for temporary files; empty: the folder `scratch` in the data directory."""
    lease_seconds: Seconds = 30
    """A worker that has not been heard of for so long loses its job to another."""
    poll_seconds: Seconds = 2
    """How often a worker with nothing to do asks for a job."""
    attempts: Positive = 3
    """How often a job is tried before it is marked as failed."""
    nice: Annotated[int, Field(ge=0, le=19)] = 10
    """Niceness of ffmpeg, so that serving goes first."""
    memory_bytes: Positive = 6 * 1024**3
    """Most address space of one ffmpeg child."""
    wall_factor: Positive = 60
    """A span that takes more than so many times its own length is killed."""
    ffmpeg: str = ""
    """Path of the ffmpeg binary; empty: the one in the imageio-ffmpeg package."""


class ClusterSettings(Section):
    """`[cluster]`: how we are in the Dask cluster that `worker.executor` names (see docs/cluster.md)."""

    host: Annotated[str, AfterValidator(lambda host: str(ip_address(host)))] = "127.0.0.1"
    """IP address on which `matinee dask-worker` listens to scheduler and workers: never one that others can reach."""
    ca_file: str = ""
    """Certificates (PEM) that dask+tls:// trusts; needed there."""
    certificate_file: str = ""
    """Our own certificate (PEM), which every member of the cluster shows; needed for dask+tls://."""
    key_file: str = ""
    """Its private key (PEM); empty: it lies in `certificate_file` too."""


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


class EdgeSettings(Section):
    """`[edge]`: media delivery."""

    cache_bytes: Positive = 512 * 1024**2
    """Memory for hot byte ranges."""
    block_bytes: Positive = 1024**2
    """Size of a cached block."""
