"""Runs a program on a leash: as `python -I -S leash.py PARENT NICE MEMORY FILE_SIZE CPU_SECONDS PROGRAM ARGUMENT…`.

It becomes the program, niced, within limits, in a session of its own, without a network where the kernel allows that,
and bound to die with its parent, so that a killed worker leaves nothing running. A small program of its own, because
code between fork and exec in a process with threads may deadlock. It imports only the standard library.
"""

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h
NO_NETWORK = CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWNET | CLONE_NEWUSER
"""A namespace with nothing in it (network_namespaces(7)). Root stays root, who may read what others own."""
LIMITS = (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU)


def main(parent: int, niceness: int, limits: list[int], program: list[str]) -> None:
    """Set everything up and become the program."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.unshare(NO_NETWORK)  # what comes of it, `ingest.isolation` tells
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we were bound to it
        sys.exit(1)
    os.nice(niceness)
    for kind, limit in zip(LIMITS, limits, strict=True):
        _, most = resource.getrlimit(kind)
        allowed = limit if most == resource.RLIM_INFINITY else min(limit, most)
        resource.setrlimit(kind, (allowed, allowed))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.execv(program[0], program)  # noqa: S606  (an argument list, and no shell)


if __name__ == "__main__":
    parent, niceness, *limits = map(int, sys.argv[1:6])
    main(parent, niceness, limits, sys.argv[6:])
