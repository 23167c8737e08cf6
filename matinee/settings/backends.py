"""What the services keep things in: the object store, the database and the event bus."""

from typing import Literal

from pydantic import SecretStr

from matinee.settings.section import Section
from matinee.settings.values import (
    Endpoint,
    EventsUrl,
    NotNegative,
    Positive,
    Region,
    Seconds,
    StoreUrl,
    TopicPrefix,
)


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
