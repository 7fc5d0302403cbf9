#!/bin/sh
# Copies a renewed certificate to where the relay can read it: RELAY_TLS_CERT and RELAY_TLS_KEY are
# /etc/vault-relay/tls/fullchain.pem and privkey.pem.
set -eu
name=relay.example.org folder=/etc/vault-relay/tls
[ "${RENEWED_LINEAGE##*/}" = "$name" ] || exit 0
install -d -m 750 -g vault-relay "$folder"
install -m 640 -g vault-relay "$RENEWED_LINEAGE/privkey.pem" "$RENEWED_LINEAGE/fullchain.pem" "$folder"
