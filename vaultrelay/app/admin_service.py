"""AdminService: the admin endpoint, its front door, and the sampler for its plots."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred

from vaultrelay.cluster.answer import NodeAnswer
from vaultrelay.cluster.url import NodeUrl
from vaultrelay.config.slices import AdminSettings
from vaultrelay.logs import RelayLog
from vaultrelay.observe.figures import CURVES, Figures
from vaultrelay.observe.meter import Meter, Relay
from vaultrelay.observe.sampler import Sampler
from vaultrelay.policy.addresses import read_address
from vaultrelay.policy.limits import ADMIN_CONNECTIONS
from vaultrelay.transport.endpoint_string import read_endpoint
from vaultrelay.transport.front_door import FrontDoorFactory
from vaultrelay.transport.handover import Handover
from vaultrelay.transport.hub import Hub
from vaultrelay.transport.listen import ListeningService, shown
from vaultrelay.transport.pending import PendingConnections
from vaultrelay.transport.visitors import Visitor
from vaultrelay.web.admin_pages import AdminPages
from vaultrelay.web.leaf import QuietSite, page_head
from vaultrelay.wire.host import canonical_host
from vaultrelay.wire.refusal import Refusal, bad_request
from vaultrelay.wire.request import Request

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:%]+))(?::[0-9]*)?")
"""A complete Host header: an address in brackets, a zone or a port must be its end."""


class AdminService(MultiService):
    """Serves the admin pages at a separate endpoint. The relay's figures exclude its connections.

    Raises BadEndpoint and CannotListen under the same conditions as RelayService.
    """

    host_refused = False
    """Whether the current settings refused a Host header. A scraper may not log the refusal."""

    _ask_nodes: Callable[[Sequence[NodeUrl]], Deferred[list[NodeAnswer]]] | None = None

    def __init__(self, endpoint: str, *, relay: Relay, hub: Hub, log: RelayLog) -> None:
        super().__init__()
        self._log = log
        self._reactor = reactor = hub.reactor
        self._settings = AdminSettings()
        self._relay = relay
        self._relay_ports = ""
        self._meter = Meter(relay)
        self.sampler = Sampler(reactor, self._meter.totals)
        self._site = QuietSite(AdminPages(self, log=log))
        waiting = PendingConnections(reactor, ADMIN_CONNECTIONS)
        self.door = FrontDoorFactory(reactor, self.route, waiting=waiting, log=log)
        listening = read_endpoint(reactor, endpoint, on_loopback=True)
        self.listener = ListeningService(endpoint, listening, self.door, waiting, hub)
        self.listener.setServiceParent(self)

    def configure(self, settings: AdminSettings) -> None:
        """Apply the host names to answer to, and the other relays to ask."""
        self.host_refused &= settings.hosts == self._settings.hosts
        self._settings = settings

    def startService(self) -> None:
        super().startService()
        self.sampler.start()

    def announce(self, relay_ports: str) -> None:
        """Log one line with the endpoint and port; show the relay's ports from now on."""
        self._relay_ports = relay_ports
        port: Any = self.listener.port
        self._log.info(
            "Status page and metrics: {text} ({port})", text=self.listener.text, port=shown(port)
        )

    def stopService(self) -> object:
        self.sampler.stop()
        return super().stopService()

    def route(self, request: Request, visitor: Visitor) -> Handover:
        """Return the handover to the admin pages. Raises Refusal if the request is not for them."""
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
        """Return whether the Host header is one of ours.

        Else a website could read the page through a browser, with a host name of its own that
        resolves to the relay's address (DNS rebinding). Browsers always send the header.
        """
        host = request.header("host")
        if host is None:
            return True
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = match[1] or match[2]
        if name.lower() == "localhost" or read_address(name) is not None:
            return True
        try:
            return canonical_host(name) in self._settings.hosts
        except ValueError:
            return False

    # Source, used by the pages.

    def figures(self) -> Figures:
        """Return the current figures."""
        return self._meter.figures(self.sampler.lag_seconds)

    def curves(self) -> dict[str, list[float]]:
        """Return the samples of the last hour by curve."""
        return {name: self.sampler.history.curve(name) for name in CURVES}

    def options(self) -> dict[str, object]:
        """Return the options in force, for display."""
        return {"listens on": self._relay_ports, **self._relay.settings.effective}

    def others(self) -> Deferred[list[NodeAnswer]] | None:
        """Ask the other relays for their status; None if there are no others."""
        if not self._settings.nodes:
            return None
        if self._ask_nodes is None:
            # Imported on demand: a single relay saves the memory.
            from vaultrelay.app.node_poll import NodePoll

            self._ask_nodes = NodePoll(self._reactor).ask
        return self._ask_nodes(self._settings.nodes)
