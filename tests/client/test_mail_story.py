"""Two devices with a mailbox through a random story of connections, restarts and faults: whatever
one of them put comes to the other, once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.client.mail_world import MailWorld, Person
from vaultrelay.client import Item

STEPS = (
    *("put", "put", "put", "put keyed", "receive", "take some", "take some"),
    *("join", "join", "off", "restart", "settle", "flush", "store away", "store back"),
)
STORIES = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 1)), min_size=10, max_size=40)


class Life:
    """A person's device, and what its application has put and stored."""

    def __init__(self, world: MailWorld, tag: bytes) -> None:
        self.world = world
        self.person: Person = world.person(tag)
        self.is_on = False
        self.put: list[bytes] = []
        self.keyed: list[bytes] = []
        self.received: list[bytes] = []

    def do(self, step: str, number: int) -> None:
        if step == "put":
            self.put.append(b"%d" % number)
            self.person.mailbox.put(self.put[-1])
        elif step == "put keyed":
            self.keyed.append(b"keyed %d" % number)
            self.person.mailbox.put(self.keyed[-1], key=self.person.tag * 2)
        elif step == "join" and not self.is_on:
            self.person.join()
            self.is_on = True
        elif step in ("off", "restart") and self.is_on:
            getattr(self.person, step)()
            self.is_on = False
        elif step in ("receive", "take some") and self.is_on:
            self.receive(is_all=step == "receive")

    def receive(self, *, is_all: bool) -> None:
        items = [event for event in self.person.events() if isinstance(event, Item)]
        for item in items if is_all else items[: len(items) // 2]:
            self.received.append(item.payload)
            self.person.mailbox.take(item)
        if not is_all:
            # The application stops before it has stored the rest.
            self.do("restart", 0)


@settings(max_examples=100, deadline=None)
@given(STORIES)
def test_what_one_device_puts_comes_to_the_other_once(steps: list[tuple[str, int]]) -> None:
    world = MailWorld()
    lives = [Life(world, b"device-a"), Life(world, b"device-b")]
    for life in lives:
        life.do("join", 0)
    world.settle()
    for number, (step, who) in enumerate(steps):
        if step == "settle":
            world.settle()
        elif step == "flush":
            world.network.flush()
        elif step == "store away":
            world.streams.store_left()
        elif step == "store back":
            world.streams.store_returned()
        else:
            lives[who].do(step, number)
    world.streams.store_returned()
    for life in lives:
        life.do("join", 0)
    for _ in range(3):
        for life in lives:
            life.receive(is_all=True)
    world.wait(90)
    for life, other in (lives, lives[::-1]):
        life.receive(is_all=True)
        assert life.person.mailbox.waiting == 0
        assert len(set(life.received)) == len(life.received)
        keyed = [payload for payload in life.received if payload.startswith(b"keyed")]
        plain = [payload for payload in life.received if not payload.startswith(b"keyed")]
        assert sorted(plain) == sorted(other.put)
        assert keyed[-1:] == other.keyed[-1:]
