"""Attack: fill a relay, or its pending connections, from many networks of one line or site."""

from collections import Counter
from http import HTTPStatus

import pytest

from tests.process.processes import running_relay
from tests.security.clients import BEHIND_PROXY, Crowd
from vaultrelay.policy.limits.networks import (
    LINE_FACTOR,
    MIN_PER_ADDRESS,
    SHARE_PER_ADDRESS,
    SITE_FACTOR,
)
from vaultrelay.policy.limits.pending import PENDING_PER_ADDRESS

PLACES = 200
LINE = int(PLACES * LINE_FACTOR / SHARE_PER_ADDRESS)
SITE = int(PLACES * SITE_FACTOR / SHARE_PER_ADDRESS)
NETWORKS = 4
HONEST = "203.0.113.1"
SHAPES = {
    "a line of IPv6": ("2001:db8:1:1{:02x}::1", LINE),
    "a site of IPv6": ("2001:db8:1:{:x}00::1", SITE),
    "a network of IPv4": ("198.51.100.{}", SITE),
    "IPv4 wrapped in IPv6": ("::ffff:198.51.100.{}", SITE),
    "NAT64": ("64:ff9b::198.51.100.{}", SITE),
    "one 6to4 gateway": ("2002:c633:6401:{:x}::1", MIN_PER_ADDRESS),
    "one Teredo client": ("2001:0:5100:{:x}::39cc:9bfe", MIN_PER_ADDRESS),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_nobody_fills_the_relay_from_networks_of_one_owner(shape: str) -> None:
    address, share = SHAPES[shape]
    with (
        running_relay("--max-connections", str(PLACES), *BEHIND_PROXY) as relay,
        Crowd(relay.port) as crowd,
    ):
        answers = Counter(
            crowd.join(number, number, proxied=address.format(number % NETWORKS + 1))
            for number in range(PLACES)
        )
        assert answers == {"welcome": share, "429": PLACES - share}
        assert crowd.join(PLACES, 1, proxied=HONEST) == "welcome"


def test_nobody_fills_the_front_door_from_networks_of_one_line() -> None:
    with running_relay(*BEHIND_PROXY) as relay, Crowd(relay.port) as crowd:
        waiting = [
            crowd.dial(proxied=f"2001:db8:1:1{number % NETWORKS:02x}::1")
            for number in range(NETWORKS * PENDING_PER_ADDRESS)
        ]
        answers = Counter(client.upgrade(None) for client in reversed(waiting))
    maximum = int(PENDING_PER_ADDRESS * LINE_FACTOR)
    assert answers == {
        HTTPStatus.SWITCHING_PROTOCOLS: maximum,
        HTTPStatus.TOO_MANY_REQUESTS: len(waiting) - maximum,
    }
