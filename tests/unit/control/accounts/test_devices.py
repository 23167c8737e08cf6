"""What people call the device that somebody signs in from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.accounts.devices import COMMAND_LINE, LONGEST_DEVICE, device_name

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox on Linux"),
        (IPHONE, "Mobile Safari on iOS"),
        ("matinee/0.1.0", COMMAND_LINE),
        ("VLC/3.0.20 LibVLC/3.0.20", "VLC"),
        ("", ""),
        ("nothing known", ""),
    ],
)
def test_browser_and_system_name_a_device(agent: str, name: str) -> None:
    assert device_name(agent) == name


@given(st.text(max_size=2_000))
def test_whatever_is_told_the_name_is_short(agent: str) -> None:
    assert len(device_name(agent)) <= LONGEST_DEVICE
