"""How many connections an address may hold, and which addresses are one."""

import pytest

from edge.peers import Peers
from matinee.settings import load_settings


def peers(*trusted: str) -> Peers:
    http = {"connections_per_address": 2, "trusted_proxies": trusted} if trusted else {"connections_per_address": 2}
    return Peers(load_settings(http=http).http)


def test_an_address_that_has_enough_gets_no_more_until_one_ends() -> None:
    crowd = peers()
    assert [crowd.arrive("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert crowd.arrive("192.0.2.2")
    crowd.leave("192.0.2.1")
    crowd.leave("192.0.2.1")
    assert crowd.arrive("192.0.2.1")


@pytest.mark.parametrize(
    ("one", "other"),
    [("2001:db8::1", "2001:db8::ffff:1"), ("192.0.2.1", "::ffff:192.0.2.1"), ("fe80::1%eth0", "fe80::2%eth0")],
)
def test_addresses_within_one_hand_count_together(one: str, other: str) -> None:
    crowd = peers()
    assert [crowd.arrive(address) for address in (one, other, one)] == [True, True, False]


@pytest.mark.parametrize(
    ("one", "other"), [("2001:db8::1", "2001:db8:0:1::1"), ("::ffff:192.0.2.1", "::ffff:192.0.2.2")]
)
def test_others_do_not(one: str, other: str) -> None:
    crowd = peers()
    assert [crowd.arrive(address) for address in (one, one, other)] == [True, True, True]


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"])
def test_a_proxy_on_this_machine_is_not_limited(address: str) -> None:
    crowd = peers()
    assert all(crowd.arrive(address) for _ in range(10))


@pytest.mark.parametrize("address", ["192.0.2.7", "198.51.100.200", "2001:db8::7"])
def test_nor_is_one_that_is_named(address: str) -> None:
    crowd = peers("192.0.2.7", "198.51.100.0/24", "2001:db8::7")
    assert all(crowd.arrive(address) for _ in range(10))


def test_naming_others_takes_the_exemption_from_this_machine() -> None:
    crowd = peers("192.0.2.7")
    assert [crowd.arrive("127.0.0.1") for _ in range(3)] == [True, True, False]


def test_who_has_left_is_forgotten() -> None:
    crowd = peers()
    for number in range(100):
        crowd.arrive(f"192.0.2.{number}")
        crowd.leave(f"192.0.2.{number}")
    assert not crowd._held
