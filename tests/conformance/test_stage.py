"""A client of a case: when waiting for it is hopeless."""

from vaultrelay.conformance.stage import Client


def test_the_end_of_an_earlier_connection_says_nothing_of_the_next_one() -> None:
    client = Client("case/a", bytes(32), bytes(8))
    assert not client.has_ended
    client.events.append({"event": "ended"})
    assert client.has_ended
    client.may_end = True
    assert not client.has_ended
