"""The services themselves: where they listen, how they find and trust each other, and what they tell an operator."""

from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from matinee.settings.section import Section
from matinee.settings.values import (
    ControlAddress,
    ListenAddress,
    NotNegativeSeconds,
    Port,
    Positive,
    PublicUrl,
    Seconds,
    TraceEndpoint,
)


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


class EdgeSettings(Section):
    """`[edge]`: media delivery."""

    cache_bytes: Positive = 512 * 1024**2
    """Memory for hot byte ranges."""
    block_bytes: Positive = 1024**2
    """Size of a cached block."""
