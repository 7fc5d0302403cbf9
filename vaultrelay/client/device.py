"""Device: one device's session in a channel, on the client's side."""

import secrets
from functools import partial
from itertools import count

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint

from vaultrelay.client.connection import DeviceSocket
from vaultrelay.client.event_queue import EventQueue
from vaultrelay.client.events import Closed, Event
from vaultrelay.client.factory import DeviceSocketFactory
from vaultrelay.client.liveness import Liveness
from vaultrelay.client.mail_connection import MailConnection
from vaultrelay.client.mail_link import MailLink
from vaultrelay.client.mailbox import Mailbox
from vaultrelay.client.relay_endpoint import CONNECT_SECONDS, relay_endpoint
from vaultrelay.wire import proof
from vaultrelay.wire.announced import CHANNEL_DEVICES, Limits
from vaultrelay.wire.control.in_session import Joined, Keepalive, Left
from vaultrelay.wire.control.joining import Challenge, Hello, Welcome
from vaultrelay.wire.data import EVERYONE, NO_SESSION, pack_data
from vaultrelay.wire.relay_url import RelayUrl

CLIENT_NAME = "reference/1"
_U32 = 0xFFFFFFFF


class Device:
    """A joined device. `peers` maps session numbers to device tags and follows presence."""

    def __init__(
        self,
        socket: DeviceSocket,
        welcome: Welcome,
        clock: IReactorTime,
        mailbox: Mailbox | None = None,
    ) -> None:
        self.session = welcome.session
        self.limits: Limits = welcome.limits
        self.notice = welcome.notice
        self.node = welcome.node
        self.relay_version = socket.relay_version
        self.peers = {peer.session: peer.device for peer in welcome.peers}
        self._socket = socket
        self._events = EventQueue(socket)
        self._is_leaving = False
        self._closed: Closed | None = None
        self._ids = count(1)
        self._gone: Deferred[None] = Deferred()
        self._liveness = Liveness(socket, clock, welcome.ping_seconds)
        self._mail: MailConnection | None = None
        if mailbox is not None and welcome.mailbox is not None:
            link = MailLink(socket, welcome, welcome.mailbox, clock, self._ids, self._events.put)
            self._mail = MailConnection(mailbox, link)

    def send(self, payload: bytes, to: int = EVERYONE) -> int:
        """Send ciphertext to one peer or to all; return the id by which a Nack will name it.

        Queues without limit: `await room()` between large messages, and keep receiving meanwhile.
        Raises Closed if the connection is over or about to be, Autobahn's PayloadExceededError
        if the message is larger than `limits` allow, and ValueError if `to` is 0 or this device's
        own session.
        """
        self._check_open()
        if to in (self.session, NO_SESSION):
            raise ValueError(f"cannot send to session {to}: not a peer")
        id = next(self._ids) & _U32
        self._socket.send_data(pack_data(to, self.session, id, payload))
        return id

    def room(self) -> Deferred[None]:
        """Return a Deferred that fires when all earlier data is in transit."""
        return self._socket.room.wait()

    def keep_alive(self, ping_seconds: int) -> None:
        """Ask the relay for another ping interval. Raises Closed as `send` does."""
        self._check_open()
        self._liveness.request(ping_seconds)

    def probe(self) -> None:
        """End the connection unless the relay answers within PROBE_SECONDS: it may have died while
        the machine slept. Raises Closed as `send` does."""
        self._check_open()
        self._liveness.probe()

    @property
    def is_suspect(self) -> bool:
        """Whether a probe has no answer, or had none at the end of the connection."""
        return self._liveness.is_suspect

    @property
    def ping_seconds(self) -> int:
        """The interval in force: first the relay's own, then the requested one."""
        return self._liveness.ping_seconds

    @property
    def is_sending(self) -> bool:
        """Whether a part of the earlier data waits in this process."""
        return not self._socket.room.is_free

    @property
    def last_received_at(self) -> float:
        """The time of the last bytes from the relay, by the clock of the device."""
        return self._socket.last_received_at

    async def receive(self) -> Event:
        """Return the next event, in the order in which the relay sent them. Raises Closed after the
        last.

        A Keepalive is the relay's answer to `keep_alive`, with the interval now in force.
        Unreceived events slow the relay down (EventQueue).
        """
        if self._closed is not None and self._events.is_empty:
            raise self._closed
        event = await self._events.get()
        if isinstance(event, Closed):
            raise event
        return event

    def close(self) -> Deferred[None]:
        """Leave the channel; fires when the connection is gone. Later events are dropped."""
        self._is_leaving = True
        self._socket.resume_reading()
        self._socket.sendClose(1000)
        return self._gone

    def abort(self) -> None:
        """Cut the connection off, for a relay that does not answer a close."""
        self._socket.abort()

    def on_event(self, event: Event | Closed) -> None:
        """Take an event of the socket."""
        if self._is_leaving and not isinstance(event, Closed):
            return
        if self._mail is not None and self._mail.received(event):
            return
        if isinstance(event, Joined):
            self.peers[event.peer.session] = event.peer.device
            if len(self.peers) > CHANNEL_DEVICES[1]:
                self._socket.fail_protocol("more peers than a channel has devices")
                return
        elif isinstance(event, Left):
            self.peers.pop(event.session, None)
        elif isinstance(event, Keepalive):
            self._liveness.answered(event.ping_seconds)
        elif isinstance(event, Closed):
            self._closed = event
            self._liveness.stop()
            if self._mail is not None:
                self._mail.close()
            self._gone.callback(None)
        self._events.put(event)

    def _check_open(self) -> None:
        if self._closed is not None:
            raise self._closed
        if not self._socket.can_send:
            raise Closed(1006, "the connection is about to end")


