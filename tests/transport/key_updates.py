"""KeyUpdates: what a TLS 1.3 client sends that asks for new keys. Python's ssl cannot."""

import ssl
from pathlib import Path
from struct import pack

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

SUITE = "TLS_AES_256_GCM_SHA384"
RECORD_BYTES = 27
"""Of one request, and of one answer."""
_HANDSHAKE, _DATA = b"\x16", b"\x17"
_UPDATE_REQUESTED = b"\x18\0\0\1\1"
_VERSION = b"\3\3"


class KeyUpdates:
    """Encrypts for a client that has sent nothing since its handshake (RFC 8446, sections 5, 7).

    `keys` is the file that the client's context writes its secrets to.
    """

    def __init__(self, tls: ssl.SSLObject, keys: Path) -> None:
        cipher = tls.cipher()
        assert cipher
        assert cipher[0] == SUITE
        lines = [line.split() for line in keys.read_text().splitlines() if line[0] != "#"]
        secrets = {name: secret for name, _, secret in lines}
        self._secret = bytes.fromhex(secrets["CLIENT_TRAFFIC_SECRET_0"])
        self._count = 0

    def requests(self, count: int) -> bytes:
        """Ask so many times for new keys."""
        records = b""
        for _ in range(count):
            records += self._seal(_UPDATE_REQUESTED + _HANDSHAKE)
            self._secret = self._expand("traffic upd", SHA384.digest_size)
            self._count = 0
        return records

    def data(self, data: bytes) -> bytes:
        """Encrypt with the keys of now."""
        return self._seal(data + _DATA)

    def _seal(self, inner: bytes) -> bytes:
        key, start = self._expand("key", 32), int.from_bytes(self._expand("iv", 12), "big")
        nonce = (start ^ self._count).to_bytes(12, "big")
        self._count += 1
        header = _DATA + _VERSION + pack(">H", len(inner) + 16)
        return header + AESGCM(key).encrypt(nonce, inner, header)

    def _expand(self, label: str, size: int) -> bytes:
        text = b"tls13 " + label.encode()
        info = pack(">HB", size, len(text)) + text + b"\0"
        return HKDFExpand(SHA384(), size, info).derive(self._secret)
