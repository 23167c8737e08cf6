"""What the event bus does on Kafka alone."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, cast

import pytest
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code
from prometheus_client import CollectorRegistry

from control.database import Connection
from control.events.consumer import Consumer
from control.identifiers import new_id
from control.samples import Samples
from matinee.bus import Event, EventBus, Subscription, Undelivered
from matinee.cloud_events import headers_of
from matinee.errors import InvalidInput, Unavailable
from matinee.kafka_bus import member
from matinee.kafka_bus.bus import KafkaBus, open_kafka_bus
from matinee.settings import EventSettings
from protos.v1.events_pb2 import MoviePlayed
from tests.patience import until
from tests.ports import free_port
from tests.services.kafka import PASSWORD, USER, Broker, administrator

pytestmark = pytest.mark.anyio

TOPIC = "movie-played"


def event(number: int, *, size: int = 10, key: str = "ada") -> Event:
    return Event(f"{number:026}", TOPIC, key, 1_700_000_000.0 + number, bytes(size))


@pytest.fixture
def prefix() -> str:
    return f"{new_id(time.time)}."


@pytest.fixture
async def bus(broker: Broker, prefix: str, anyio_backend: str) -> AsyncIterator[KafkaBus]:
    async with open_kafka_bus(EventSettings(url=broker.url, prefix=prefix)) as bus:
        yield bus


async def partitions(broker: Broker, name: str) -> int:
    async with administrator(broker) as admin:
        [described] = await admin.describe_topics([name])
    return len(described["partitions"])


async def configuration(broker: Broker, name: str) -> Mapping[str, str]:
    async with administrator(broker) as admin:
        [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    [(_, _, _, _, entries)] = answer.resources
    return {entry[0]: entry[1] for entry in entries}


async def first(bus: EventBus) -> list[Event]:
    async with bus.subscribe("history", [TOPIC]) as subscription:
        return list(await subscription.take(1))


async def test_a_record_is_a_cloud_event_in_binary_mode(broker: Broker, bus: KafkaBus, prefix: str) -> None:
    await bus.publish([event(1)])
    consumer = AIOKafkaConsumer(prefix + TOPIC, bootstrap_servers=broker.address, auto_offset_reset="earliest")
    async with consumer:
        record = await consumer.getone()
    assert (record.key, record.value) == (b"ada", bytes(10))
    assert list(record.headers) == headers_of(event(1))
    assert record.timestamp == event(1).time * 1_000


async def test_a_topic_is_made_as_the_settings_say(broker: Broker, prefix: str) -> None:
    settings = EventSettings(url=broker.url, prefix=prefix, partitions=3, retention_days=2, max_bytes=12 * 1024**2)
    async with open_kafka_bus(settings) as bus:
        await bus.publish([event(1)])
    assert await partitions(broker, prefix + TOPIC) == 3
    found = await configuration(broker, prefix + TOPIC)
    assert found["retention.ms"] == str(2 * 86_400_000)
    assert (found["retention.bytes"], found["segment.bytes"]) == (str(4 * 1024**2), str(1024**2))


async def test_a_topic_gets_more_partitions_but_never_fewer(broker: Broker, prefix: str) -> None:
    for wanted, there in ((2, 2), (4, 4), (3, 4)):
        async with open_kafka_bus(EventSettings(url=broker.url, prefix=prefix, partitions=wanted)) as bus:
            await bus.publish([event(1)])
        assert await partitions(broker, prefix + TOPIC) == there


@pytest.fixture
def attentive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Members look for changes of their topics often."""
    monkeypatch.setattr(member, "METADATA_SECONDS", 0.5)


@pytest.mark.usefixtures("attentive")
async def test_a_member_at_work_takes_from_partitions_that_are_added(broker: Broker, prefix: str) -> None:
    one, four = (EventSettings(url=broker.url, prefix=prefix, partitions=count) for count in (1, 4))
    async with open_kafka_bus(one) as bus, open_kafka_bus(four) as grown, bus.subscribe("history", [TOPIC]) as share:
        await grown.publish([event(number, key=f"account {number}") for number in range(20)])
        assert await taken(share, 20) == set(range(20))


@pytest.mark.usefixtures("attentive")
async def test_a_member_at_work_goes_on_with_a_topic_that_was_removed_and_made_anew(
    broker: Broker, bus: KafkaBus, prefix: str
) -> None:
    await bus.publish([event(1)])
    async with bus.subscribe("history", [TOPIC]) as share:
        await taken(share, 1)
        await share.commit()
        async with administrator(broker) as admin:
            await admin.delete_topics([prefix + TOPIC])
        async with open_kafka_bus(EventSettings(url=broker.url, prefix=prefix)) as other:
            await until(lambda: published(other, event(2)))
        assert 2 in await taken(share, 1)