async def connect(
    reactor: IReactorTime,
    url: str,
    channel_seed: bytes,
    device: bytes,
    trust_roots: bytes | None = None,
    endpoint: IStreamClientEndpoint | None = None,
    mailbox: Mailbox | None = None,
) -> Device:
    """Join the channel of this 32-byte Ed25519 seed, as the device with the 8-byte tag.

    `trust_roots` are certificates in PEM that replace those that the platform trusts; `endpoint`
    replaces TCP if they are given, and otherwise TCP and TLS. With a `mailbox` the device asks the
    relay for one, and works without it if it offers none. Raises ValueError for bad arguments,
    Refused, Closed, Twisted's ConnectError, TlsFailed (with TLS of an `endpoint`, its errors), and
    CancelledError without an answer after CONNECT_SECONDS.
    """
    relay = RelayUrl.read(url)
    channel = proof.channel_of(channel_seed)
    if len(device) != proof.DEVICE_BYTES:
        raise ValueError(f"a device tag has {proof.DEVICE_BYTES} bytes, not {len(device)}")

    endpoint, explain = relay_endpoint(reactor, relay, trust_roots, endpoint)
    early: list[Event | Closed] = []
    cursor = None if mailbox is None else mailbox.cursor
    answer = partial(_hello, channel_seed, channel, device, relay.host, cursor)
    socket = DeviceSocket(
        reactor, answer, early.append, explain=explain, wants_mailbox=mailbox is not None
    )
    address = f"{relay.scheme}://{relay.authority}{relay.path}{relay.query}"
    factory = DeviceSocketFactory(reactor, address, relay.authorization, channel, socket)
    welcome = await _welcome(reactor, endpoint, factory, socket)
    joined = Device(socket, welcome, reactor, mailbox)
    socket.on_event = joined.on_event
    for event in early:
        joined.on_event(event)
    return joined


async def _welcome(
    reactor: IReactorTime,
    endpoint: IStreamClientEndpoint,
    factory: DeviceSocketFactory,
    socket: DeviceSocket,
) -> Welcome:
    """Return the relay's welcome. Without one, no connection is left."""
    deadline = reactor.callLater(CONNECT_SECONDS, socket.welcomed.cancel)
    try:
        await endpoint.connect(factory)
        return await socket.welcomed
    except BaseException:
        socket.abort()
        raise
    finally:
        if deadline.active():
            deadline.cancel()


def _hello(
    seed: bytes,
    channel: bytes,
    device: bytes,
    host: str,
    cursor: bytes | None,
    challenge: Challenge,
) -> bytes:
    """Return the answer to a challenge."""
    nonce = secrets.token_bytes(proof.DEVICE_NONCE_BYTES)
    body = proof.join_body(challenge.nonce, nonce, channel, device, host)
    signature = proof.sign_join(seed, body)
    return Hello(channel, device, nonce, host, signature, CLIENT_NAME, cursor).encode()
