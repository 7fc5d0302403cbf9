"""Warnings about access that is too wide, or closed to all devices."""

from collections.abc import Sequence

from vaultrelay.observe.relay_state import RelayState
from vaultrelay.transport.listening_service import OpenSocket

ORIGIN_REFUSED = (
    "A web page was refused because --allow-origin does not list its origin. If the page is your "
    "app, add --allow-origin with the value of location.origin in its developer tools. If not, a "
    "website tried to reach the relay through a visitor's browser."
)
"""Browsers show no reason: without this warning a web app would fail silently."""
ADMIN_HOST_REFUSED = (
    "The admin endpoint refused a request with 421, because its Host header is not localhost, an "
    "IP address or a name that --admin-host sets. If the request came from Prometheus, another "
    "relay or you, add --admin-host with that name, or use an IP address."
)
"""A scraper that is configured by name gets no metrics, and may not log the refusal."""
_EMPTY_LISTS = (
    (
        "the file of --access-token-file contains no token",
        "Create one (vault-relay token new --file FILE)",
    ),
    ("the file of --allow-channels contains no channel", "Add a line for each channel"),
    ("--allow-from lists no network", "Add one"),
)
"""Fault and cure of an empty list of tokens, channels and networks."""


def open_sockets(state: RelayState) -> Sequence[str]:
    """Return warnings on unix sockets by which every local user can pose as the proxy, or read the
    status page."""
    return [
        "Every local user with access to its folder can connect to the unix socket "
        f"{socket.path} ({_mode(socket)}), and act as a trusted proxy or as the operator. "
        f"{_cure(socket)}, and add the proxy's user to the relay's group."
        for socket in state.open_sockets
    ]


def _mode(socket: OpenSocket) -> str:
    return "abstract, so it has no mode" if socket.mode is None else f"mode {socket.mode:03o}"


def _cure(socket: OpenSocket) -> str:
    if socket.mode is None:
        return "Give it a path in a folder"
    if socket.is_inherited:
        return "Set SocketMode=0660 in its .socket unit"
    return f"Set mode={socket.mode & ~0o007:03o} in its endpoint string"


def empty_lists(state: RelayState) -> Sequence[str]:
    """Return warnings on lists emptied while the relay runs. It fails closed."""
    access = state.settings.access
    lists = (access.tokens, access.channels, access.allowed)
    return [
        f"NO DEVICE IS ADMITTED: {fault}. All devices were disconnected. {cure}. Until then the "
        "relay cannot start again either."
        for listed, (fault, cure) in zip(lists, _EMPTY_LISTS, strict=True)
        if listed is not None and not listed
    ]
