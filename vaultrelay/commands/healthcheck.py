"""``vault-relay healthcheck``: one sentence on the relay of this machine, and an exit status.

Containers run it every few seconds: no Twisted, no OpenSSL, and little of the standard library.
argparse costs 4 ms of CPU, a tenth, and half a megabyte.
"""

import json
import os
import socket
import time

from vaultrelay.commands.parser import argument, command_parser
from vaultrelay.config.runtime_folder import UnsafeFolder, check_folder, folders_to_search, sockets
from vaultrelay.config.service_links import is_service_link

ANSWER_SECONDS = 5
"""For the whole check. A relay that does not respond for that long is not usable."""
_ANSWER_BYTES = 64 * 1024
_WORD_CHARS = 32
"""Of a figure or a version in the output."""
_HIGHEST_PORT = 65535


PARSER = command_parser(
    "healthcheck",
    """
Prints one sentence. The command connects to a socket in the relay's runtime folder, which works
with every kind of listener. If the folder has no socket, it connects to the port on 127.0.0.1.
""",
    notes="""
The exit status is 0 if the relay is healthy, 1 if not, and 2 for invalid arguments.

Examples:

  vault-relay healthcheck
  HEALTHCHECK CMD vault-relay healthcheck --ready    in the Dockerfile of an image
""",
    arguments=(
        argument(
            "--port",
            metavar="NUMBER",
            help="The relay's port, needed if several relays run here. Default: $RELAY_PORT.",
        ),
        argument(
            "--runtime-folder",
            metavar="FOLDER",
            help="The relay's runtime folder. Default: $RELAY_RUNTIME_FOLDER, or the folder that "
            "the relay uses by default.",
        ),
        argument(
            "--ready",
            action="store_true",
            help="Report a relay that is about to stop as unhealthy.",
        ),
    ),
)


class Unhealthy(Exception):
    """The fault, in a sentence."""


def main(arguments: list[str]) -> int:
    """Print the result; return 0 if the relay is healthy, 1 if not, 2 for invalid arguments."""
    found = PARSER.read(arguments)
    folder = found.runtime_folder or os.environ.get("RELAY_RUNTIME_FOLDER", "")
    try:
        print(f"healthy: {_Check(_port(found.port), folder, found.ready).result()}")
    except Unhealthy as error:
        print(f"unhealthy: {error}")
        return 1
    return 0


def _port(given: str | None) -> str:
    """Return the port that is given; empty if the relay itself picks one."""
    origin = "RELAY_PORT" if given is None else "--port"
    text = (os.environ.get("RELAY_PORT", "") if given is None else given).strip()
    if is_service_link(origin, text):
        # Of a service named "relay" in Kubernetes; the relay ignores it, too.
        return ""
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(_HIGHEST_PORT))
    if text and not (is_number and int(text) <= _HIGHEST_PORT):
        PARSER.error(f"{origin}: '{text}' must be a whole number from 0 to {_HIGHEST_PORT}")
    return text.lstrip("0")


