"""Mail: what a case knows of a client's mailbox."""

from dataclasses import dataclass, field

from vaultrelay.conformance.relay_connection import RelayConnection
from vaultrelay.wire.mailbox import Put


@dataclass
class Mail:
    """The mailbox of one client.

    `puts` are those that it was told to make, each with its last `id` on the wire. `ids` are those
    that came over `connection`.
    """

    puts: list[Put] = field(default_factory=list)
    must_synchronize: bool = False
    connection: RelayConnection | None = None
    ids: set[int] = field(default_factory=set)
