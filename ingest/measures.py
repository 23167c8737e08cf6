"""What a worker measures; docs/operations.md says what each measure means."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from protos.v1.jobs_pb2 import JobStage

STAGE_SECONDS = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400)
OUTCOMES = ("published", "queued", "failed", "cancelled", "lost")
"""How an attempt ends: given back to the queue, for one; `lost` when the job was another's by then."""


class Measures:
    """The measures of one worker."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = registry or CollectorRegistry()
        self._attempts = Counter(
            "matinee_job_attempts_total", "Attempts at jobs that ended.", ["outcome"], registry=registry
        )
        self._stages = Histogram(
            "matinee_job_stage_duration_seconds",
            "Time that a stage of a job takes, if it comes to its end.",
            ["stage"],
            registry=registry,
            buckets=STAGE_SECONDS,
        )
        self._job = Gauge("matinee_worker_jobs", "Jobs that this worker is working on.", registry=registry)
        self._encodes = Gauge(
            "matinee_worker_encodes", "Pieces of films that are encoded side by side.", registry=registry
        )
        self.places = Gauge("matinee_worker_places", "Pieces that can be encoded side by side.", registry=registry)
        self._encode_seconds = Histogram(
            "matinee_worker_encode_duration_seconds",
            "Time that a piece of a film takes to be encoded and stored.",
            registry=registry,
            buckets=STAGE_SECONDS,
        )
        self._encoded_seconds = Counter(
            "matinee_worker_encoded_media_seconds_total", "Seconds of film or sound that were encoded.",
            registry=registry,
        )  # fmt: skip
        self.heartbeat_failures = Counter(
            "matinee_worker_heartbeat_failures_total", "Heartbeats that control did not take.", registry=registry
        )
        for outcome in OUTCOMES:
            self._attempts.labels(outcome)

    def attempted(self, outcome: str) -> None:
        """Note how an attempt ended."""
        self._attempts.labels(outcome).inc()

    @contextmanager
    def job(self) -> Iterator[None]:
        """What is done inside is the work on one job."""
        with self._job.track_inprogress():
            yield

    @contextmanager
    def stage(self, stage: "JobStage.ValueType") -> Iterator[None]:
        """What is done inside is a stage."""
        began = time.perf_counter()
        yield
        name = JobStage.Name(stage).removeprefix("JOB_STAGE_").lower()
        self._stages.labels(name).observe(time.perf_counter() - began)

    @contextmanager
    def encode(self, media_seconds: float) -> Iterator[None]:
        """What is done inside is the encoding of one piece."""
        began = time.perf_counter()
        with self._encodes.track_inprogress():
            yield
        self._encode_seconds.observe(time.perf_counter() - began)
        self._encoded_seconds.inc(media_seconds)
