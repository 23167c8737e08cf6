"""Fetches the jars of Apache Kafka into build/kafka, as the lock file pins them: `python -m tests.services.kafka_jars`.

`--lock` resolves them anew and writes the lock file.
"""

import hashlib
import shutil
import sys
from pathlib import Path

from jgo.maven import MavenContext

from tests.stack import ROOT

KAFKA = "org.apache.kafka:kafka_2.13:4.3.0"
TOOLS = "org.apache.kafka:kafka-tools:4.3.0"
"""What people use at a command line; most of what it needs is of Kafka Connect, and not needed here."""
LOCK = Path(__file__).with_name("kafka.lock")
"""A line for each jar: its SHA-256 and its Maven coordinates."""
FOLDER = ROOT / "build" / "kafka"
DOWNLOAD_SECONDS = 60


def class_path() -> str:
    """Every jar, for Java. Raises `FileNotFoundError` when they have not been fetched."""
    jars = sorted(FOLDER.glob("*.jar"))
    if not jars:
        raise FileNotFoundError("the jars of Kafka are not there: `make build/kafka/.installed` fetches them")
    return ":".join(map(str, jars))


def fetch() -> None:
    """Download every jar. Raises `ValueError` for one that is not what the lock file says."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    maven = MavenContext(repo_cache=FOLDER / "maven", timeout=DOWNLOAD_SECONDS)
    for line in LOCK.read_text().splitlines():
        digest, coordinates = line.split()
        jar = maven.create_dependency(coordinates).artifact.resolve()
        if sha256(jar) != digest:
            raise ValueError(f"{coordinates} is not the jar that {LOCK.name} pins")
        jar.replace(FOLDER / jar.name)


def lock() -> None:
    """Resolve Kafka and what it needs, and write the lock file."""
    maven = MavenContext(repo_cache=FOLDER / "maven", timeout=DOWNLOAD_SECONDS)
    root = maven.create_dependency(KAFKA)
    _, needed = maven.resolver.resolve([root])
    jars = [root, *needed, maven.create_dependency(TOOLS)]
    pinned = {f"{one.groupId}:{one.artifactId}:{one.version}": one.artifact.resolve() for one in jars}
    LOCK.write_text("".join(f"{sha256(jar)}  {coordinates}\n" for coordinates, jar in sorted(pinned.items())))


def sha256(path: Path) -> str:
    """The digest of a file, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    lock() if "--lock" in sys.argv else fetch()
