#!/bin/sh
# Copies the documents that a package has: all to which README.rst leads, in the same places.
#
#   documents.sh FOLDER     run in the folder of the source
set -eu

for each in LICENSE ./*.rst ./*.md docs deploy; do
    [ ! -e "$each" ] || cp -R "$each" "$1"
done
mkdir -p "$1/packaging"
cp packaging/compose.yaml "$1/packaging"
# The manual page lies beside the program; the rest makes documents.
mv "$1/docs/vault-relay.1" "$1"
rm -rf "$1"/docs/*.py "$1/docs/vectors" "$1/docs/__pycache__" "$1/docs/vectors" "$1/docs/_ext" "$1/docs/_static"
# These include files from beside docs, with links as from there.
rm -f "$1/docs/changelog.rst" "$1/docs/contributing.rst"
