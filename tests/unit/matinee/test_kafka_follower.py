"""In which order events come to whoever follows topics on Kafka."""

from collections.abc import Sequence

from aiokafka import ConsumerRecord, TopicPartition

from matinee.bus import Event
from matinee.cloud_events import headers_of
from matinee.kafka_bus.cluster import Cluster, connection
from matinee.kafka_bus.follower import merged
from matinee.kafka_bus.topics import Topics
from matinee.settings import EventSettings

TOPIC = "movie-played"
SETTINGS = EventSettings(url="kafka://127.0.0.1:9092", prefix="m.")


def event(time: float, key: str) -> Event:
    return Event(f"{key}-{time:g}", TOPIC, key, time, b"{}")


def fetched(*partitions: Sequence[Event]) -> list[tuple[str, float]]:
    """Key and time of each event, when these came out of the partitions of a topic."""
    found = {
        TopicPartition("m." + TOPIC, number): [
            ConsumerRecord("m." + TOPIC, number, offset, 0, 0, None, one.data, 0, 0, 0, headers_of(one))
            for offset, one in enumerate(events)
        ]
        for number, events in enumerate(partitions)
    }
    topics = Topics(SETTINGS, Cluster(connection(SETTINGS)))
    return [(one.key, one.time) for one in merged(found, topics)]


def test_events_of_several_partitions_come_in_the_order_of_their_times() -> None:
    assert fetched([event(1, "ada"), event(4, "ada")], [event(2, "bob"), event(3, "bob")]) == [
        ("ada", 1), ("bob", 2), ("bob", 3), ("ada", 4),
    ]  # fmt: skip


def test_events_of_one_key_keep_their_order_though_the_clock_was_set_back() -> None:
    times = [time for key, time in fetched([event(5, "ada"), event(4, "ada")], [event(1, "bob")]) if key == "ada"]
    assert times == [5, 4]
