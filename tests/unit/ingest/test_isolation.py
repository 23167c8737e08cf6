"""What a film makes of ffmpeg or of the probe reaches nobody."""

import socket
import sys

from ingest.ffmpeg import Ffmpeg, Limits
from ingest.isolation import is_offline

LIMITS = Limits(memory_bytes=4 * 1024**3, wall_seconds=30)
CALL = """
import socket
try:
    socket.create_connection(("127.0.0.1", {port}), timeout=5)
    print("heard")
except OSError as error:
    print(error.strerror)
"""


def test_a_child_reaches_a_listener_only_where_the_kernel_keeps_no_child_from_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        script = CALL.format(port=listener.getsockname()[1])
        said = Ffmpeg(sys.executable).run(["-I", "-c", script], LIMITS).data.decode().strip()
    assert (said == "heard") is not is_offline()
