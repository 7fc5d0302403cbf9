"""AdminService: the admin endpoint, its request dispatcher, and the sampler for its plots."""

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, succeed

from vaultrelay.cluster.answer import NodeAnswer
from vaultrelay.cluster.url import NodeUrl
from vaultrelay.config.settings import Settings
from vaultrelay.logs import RelayLog
from vaultrelay.observe.meter import Meter, Relay
from vaultrelay.observe.relay_snapshot import CURVES, RelaySnapshot
from vaultrelay.observe.sampler import Sampler
from vaultrelay.policy.addresses import read_address
from vaultrelay.policy.limits.admin import ADMIN_CONNECTIONS
from vaultrelay.transport.client_budgets import PendingClient
from vaultrelay.transport.endpoint_string import read_endpoint
from vaultrelay.transport.hub import Hub
from vaultrelay.transport.listening_service import ListeningService, describe_port
from vaultrelay.transport.pending_connections import PendingConnections
from vaultrelay.transport.request_dispatcher import DispatcherFactory
from vaultrelay.transport.route import RouteResult
from vaultrelay.web.admin_pages import AdminPages
from vaultrelay.web.page_resource import QuietSite, page_head
from vaultrelay.wire.host import canonical_host
from vaultrelay.wire.refusal import Refusal, bad_request
from vaultrelay.wire.request import Request

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:%]+))(?::[0-9]*)?")
"""A complete Host header: an address in brackets, a zone or a port must be its end."""


class AdminService(MultiService):
    """Serves the admin pages at a separate endpoint. The relay's figures exclude its connections.

    Raises BadEndpoint and CannotListen under the same conditions as RelayService.
    """

    _hosts_at_refusal: Collection[str] | None = None

    _request_nodes: Callable[[Sequence[NodeUrl]], Deferred[list[NodeAnswer]]] | None = None

    def __init__(self, settings: Settings, *, relay: Relay, hub: Hub, log: RelayLog) -> None:
        super().__init__()
        self._log = log
        self._reactor = reactor = hub.reactor
        self._relay = relay
        self._relay_ports = ""
        self._meter = Meter(relay)
        self.sampler = Sampler(reactor, self._meter.totals)
        self._site = QuietSite(AdminPages(self))
        pending = PendingConnections(reactor, ADMIN_CONNECTIONS)
        self.dispatcher = DispatcherFactory(reactor, self.route, pending=pending, log=log)
        endpoint = read_endpoint(reactor, settings.admin, on_loopback=True)
        text = f"{settings.admin} ({settings.source_of('admin')})"
        self.listener = ListeningService(text, endpoint, self.dispatcher, pending, hub)
        self.listener.setServiceParent(self)

    @property
    def host_refused(self) -> bool:
        """Whether the current host names refused a request. A scraper may not log the refusal."""
        return self._hosts_at_refusal == self._relay.settings.admin_hosts

    def startService(self) -> None:
        super().startService()
        self.sampler.start()

    def announce(self, relay_ports: str) -> None:
        """Log one line with the endpoint and port; show the relay's ports from now on."""
        self._relay_ports = relay_ports
        port: Any = self.listener.port
        self._log.info(
            "Status page and metrics: {text} ({port})",
            text=self._relay.settings.admin,
            port=describe_port(port),
        )

    def stopService(self) -> object:
        self.sampler.stop()
        return super().stopService()

    def route(self, request: Request, client: PendingClient) -> RouteResult:
        """Return the route to the admin pages. Raises Refusal if the request is not for them."""
        if request.wants_websocket:
            raise bad_request(
                "This is the admin endpoint. Devices connect to the public port of the relay."
            )
        if not self._is_own_host(request):
            self._hosts_at_refusal = self._relay.settings.admin_hosts
            raise Refusal(
                421,
                "host_not_allowed",
                "The admin endpoint answers only requests to localhost, to an IP address or to a "
                "name that --admin-host sets. To use this name, start the relay with --admin-host "
                "and the name.",
            )
        site = self._site.buildProtocol(client.address)
        return RouteResult(site, page_head(request), lasting=False)

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
            return canonical_host(name) in self._relay.settings.admin_hosts
        except ValueError:
            return False

    # Source, used by the pages.

    def metrics(self) -> RelaySnapshot:
        """Return the current figures."""
        return self._meter.metrics(self.sampler)

    def curves(self) -> dict[str, list[float]]:
        """Return the samples of the last hour by curve."""
        return {name: self.sampler.history.curve(name) for name in CURVES}

    def options(self) -> dict[str, object]:
        """Return the options in force, for display."""
        return {"listens on": self._relay_ports, **self._relay.settings.effective}

    def others(self) -> Deferred[list[NodeAnswer]]:
        """Ask the other relays for their status; an empty list if there are no others."""
        nodes = self._relay.settings.admin_nodes
        if not nodes:
            return succeed([])
        if self._request_nodes is None:
            # Imported on demand: a single relay saves the memory.
            from vaultrelay.app.node_poll import NodePoll

            self._request_nodes = NodePoll(self._reactor).request
        return self._request_nodes(nodes)
