"""Symptoms of access: everybody gets in, or nobody."""

from vaultrelay.policy.finding import Finding
from vaultrelay.transport.listen import OpenSocket


def open_socket(socket: OpenSocket) -> Finding:
    """Every user of the machine is as good as the proxy, or reads the status page."""
    if socket.mode is None:
        mode, cure = "abstract, so it has no mode", "Give it a path in a folder"
    else:
        mode = f"mode {socket.mode:03o}"
        own = f"mode={socket.mode & ~0o007:03o} in its endpoint string"
        cure = "Set " + ("SocketMode=0660 in its .socket unit" if socket.is_inherited else own)
    return Finding(
        "open_socket",
        f"Every local user with access to its folder can connect to the unix socket {socket.path} "
        f"({mode}), as if it were a trusted proxy or the operator. {cure}, and add the user of the "
        "proxy to the group of the relay.",
    )
