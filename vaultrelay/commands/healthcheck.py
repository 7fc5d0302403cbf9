"""``vault-relay healthcheck``: one sentence on the relay of this machine, and an exit status.

Containers run it every few seconds: no Twisted, no OpenSSL, and little of the standard library.
"""

import json
import os
import socket
import time
from getopt import GetoptError, getopt

from vaultrelay.app.standard_streams import print_error
from vaultrelay.config.runtime_folder import UnsafeFolder, check_folder, folders_to_search, sockets
from vaultrelay.config.service_links import is_service_link

USAGE = """Usage: vault-relay healthcheck [options]

Says in one sentence whether the relay of this machine is well. The exit status
is 0 if it is, and 1 if not. It asks a socket in the relay's runtime folder,
which works whatever the relay listens on; where there is none, it asks the
port on 127.0.0.1.

  --port NUMBER            The relay's port, where several relays run. Default
                           $RELAY_PORT.
  --runtime-folder FOLDER  The relay's runtime folder. Default
                           $RELAY_RUNTIME_FOLDER, or as the relay itself finds
                           it.
  --ready                  Count a relay that is about to stop as not well.
  --help                   Print this text.
"""

ANSWER_SECONDS = 5
"""For the whole check. A relay that stands still for that long is of no use."""
_ANSWER_BYTES = 64 * 1024
_WORD_CHARS = 32
"""Of a figure or a version in the output."""
_HIGHEST_PORT = 65535
_USAGE_ERROR = 2


class Unwell(Exception):
    """The fault, in a sentence."""


def main(arguments: list[str]) -> int:
    """Print the result; return 0 if the relay is well, 1 if not, 2 for a bad command line."""
    try:
        given, rest = getopt(arguments, "", ["port=", "runtime-folder=", "ready", "help"])
    except GetoptError as error:
        raise _refusal(str(error)) from None
    if rest:
        raise _refusal(f"{rest[0]!a} is not an option")
    options = dict(given)
    if "--help" in options:
        print(USAGE, end="")
        return 0
    port = _port(options)
    named = options.get("--runtime-folder") or os.environ.get("RELAY_RUNTIME_FOLDER", "")
    try:
        said = _Check(port, named, "--ready" in options).sentence()
    except Unwell as error:
        print(f"unhealthy: {error}")
        return 1
    print(f"healthy: {said}")
    return 0


def _port(options: dict[str, str]) -> str:
    """Return the port that was given; empty if the relay itself picks one."""
    origin = "--port" if "--port" in options else "RELAY_PORT"
    text = options.get("--port", os.environ.get("RELAY_PORT", "")).strip()
    if is_service_link(origin, text):
        # Of a service named "relay" in Kubernetes; the relay ignores it, too.
        return ""
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(_HIGHEST_PORT))
    if text and not (is_number and int(text) <= _HIGHEST_PORT):
        raise _refusal(f"{origin}: {text!a} must be a whole number from 0 to {_HIGHEST_PORT}")
    return text.lstrip("0")


def _refusal(text: str) -> SystemExit:
    print_error(f"vault-relay: {text}; see vault-relay healthcheck --help")
    return SystemExit(_USAGE_ERROR)


