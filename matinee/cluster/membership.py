"""The certificates by which a process is a member of a cluster, and the one that the scheduler shows it.

The scheduler is a program of Dask's, which has no measures of ours: so its peers tell when its certificate expires.
"""

import asyncio
import ssl
from functools import partial

import structlog
from distributed.comm.core import Comm

from matinee.certificates import AUTHORITY, CHAIN, in_files
from matinee.cluster.connection import has_tls
from matinee.settings import Settings
from matinee.telemetry.expiries import Expiries

SCHEDULER = "worker.executor"

log = structlog.get_logger()


class Membership:
    """What is in use since the cluster was entered last: Dask reads its files whenever it connects anew."""

    def __init__(self, settings: Settings, expiries: Expiries | None) -> None:
        self._settings = settings
        self._ends: dict[str, float] = {}
        if expiries and has_tls(settings):
            for setting in ("cluster.certificate_file", "cluster.ca_file", SCHEDULER):
                expiries.show(setting, partial(self._ends.get, setting))

    async def entered(self, scheduler: Comm | None) -> None:
        """Note what is in use from now on, on a connection to the scheduler."""
        if scheduler is None or not has_tls(self._settings):
            return
        self._ends[SCHEDULER] = ssl.cert_time_to_seconds(scheduler.extra_info["peercert"]["notAfter"])
        try:
            self._ends |= await asyncio.to_thread(self._own)
        except (OSError, ValueError) as error:  # they may be half written by now; the next connection tells
            log.warning("when the certificates of the cluster expire cannot be read", reason=str(error))

    def _own(self) -> dict[str, float]:
        cluster = self._settings.cluster
        ends = in_files(cluster.certificate_file, cluster.ca_file).ends()
        return {"cluster.certificate_file": ends[CHAIN].timestamp(), "cluster.ca_file": ends[AUTHORITY].timestamp()}
