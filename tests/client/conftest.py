"""A relay in memory, and two devices of one channel that have met on it."""

import pytest

from tests.client.world import World
from vaultrelay.client import Device


@pytest.fixture
def world() -> World:
    return World(node_name="relay-2")


@pytest.fixture
def pair(world: World) -> tuple[Device, Device]:
    first = world.join(b"device-a")
    second = world.join(b"device-b")
    world.next(first)
    return first, second
