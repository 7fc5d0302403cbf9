#!/bin/sh
# Starts the relay that lies beside this file: in lib, or for macOS in the folder of this machine's kind.
set -eu

# Found through links, as in /usr/local/bin.
file=$0
case $file in */*) ;; *) file=./$file ;; esac
while [ -L "$file" ]; do
    target=$(readlink "$file")
    case $target in /*) file=$target ;; *) file=${file%/*}/$target ;; esac
done
folder=${file%/*}
[ ! -e "$folder/lib/vault-relay" ] || exec "$folder/lib/vault-relay" "$@"
machine=$(uname -m)
[ ! -e "$folder/$machine/vault-relay" ] || exec "$folder/$machine/vault-relay" "$@"

if [ -d "$folder/arm64" ] || [ -d "$folder/x86_64" ]; then
    echo "vault-relay: $folder has no relay for $machine" >&2
else
    echo "vault-relay: $file was copied or moved without the rest of its folder, which it needs. Remove this copy," \
        "and link to the file in the unpacked folder, or run install.sh there:" \
        "ln -s /path/to/vaultmesh-relay/vault-relay ${folder:-/}" >&2
fi
exit 2
