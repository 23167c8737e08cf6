"""The way of a film: how it comes in, what is taken, and what is made of it, and where."""

from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from matinee.settings.section import Section
from matinee.settings.values import (
    ExecutorUrl,
    Lines,
    MailAddress,
    PlanId,
    Positive,
    Preset,
    Seconds,
)


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