async def published(bus: KafkaBus, one: Event) -> bool:
    """Whether the bus took an event: a topic takes a moment to go."""
    with suppress(Unavailable):
        await bus.publish([one])
        return True
    return False


async def taken(subscription: Subscription, count: int) -> set[int]:
    """The numbers of the next events."""
    found = set[int]()
    while len(found) < count:
        found |= {int(one.event_id) for one in await subscription.take(100)}
    return found


async def test_a_record_of_somebody_else_is_passed_over(broker: Broker, bus: KafkaBus, prefix: str) -> None:
    await bus.publish([event(1, key="")])
    async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
        for foreign in ({"value": b"no event"}, {"key": b"k"}, {"value": b"", "headers": [("ce_id", None)]}):
            await producer.send_and_wait(prefix + TOPIC, **foreign)
    await bus.publish([event(2, key="")])
    async with bus.subscribe("history", [TOPIC]) as subscription:
        found: list[Event] = []
        while len(found) < 2:
            found += await subscription.take(10)
    assert found == [event(1, key=""), event(2, key="")]


async def test_an_event_of_a_clock_that_is_ahead_is_taken(bus: KafkaBus) -> None:
    ahead = event(1)._replace(time=4_000_000_000.0)
    await bus.publish([ahead])
    assert await first(bus) == [ahead]


async def test_events_that_went_before_a_group_took_them_are_told_and_counted(broker: Broker, prefix: str) -> None:
    lane = TopicPartition(prefix + TOPIC, 0)
    async with open_kafka_bus(EventSettings(url=broker.url, prefix=prefix, partitions=1)) as bus:
        await bus.publish([event(number) for number in range(10)])
        async with bus.subscribe("history", [TOPIC]) as subscription:
            await subscription.take(3)
            await subscription.commit()
        async with administrator(broker) as admin:
            await admin.delete_records({lane: RecordsToDelete(before_offset=7)})  # as retention does, in its time
        with structlog.testing.capture_logs() as told:
            async with bus.subscribe("history", [TOPIC]) as subscription:
                assert await taken(subscription, 3) == {7, 8, 9}
            async with bus.subscribe("new", [TOPIC]) as subscription:
                assert await taken(subscription, 3) == {7, 8, 9}
    [line] = [line for line in told if "retention" in line["event"]]
    wanted = {"group": "history", "topic": TOPIC, "partition": 0, "first": 3, "last": 6, "events": 4}
    assert wanted.items() <= line.items()
    assert (bus.gaps.events("history", TOPIC), bus.gaps.events("new", TOPIC)) == (4, 0)


async def test_positions_that_hold_no_event_are_no_gap(broker: Broker, bus: KafkaBus, prefix: str) -> None:
    """A transaction of somebody else leaves a marker behind."""
    await bus.publish([event(1)])
    settings = {"bootstrap_servers": broker.address, "transactional_id": prefix}
    async with AIOKafkaProducer(**settings) as producer, producer.transaction():
        await producer.send_and_wait(prefix + TOPIC, b"{}", key=b"ada", headers=headers_of(event(2)))
    async with bus.subscribe("history", [TOPIC]) as subscription:
        assert await taken(subscription, 2) == {1, 2}
        await bus.publish([event(3)])
        assert await taken(subscription, 1) == {3}
    assert bus.gaps.events("history", TOPIC) == 0


async def test_events_larger_than_a_batch_are_kept(bus: KafkaBus) -> None:
    large = [event(number, size=400_000) for number in range(5)]
    await bus.publish(large)
    async with bus.subscribe("history", [TOPIC]) as subscription:
        found: list[Event] = []
        while len(found) < 5:
            found += await subscription.take(10)
    assert found == large


async def test_an_event_that_the_broker_does_not_take_is_refused_and_the_others_go(bus: KafkaBus) -> None:
    events = [event(number, size=3 * 1024**2 if number in {1, 2} else 10) for number in range(5)]
    with pytest.raises(Undelivered, match="maximum message size") as refusal:
        await bus.publish(events)
    assert refusal.value.kept == {event(number).event_id for number in (0, 3, 4)}
    assert refusal.value.refused.keys() == {event(number).event_id for number in (1, 2)}
    async with bus.subscribe("history", [TOPIC]) as subscription:
        assert await taken(subscription, 3) == {0, 3, 4}