class _Check:
    """One check: finds the relay, sends a request, and reads the answer, within one deadline."""

    def __init__(self, port: str, folder: str, ready: bool) -> None:
        self._port = port
        self._folders = folders_to_search(folder, os.environ)
        self._is_named = bool(folder)
        self._path = "/ready" if ready else "/health"
        self._deadline = time.monotonic() + ANSWER_SECONDS
        self._absence = ""

    def result(self) -> str:
        """Return the state of a healthy relay. Raises Unhealthy for any other."""
        for folder in self._folders:
            ports = self._sockets(folder)
            live = {path: peer for path in ports if (peer := self._connect(path)) is not None}
            if live:
                return self._check_socket(ports, live)
        return self._check_port()

    def _sockets(self, folder: str) -> dict[str, list[str]]:
        """Return the sockets of a folder that may be the relay's, and their ports."""
        try:
            if not self._is_named:
                # Another user could answer there for the relay.
                check_folder(folder)
        except OSError:
            return {}
        except UnsafeFolder as error:
            self._absence = self._absence or str(error)
            return {}
        found = sockets(folder)
        if found and self._port:
            others = ", ".join(port for ports in found.values() for port in ports)
            self._absence = (
                self._absence or f"the sockets in {folder} are for other ports: {others}"
            )
        return {path: ports for path, ports in found.items() if self._port in ("", *ports)}

    def _connect(self, path: str) -> socket.socket | None:
        """Return a connection to a socket of the folder; None if no process listens any more."""
        peer = socket.socket(socket.AF_UNIX)
        try:
            peer.settimeout(self._seconds_left())
            peer.connect(path)
        except OSError as error:
            peer.close()
            if isinstance(error, ConnectionRefusedError | FileNotFoundError):
                return None
            if isinstance(error, PermissionError):
                raise Unhealthy(
                    f"{path} belongs to another user: run the command as that user, or as root"
                ) from None
            raise Unhealthy(f"cannot connect to {path}: {_reason(error)}") from None
        return peer

    def _check_socket(self, ports: dict[str, list[str]], live: dict[str, socket.socket]) -> str:
        """Request the page from the one relay that listens."""
        path, peer = live.popitem()
        if live:
            for each in (peer, *live.values()):
                each.close()
            listed = ", ".join(port for each in (*live, path) for port in ports[each])
            raise Unhealthy(f"several relays run here, on ports {listed}: choose one with --port")
        where = f"port {' and '.join(ports[path])}" if ports[path] else path
        return self._request(peer, f"the relay on {where}")

    def _check_port(self) -> str:
        port, folder = self._port, self._folders[0]
        absence = self._absence or (
            f"no relay has a socket in {folder}" if folder else "this system has no unix sockets"
        )
        if not port:
            # Rarely needed, and takes longer than all the rest.
            from vaultrelay.policy.limits.defaults import DEFAULT_PORT

            port = str(DEFAULT_PORT)
        where = f"port {port} of 127.0.0.1"
        try:
            peer = socket.create_connection(("127.0.0.1", int(port)), self._seconds_left())
        except OSError as error:
            raise Unhealthy(
                f"{absence}, and {where} does not answer: {_reason(error)}. Start the relay; if it "
                "is running, set its port with --port, or its folder with --runtime-folder"
            ) from None
        try:
            return self._request(peer, where)
        except Unhealthy as error:
            raise Unhealthy(
                f"{absence}, and {error}. For a relay with TLS only, set its folder with "
                "--runtime-folder"
            ) from None

    def _request(self, peer: socket.socket, where: str) -> str:
        """Request the page, and return its content as a sentence."""
        request = f"GET {self._path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        answer = b""
        try:
            with peer:
                peer.settimeout(self._seconds_left())
                peer.sendall(request.encode("ascii"))
                while len(answer) < _ANSWER_BYTES:
                    peer.settimeout(self._seconds_left())
                    data = peer.recv(_ANSWER_BYTES)
                    if not data:
                        break
                    answer += data
        except OSError as error:
            raise Unhealthy(f"{where} does not answer: {_reason(error)}") from None
        head, _, body = answer.partition(b"\r\n\r\n")
        try:
            page = json.loads(body)
            status = page["status"]
        except (ValueError, KeyError, TypeError, RecursionError):
            status = None
        if status == "draining" and self._path == "/ready":
            raise Unhealthy(f"{where} is about to stop")
        if not head.startswith(b"HTTP/1.1 200 ") or status not in ("ok", "draining"):
            raise Unhealthy(f"{where} does not answer like a relay")
        return _described(page, where)

    def _seconds_left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def _described(page: dict[str, object], where: str) -> str:
    if "version" not in page:
        return f"{where} is ready"
    stopping = "; it is about to stop" if page["status"] == "draining" else ""
    # Any program may listen there: its text is quoted if it is not plain.
    version, connections, seconds = (
        ascii(page.get(name)).strip("'")[:_WORD_CHARS]
        for name in ("version", "connections", "uptime_seconds")
    )
    return (
        f"{where}, version {version}, has {connections} connections and has been running for "
        f"{seconds} s" + stopping
    )


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return f"nothing came within {ANSWER_SECONDS} s"
    return (error.strerror or str(error) or type(error).__name__).lower()
