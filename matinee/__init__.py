"""Matinee: a film goes in, a signed, adaptive, measured stream comes out."""

import os

__version__ = "0.1.0"

# Before anything imports gRPC: its own handlers of fork(), by which uvloop starts programs, crash some of them.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
