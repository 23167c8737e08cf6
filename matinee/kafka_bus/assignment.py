"""Who of a consumer group gets which partitions."""

from collections.abc import Iterable, Mapping

from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

ALONE = b"matinee: alone"

Members = Mapping[str, ConsumerProtocolMemberMetadata]
Assignments = dict[str, ConsumerProtocolMemberAssignment]
Assignor = type[StickyPartitionAssignor]


class Shares(StickyPartitionAssignor):  # type: ignore[misc] # aiokafka has no types
    """Sticky assignment, but for a member that asks to be alone: it has everything until it leaves."""

    @classmethod
    def assign(cls, cluster: ClusterMetadata, members: Members) -> Assignments:
        """Share out all partitions."""
        alone = {member: about for member, about in members.items() if about.user_data == ALONE}
        first = dict([*alone.items()][:1])
        nothing = ConsumerProtocolMemberAssignment(cls.version, [], b"")
        assigned: Assignments = super().assign(cluster, first or members)
        return dict.fromkeys(members, nothing) | assigned


class Alone(Shares):
    """What a member has who asks to be alone."""

    @classmethod
    def metadata(cls, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """What is told to the member that shares out."""
        return ConsumerProtocolMemberMetadata(cls.version, list(topics), ALONE)


def shares() -> Assignor:
    """For one member: aiokafka keeps in the class what the member had before."""
    return type("Shares", (Shares,), {})


def alone() -> Assignor:
    """For one member that asks to be alone."""
    return type("Alone", (Alone,), {})