class _Check:
    """One check: finds the relay, asks it, and reads its answer, all within one deadline."""

    def __init__(self, port: str, named: str, ready: bool) -> None:
        self._port = port
        self._folders = folders_to_search(named, os.environ)
        self._is_named = bool(named)
        self._path = "/ready" if ready else "/health"
        self._deadline = time.monotonic() + ANSWER_SECONDS
        self._absence = ""

    def sentence(self) -> str:
        """Return the status of a healthy relay. Raises Unwell for any other."""
        found, live = self._first_live()
        if len(live) > 1:
            for _, peer in live:
                peer.close()
            ports = ", ".join(port for path, _ in live for port in found[path])
            raise Unwell(f"several relays run here, on ports {ports}. Say which with --port NUMBER")
        if live:
            path, peer = live[0]
            where = f"port {' and '.join(found[path])}" if found[path] else path
            return self._read(peer, f"the relay on {where}")
        return self._ask_port()

    def _first_live(self) -> tuple[dict[str, list[str]], list[tuple[str, socket.socket]]]:
        """Return the sockets of the first folder in which a relay answers, and connections to
        them."""
        for folder in self._folders:
            found = self._sockets(folder)
            live = [(path, peer) for path in found if (peer := self._dial(path)) is not None]
            if live:
                return found, live
        return {}, []

    def _sockets(self, folder: str) -> dict[str, list[str]]:
        """Return the sockets of a folder that may be the relay's, and their ports."""
        if not self._is_named:
            try:
                # Another user could answer there for the relay.
                check_folder(folder)
            except OSError:
                return {}
            except UnsafeFolder as error:
                self._absence = self._absence or str(error)
                return {}
        found = sockets(folder)
        if not self._port:
            return found
        if found:
            others = ", ".join(port for ports in found.values() for port in ports)
            self._absence = (
                self._absence or f"the sockets in {folder} are for other ports: {others}"
            )
        return {path: ports for path, ports in found.items() if self._port in ports}

    def _dial(self, path: str) -> socket.socket | None:
        """Return a connection to a socket of the folder; None if no process listens any more."""
        peer = socket.socket(socket.AF_UNIX)
        try:
            peer.settimeout(self._seconds_left())
            peer.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            peer.close()
            return None
        except PermissionError:
            peer.close()
            raise Unwell(f"{path} belongs to another user: ask as that one, or as root") from None
        except OSError as error:
            peer.close()
            raise Unwell(f"{path} cannot be asked: {_cause(error)}") from None
        return peer

    def _ask_port(self) -> str:
        port, absence = self._port, self._absence or self._no_socket()
        if not port:
            # Rarely needed, and takes longer than all the rest.
            from vaultrelay.policy.limits import DEFAULT_PORT

            port = str(DEFAULT_PORT)
        where = f"port {port} of 127.0.0.1"
        try:
            peer = socket.create_connection(("127.0.0.1", int(port)), self._seconds_left())
        except OSError as error:
            raise Unwell(
                f"{absence}, and {where} does not answer: "
                f"{_cause(error)}. Is the relay running? If so, name its port with --port, or its "
                "folder with --runtime-folder"
            ) from None
        try:
            return self._read(peer, where)
        except Unwell as error:
            raise Unwell(
                f"{absence}, and {error}. A relay with TLS alone "
                "can only be asked in its folder: name it with --runtime-folder"
            ) from None

    def _no_socket(self) -> str:
        folder = self._folders[0]
        if not folder:
            return "this system has no unix sockets"
        return f"no relay has a socket in {folder}"

    def _read(self, peer: socket.socket, where: str) -> str:
        """Request the page, and make a sentence of it."""
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
            raise Unwell(f"{where} does not answer: {_cause(error)}") from None
        head, _, body = answer.partition(b"\r\n\r\n")
        try:
            told = json.loads(body)
            status = told["status"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Unwell(f"{where} does not answer as a relay does") from None
        if status == "draining" and self._path == "/ready":
            raise Unwell(f"{where} is about to stop")
        if not head.startswith(b"HTTP/1.1 200 ") or status not in ("ok", "draining"):
            raise Unwell(f"{where} does not answer as a relay does")
        return _described(told, where)

    def _seconds_left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def _described(told: dict[str, object], where: str) -> str:
    if "version" not in told:
        return f"{where} is ready"
    stopping = "; it is about to stop" if told["status"] == "draining" else ""
    # Any program may listen there: its text is quoted if it is not plain.
    version, connections, seconds = (
        ascii(told.get(name)).strip("'")[:_WORD_CHARS]
        for name in ("version", "connections", "uptime_seconds")
    )
    return (
        f"{where}, version {version}, has {connections} connections and is {seconds} s old"
        + stopping
    )


def _cause(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return f"nothing came within {ANSWER_SECONDS} s"
    return (error.strerror or str(error) or type(error).__name__).lower()
