"""Names the certificates that this system trusts, before the program of the package starts.

Its OpenSSL comes with it, and knows no other system's places than Debian's.
"""

import os

_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora and its kin
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, the BSDs
)

if "SSL_CERT_FILE" not in os.environ and "SSL_CERT_DIR" not in os.environ:
    for file in _FILES:
        if os.access(file, os.R_OK):
            os.environ["SSL_CERT_FILE"] = file
            break
