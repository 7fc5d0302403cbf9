"""Records of TLS 1.3 made by hand, for what Python's ssl cannot send: requests for key updates.

A client of `ssl` has the handshake, and writes its secrets to a key log (RFC 8446, section 7.1).
From then on its records are made here.
"""

import os
import ssl
import struct
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

_SUITES: dict[str, tuple[type[hashes.HashAlgorithm], int]] = {
    "TLS_AES_128_GCM_SHA256": (hashes.SHA256, 16),
    "TLS_AES_256_GCM_SHA384": (hashes.SHA384, 32),
}
"""The hash of a suite, and the bytes of its key."""
_IV_BYTES, _TAG_BYTES = 12, 16
_ALERT, _HANDSHAKE, _DATA = 21, 22, 23
_KEY_UPDATE_REQUESTED = b"\x18\x00\x00\x01\x01"
_CLOSE_NOTIFY = b"\x01\x00"


class Sealer:
    """Encrypts a client's records, from the first one after its handshake."""

    def __init__(self, suite: str, secret: bytes) -> None:
        self._hash, self._key_bytes = _SUITES[suite]
        self._change_secret(secret)

    def _change_secret(self, secret: bytes) -> None:
        self._secret = secret
        self._cipher = AESGCM(self._expand(b"key", self._key_bytes))
        self._iv = int.from_bytes(self._expand(b"iv", _IV_BYTES))
        self._number = 0

    def _expand(self, label: bytes, size: int) -> bytes:
        """HKDF-Expand-Label of RFC 8446, with an empty context."""
        full = b"tls13 " + label
        info = struct.pack("!HB", size, len(full)) + full + b"\0"
        return HKDFExpand(self._hash(), size, info).derive(self._secret)

    def _seal(self, kind: int, content: bytes) -> bytes:
        inner = content + bytes([kind])
        header = struct.pack("!BHH", _DATA, 0x0303, len(inner) + _TAG_BYTES)
        nonce = (self._iv ^ self._number).to_bytes(_IV_BYTES)
        self._number += 1
        return header + self._cipher.encrypt(nonce, inner, header)

    def data(self, content: bytes) -> bytes:
        return self._seal(_DATA, content)

    def goodbye(self) -> bytes:
        return self._seal(_ALERT, _CLOSE_NOTIFY)

    def key_update(self) -> bytes:
        """Returns a request that the server changes its key, too. Ours changes after it."""
        sealed = self._seal(_HANDSHAKE, _KEY_UPDATE_REQUESTED)
        self._change_secret(self._expand(b"traffic upd", len(self._secret)))
        return sealed


def logging_context(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Returns a client's context for one connection, and the file that its secrets go to."""
    log = folder / f"keys-{os.urandom(8).hex()}"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.keylog_filename = str(log)
    return context, log


def sealer_of(tls: ssl.SSLObject, log: Path) -> Sealer:
    """Returns what makes the records that follow the handshake of this end."""
    for line in log.read_text().splitlines():
        if line.startswith("CLIENT_TRAFFIC_SECRET_0 "):
            suite = tls.cipher()
            assert suite is not None
            return Sealer(suite[0], bytes.fromhex(line.split()[2]))
    raise AssertionError("the handshake is not done")
