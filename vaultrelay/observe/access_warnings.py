"""Warnings about access: too wide, or closed to all devices."""

from collections.abc import Iterator

from vaultrelay.policy.access import Access
from vaultrelay.policy.operator_warning import OperatorWarning
from vaultrelay.transport.listening_service import OpenSocket


def open_socket(socket: OpenSocket) -> OperatorWarning:
    """Return the warning that every local user can pose as the proxy, or read the status page."""
    if socket.mode is None:
        mode, cure = "abstract, so it has no mode", "Give it a path in a folder"
    else:
        mode = f"mode {socket.mode:03o}"
        own = f"mode={socket.mode & ~0o007:03o} in its endpoint string"
        cure = "Set " + ("SocketMode=0660 in its .socket unit" if socket.is_inherited else own)
    return OperatorWarning(
        "open_socket",
        f"Every local user with access to its folder can connect to the unix socket {socket.path} "
        f"({mode}), as if it were a trusted proxy or the operator. {cure}, and add the user of the "
        "proxy to the group of the relay.",
    )


def nobody(access: Access) -> Iterator[OperatorWarning]:
    """Yield warnings on lists emptied while the relay ran: it fails closed, and could not start."""
    for listed, what, cure in (
        (
            access.tokens,
            "The file of --access-token-file holds no token",
            "Make one (vault-relay token new --file FILE)",
        ),
        (
            access.channels,
            "The file of --allow-channels lists no channel",
            "Add a line for each channel",
        ),
        (access.allowed, "--allow-from lists no network", "Name one"),
    ):
        if listed is not None and not listed:
            yield OperatorWarning(
                "nobody",
                f"NO DEVICE IS ADMITTED: {what}, and those that were connected were closed. "
                f"{cure}. Until then the relay does not start again either.",
                is_urgent=True,
            )


def origin_refused(was_refused: bool) -> Iterator[OperatorWarning]:
    """Yield a warning on a refused origin: browsers show no reason, so a web app fails silently."""
    if was_refused:
        yield OperatorWarning(
            "origin_refused",
            "A web page was refused: --allow-origin does not list its origin. If it is your app, "
            "add --allow-origin with what location.origin is in its developer tools. If not, a "
            "website tried to reach the relay from the browser of one of its visitors.",
        )


def admin_host(was_refused: bool) -> Iterator[OperatorWarning]:
    """Yield a warning on a refused Host header: a scraper configured by name gets no metrics."""
    if was_refused:
        yield OperatorWarning(
            "admin_host",
            "A request to the admin endpoint under another name than localhost was refused with "
            "421. If it came from Prometheus, another relay or you, add --admin-host with that "
            "name, or use an IP address.",
        )
