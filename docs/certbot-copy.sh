#!/bin/sh
# Copies a renewed certificate for the relay. Set RELAY_TLS_CERT and RELAY_TLS_KEY to
# /etc/vault-relay/tls/fullchain.pem and privkey.pem.
set -eu
name=relay.example.org folder=/etc/vault-relay/tls
[ "${RENEWED_LINEAGE##*/}" = "$name" ] || exit 0
install -d -m 750 -g vault-relay "$folder"
install -m 640 -g vault-relay "$RENEWED_LINEAGE/privkey.pem" "$RENEWED_LINEAGE/fullchain.pem" "$folder"