async def test_the_broker_refuses_a_batch_and_only_the_event_that_is_why_stays(broker: Broker, prefix: str) -> None:
    async with administrator(broker) as admin:
        old = {"message.timestamp.before.max.ms": "1000"}
        await admin.create_topics([NewTopic(prefix + TOPIC, 1, 1, topic_configs=old)])
    now = [event(number)._replace(time=time.time()) for number in range(30)]
    late = [now[10]._replace(time=1.0), now[20]._replace(time=1.0)]
    mixed = [*now[:10], late[0], *now[11:20], late[1], *now[21:]]
    async with open_kafka_bus(EventSettings(url=broker.url, prefix=prefix, partitions=1)) as bus:
        with pytest.raises(Undelivered, match="timestamp") as refusal:
            await bus.publish(mixed)
        assert refusal.value.refused.keys() == {one.event_id for one in late}
        assert len(refusal.value.kept) == 28
        async with bus.subscribe("history", [TOPIC]) as subscription:
            found: list[Event] = []
            while len(found) < 28:
                found += await subscription.take(100)
    assert [one.event_id for one in found] == [one.event_id for one in mixed if one not in late]


async def test_an_accident_inside_the_broker_refuses_nothing_for_good(
    bus: KafkaBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bus.publish([event(1)])
    for code, is_refused in ((-1, False), (87, True)):
        with monkeypatch.context() as broken:
            broken.setattr(AIOKafkaProducer, "send_batch", answering(code))
            with pytest.raises(Unavailable) as failure:
                await bus.publish([event(2)])
        assert isinstance(failure.value, Undelivered) is is_refused
    await bus.publish([event(2)])
    async with bus.subscribe("history", [TOPIC]) as subscription:
        assert await taken(subscription, 2) == {1, 2}


def answering(code: int) -> Callable[..., Awaitable["asyncio.Future[None]"]]:
    """What becomes of a batch to which the broker answers with an error that the client does not try again."""

    async def send_batch(*_: object, **__: object) -> "asyncio.Future[None]":
        sent = asyncio.get_running_loop().create_future()
        sent.set_exception(for_code(code)())
        return sent

    return send_batch


async def test_where_a_topic_takes_nothing_the_others_do(bus: KafkaBus) -> None:
    closed = event(1)._replace(topic="no such name")
    with pytest.raises(Undelivered, match="invalid topic") as refusal:
        await bus.publish([closed, event(2)])
    assert (refusal.value.kept, refusal.value.refused) == ({event(2).event_id}, {})
    assert refusal.value.closed.keys() == {"no such name"}
    assert await first(bus) == [event(2)]


async def test_that_a_topic_takes_nothing_is_told_though_no_other_goes(
    bus: KafkaBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bus.publish([event(1)])
    monkeypatch.setattr(AIOKafkaProducer, "send_batch", answering(-1))
    with pytest.raises(Undelivered) as refusal:
        await bus.publish([event(1)._replace(topic="no such name"), event(2)])
    assert (refusal.value.kept, refusal.value.refused) == (set(), {})
    assert refusal.value.closed.keys() == {"no such name"}


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_events_travel_over_tls_by_whoever_proves_who_they_are(
    broker: Broker, prefix: str, mechanism: Any
) -> None:
    async with open_kafka_bus(secure(broker, prefix, sasl_mechanism=mechanism)) as bus:
        await bus.publish([event(1)])
        assert await first(bus) == [event(1)]


async def test_events_travel_to_a_broker_that_asks_for_our_certificate(broker: Broker, prefix: str) -> None:
    trusted, ours = str(broker.certificate), str(broker.key_pair)
    settings = EventSettings(url=broker.mutual_url, prefix=prefix, ca_file=trusted, certificate_file=ours)
    async with open_kafka_bus(settings) as bus:
        await bus.publish([event(1)])
        assert await first(bus) == [event(1)]


async def test_who_shows_no_certificate_there_is_told_so(broker: Broker, prefix: str) -> None:
    settings = EventSettings(url=broker.mutual_url, prefix=prefix, ca_file=str(broker.certificate))
    async with open_kafka_bus(settings) as bus:
        with pytest.raises(Unavailable, match=r"TLS|certificate"):
            await bus.publish([event(1)])


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_whose_password_is_wrong_is_told_so(broker: Broker, prefix: str, mechanism: Any) -> None:
    async with open_kafka_bus(secure(broker, prefix, password="wrong", sasl_mechanism=mechanism)) as bus:
        with pytest.raises(Unavailable, match=r"does not take events\.username with events\.password"):
            await bus.publish([event(1)])


async def test_who_does_not_know_the_authority_of_the_broker_is_told_so(broker: Broker, prefix: str) -> None:
    async with open_kafka_bus(secure(broker, prefix, ca_file="")) as bus:
        with pytest.raises(Unavailable, match=r"is not who events\.ca_file vouches for: self-signed certificate"):
            await bus.check()


async def test_who_speaks_without_tls_where_it_is_asked_for_is_told_so(broker: Broker, prefix: str) -> None:
    settings = EventSettings(url=broker.secure_url.replace("kafka+ssl", "kafka"), prefix=prefix)
    async with open_kafka_bus(settings) as bus:
        with pytest.raises(Unavailable, match="hangs up: it may want TLS"):
            await bus.check()


async def test_who_speaks_tls_where_nobody_does_is_told_so(broker: Broker, prefix: str) -> None:
    async with open_kafka_bus(EventSettings(url=broker.url.replace("kafka", "kafka+ssl"), prefix=prefix)) as bus:
        with pytest.raises(Unavailable, match=r"TLS|cannot be reached"):
            await bus.check()


def secure(broker: Broker, prefix: str, **changes: Any) -> EventSettings:
    access = {"username": USER, "password": PASSWORD, "ca_file": str(broker.certificate)}
    return EventSettings(url=broker.secure_url, prefix=prefix, **(access | changes))


def doors(broker: Broker) -> set[str]:
    """The ports from which somebody is connected to a broker (proc_pid_net(5))."""
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    return {own for _, own, other, state, *_ in rows if state == "01" and other.endswith(f":{broker.port:04X}")}


async def test_how_far_groups_are_behind_is_looked_up_over_connections_that_stay(broker: Broker, prefix: str) -> None:
    others = doors(broker)
    async with open_kafka_bus(EventSettings(url=broker.url, prefix=prefix)) as bus:
        await bus.publish([event(1)])
        groups = {f"group-{number}": [TOPIC] for number in range(5)}
        await bus.lag(groups)
        connected = doors(broker)
        for _ in range(3):
            await bus.lag(groups)
            await bus.check()
        assert doors(broker) <= connected
    await until(lambda: doors(broker) <= others)  # a connection closes a turn of the loop later


async def test_the_measure_of_lag_says_how_far_each_group_is_behind(bus: KafkaBus) -> None:
    registry = CollectorRegistry()
    samples = Samples(cast("Any", None), bus, time.time, registry, idle_seconds=60)
    consumers = [Consumer(group, {MoviePlayed: nothing}) for group in ("history", "popularity")]
    await bus.publish([event(number) for number in range(5)])
    async with bus.subscribe("history", [TOPIC]) as subscription:
        assert len(await subscription.take(2)) == 2
        await subscription.commit()
        await samples.look_at_lag(consumers)
    of_topic = {"topic": TOPIC}
    assert registry.get_sample_value("matinee_consumer_lag_events", {"group": "history", **of_topic}) == 3
    assert registry.get_sample_value("matinee_consumer_lag_events", {"group": "popularity", **of_topic}) == 5


async def nothing(_: Connection, __: MoviePlayed) -> None:
    pass


async def test_certificates_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="certificates"):
        async with open_kafka_bus(EventSettings(url="kafka+ssl://127.0.0.1:9", ca_file=str(tmp_path / "none.pem"))):
            pass


async def test_without_a_broker_everything_is_unavailable() -> None:
    async with open_kafka_bus(EventSettings(url=f"kafka://127.0.0.1:{free_port('127.0.0.1')}")) as bus:
        with pytest.raises(Unavailable, match=r"^Kafka is not available .* cannot be reached: Connection refused"):
            await bus.publish([event(1)])
        with pytest.raises(Unavailable):
            await first(bus)
        with pytest.raises(Unavailable):
            await anext(aiter(bus.follow([TOPIC])))
        with pytest.raises(Unavailable):
            await bus.lag({"history": [TOPIC]})
        with pytest.raises(Unavailable):
            await bus.rewind("history", [TOPIC])


async def test_who_goes_on_from_a_time_passes_by_what_came_later_with_an_older_one(bus: KafkaBus) -> None:
    """So what is written late has the time of its writing: news of a history, and dead letters."""
    seen, late, soon = event(10_000, key="ada"), event(1, key="bob"), event(10_001, key="bob")
    await bus.publish([seen, late])
    following = bus.follow([TOPIC], since=seen.time - 60)
    async with aclosing(cast("Any", following)) as events:
        first = await anext(events)
        await bus.publish([soon])
        assert [first, await anext(events)] == [seen, soon]
