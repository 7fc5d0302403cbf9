"""AdminService: the admin endpoint, its front door, and the sampling behind its plots."""

import re
from typing import TYPE_CHECKING, Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred

from vaultrelay.cluster.answer import NodeAnswer
from vaultrelay.logs import RelayLog
from vaultrelay.observe.figures import CURVES, Figures
from vaultrelay.observe.meter import Meter, Relay
from vaultrelay.observe.sampler import Sampler
from vaultrelay.policy.addresses import read_address
from vaultrelay.policy.audience import canonical_host
from vaultrelay.policy.limits import ADMIN_CONNECTIONS
from vaultrelay.transport.endpoint_string import read_endpoint
from vaultrelay.transport.front_door import FrontDoorFactory
from vaultrelay.transport.handover import Handover
from vaultrelay.transport.hub import Hub
from vaultrelay.transport.listen import ListeningService, shown
from vaultrelay.transport.pending import PendingConnections
from vaultrelay.transport.visitors import Visitor
from vaultrelay.web.admin_pages import make_admin_site
from vaultrelay.web.leaf import page_head
from vaultrelay.wire.refusal import Refusal, bad_request
from vaultrelay.wire.request import Request

if TYPE_CHECKING:
    from vaultrelay.app.node_poll import NodePoll

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:%]+))(?::[0-9]*)?")
"""The whole of a Host header: nothing may follow an address in brackets, a zone or a port."""


class AdminService(MultiService):
    """Listens where `settings.admin` says; its connections count in none of the relay's figures.

    Raises BadEndpoint and CannotListen as the relay does.
    """

    host_refused = False
    """Whether it was asked for by a name that is not its own, which a scraper may log nowhere."""

    _poll: "NodePoll | None" = None

    def __init__(self, relay: Relay, hub: Hub, *, log: RelayLog) -> None:
        super().__init__()
        self._log = log
        reactor = hub.reactor
        self._relay = relay
        self._where = ""
        self._meter = Meter(relay)
        self.sampler = Sampler(reactor, self._meter.totals)
        self._reactor = reactor
        self._site = make_admin_site(self, log=log)
        waiting = PendingConnections(reactor, ADMIN_CONNECTIONS)
        self.door = FrontDoorFactory(reactor, self.route, waiting=waiting, log=log)
        text = relay.settings.admin
        listening = read_endpoint(reactor, text, on_loopback=True)
        self.listener = ListeningService(text, listening, self.door, waiting, hub)
        self.listener.setServiceParent(self)

    def startService(self) -> None:
        super().startService()
        self._where = self._relay.where()
        self.sampler.start()

    def tell(self) -> None:
        """One line that says where it is."""
        port: Any = self.listener.port
        self._log.info(
            "Status page and metrics: {text} ({port})", text=self.listener.text, port=shown(port)
        )

    def stopService(self) -> object:
        self.sampler.stop()
        return super().stopService()

    def route(self, request: Request, visitor: Visitor) -> Handover:
        """Who serves a request: the admin pages, and nobody serves a device."""
        if request.wants_websocket:
            raise bad_request(
                "This is the relay's admin endpoint. Devices connect to its own port."
            )
        if not self._is_own_host(request):
            self.host_refused = True
            raise Refusal(
                421,
                "host_not_allowed",
                "The admin endpoint answers to localhost, IP addresses and the names of "
                "--admin-host. To ask it by this name, add --admin-host with it to the options of "
                "the relay.",
            )
        site = self._site.buildProtocol(visitor.address)
        return Handover(site, page_head(request), lasting=False)

    def _is_own_host(self, request: Request) -> bool:
        """Whether a page was asked for by a name of the operator's.

        Else a website could lead its visitor's browser here, by a name of its own that resolves to
        the relay's address (DNS rebinding), and read the page. A browser always names a host.
        """
        host = request.header("host")
        if host is None:
            return True
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = found[1] or found[2]
        if name.lower() == "localhost" or read_address(name) is not None:
            return True
        try:
            return canonical_host(name) in self._relay.settings.admin_hosts
        except ValueError:
            return False

    # What the pages ask for.

    def figures(self) -> Figures:
        """This moment."""
        return self._meter.figures(self.sampler.lag_seconds)

    def curves(self) -> dict[str, list[float]]:
        """The last hour."""
        return {name: self.sampler.history.curve(name) for name in CURVES}

    def options(self) -> dict[str, object]:
        """The options in force, for people."""
        return {"listens on": self._where, **self._relay.settings.effective}

    def others(self) -> Deferred[list[NodeAnswer]] | None:
        """What the other relays say, asked anew."""
        urls = self._relay.settings.admin_nodes
        if not urls:
            return None
        if self._poll is None:
            # What asks is imported where there is somebody to ask.
            from vaultrelay.app.node_poll import NodePoll

            self._poll = NodePoll(self._reactor)
        return self._poll.ask(urls)
