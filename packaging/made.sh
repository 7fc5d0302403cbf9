#!/bin/sh
# Lists packages with their sizes, and warns of an archive without Debian's patches.
#
#   made.sh FILE...
set -eu

echo "Made:"
for file in "$@"; do
    stat -c '%s %n' "$file" | awk '{
        if ($1 < 1e5) printf "  %8.1f kB  %s\n", $1 / 1e3, $2
        else printf "  %8.1f MB  %s\n", $1 / 1e6, $2
    }'
done
for file in "$@"; do
    case $file in *linux*.tar.gz) ;; *) continue ;; esac
    lacking=$(tar -xOzf "$file" vaultmesh-relay/licences/Sources.txt | sed -n "s/, without Debian's patches$//p")
    [ -z "$lacking" ] || echo "WARNING: $file is for tests, not for a release: $lacking is in it without Debian's security fixes," \
        "which the mirror lacks. packaging/sources.txt has the cure."
done
