"""Trust: why this machine does not trust a certificate, and the cure."""

import os
import re
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vaultrelay.policy.printable import printable

UNTRUSTED = frozenset({2, 18, 19, 20, 21})
"""OpenSSL's numbers for a chain that ends at no trusted root (X509_V_ERR_ in its x509_vfy.h)."""
NOT_STRICT = frozenset({78, *range(80, 94)})
"""Its numbers for faults that only its strict mode (X509_V_FLAG_X509_STRICT) refuses."""
_FILE, _FOLDERS = "SSL_CERT_FILE", "SSL_CERT_DIR"
_NAME_CHARS = 60
_SERVE_CHAIN = "serve the certificate with its chain (fullchain.pem, not cert.pem)"
_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")
_NAME_FIELDS = ("commonName", "organizationalUnitName", "organizationName")

Certificate = Mapping[str, Any]
"""A certificate as SSLSocket.getpeercert() returns it."""


def explain_distrust(chain: Sequence[Certificate], environment: Mapping[str, str]) -> str:
    """Return what is missing, the rest of the chain or trust in its root, and the cure."""
    return " ".join([_explain_chain(chain), *store_faults(environment)])


def explain_strictness() -> str:
    """Return why some clients accept a certificate that others refuse."""
    return (
        "Python 3.13 and later, and other clients that follow RFC 5280, refuse this; earlier ones "
        "and most browsers do not. Have the certificates of this authority reissued with the "
        "extensions of RFC 5280 (in OpenSSL: subjectKeyIdentifier = hash, authorityKeyIdentifier = "
        "keyid:always, basicConstraints and keyUsage critical)."
    )


def store_faults(environment: Mapping[str, str]) -> list[str]:
    """Return a sentence for each variable of OpenSSL that is set, or on a machine without
    authorities."""
    file, folders = environment.get(_FILE, ""), environment.get(_FOLDERS, "")
    faults = []
    if file:
        fault = _file_fault(Path(file))
        faults.append(
            f"{_FILE} names {printable(file)}, which {fault}: it was ignored."
            if fault
            else f"{_FILE} names {printable(file)}, which contains other roots."
        )
    if folders and not any(map(_is_hashed, folders.split(os.pathsep))):
        faults.append(
            f"{_FOLDERS} names {printable(folders)}, in which no certificate is named by its hash "
            "(openssl rehash FOLDER): it was ignored."
        )
    paths = ssl.get_default_verify_paths()
    if not (file or folders or paths.cafile or (paths.capath and _is_hashed(paths.capath))):
        faults.append("This machine has no list of authorities: install ca-certificates.")
    return faults


def ignored_stores(environment: Mapping[str, str]) -> list[str]:
    """Return the sentences on variables without effect, though the certificate is trusted."""
    return [each for each in store_faults(environment) if each.endswith("ignored.")]


def _explain_chain(chain: Sequence[Certificate]) -> str:
    if not chain:
        return (
            f"Either make the relay {_SERVE_CHAIN}, or trust its authority: "
            f"{_FILE}=/path/to/root.pem vault-relay check ..., and the same on every device."
        )
    path = [chain[0]]
    while path[-1]["issuer"] != path[-1]["subject"]:
        issuer = next((each for each in chain if each["subject"] == path[-1]["issuer"]), None)
        if issuer is None or issuer in path:
            break
        path.append(issuer)
    last = path[-1]
    root = _shown(last["issuer"])
    if len(path) == 1 and root == _shown(last["subject"]):
        return (
            "No device trusts it by default: get a certificate from a public authority, such as "
            f"Let's Encrypt, or trust this one: {_FILE}=/path/to/it.pem vault-relay check ..., "
            "and the same on every device."
        )
    own = (
        f"trust its root: {_FILE}=/path/to/root.pem vault-relay check ..., and install it on every "
        "device"
    )
    if len(path) > 1:
        return (
            f"The relay serves its chain, but this machine does not trust its root, {root}. If "
            f"that is your own authority, {own}. If it is a public one, update this machine's list "
            "of authorities (ca-certificates)."
        )
    if len(chain) > 1:
        return f"The relay serves certificates, but not that of its issuer, {root}: {_SERVE_CHAIN}."
    incomplete = f"The relay serves its certificate without that of its issuer, {root}"
    if "caIssuers" in last:
        # A public authority includes the URL of the issuer's certificate.
        return f"{incomplete}: {_SERVE_CHAIN}."
    return (
        f"{incomplete}. If that is the root of your own authority, {own}. If not, {_SERVE_CHAIN}."
    )


def _shown(name: Any) -> str:
    """Return the most specific part of a distinguished name."""
    parts = {key: value for part in name for key, value in part}
    chosen = next((parts[field] for field in _NAME_FIELDS if field in parts), "without a name")
    return f"'{printable(str(chosen))[:_NAME_CHARS]}'"


def _file_fault(path: Path) -> str:
    """Return why OpenSSL reads no certificate from a file; empty if it does."""
    if path.is_dir():
        return f"is a folder (for a folder, use {_FOLDERS})"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        return "contains no PEM certificate"
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        return f"cannot be read ({reason})"
    return ""


def _is_hashed(folder: str) -> bool:
    """Return whether OpenSSL finds a certificate in a folder."""
    try:
        return any(_HASHED.fullmatch(each.name) for each in Path(folder).iterdir())
    except OSError:
        return False
