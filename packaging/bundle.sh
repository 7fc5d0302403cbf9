#!/bin/sh
# Packs the relay with its Python: one folder that needs nothing else on the machine but glibc and zlib.
#
#   bundle.sh MACHINE BUILD ROOT ARCHIVE     BUILD and ROOT as for python.sh, which was there; as root
set -eu

machine=$1 build=$2 root=$3 archive=$4

# All times in the package are that of its commit: the same commit gives the same bytes.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}

fetch() {
    # pip takes no platform for one that includes an older one.
    for version in 2_28 2_26 2_24 2_17; do
        set -- "$@" --platform "manylinux_${version}_$machine"
    done
    requirements=$1 folder=$2
    shift 2
    ${PYTHON:-python3} -m pip --disable-pip-version-check -qq install --target "$folder" --no-deps \
        --require-hashes --only-binary=:all: --no-compile --implementation cp --python-version 3.13 \
        --platform "manylinux2014_$machine" "$@" --requirement "$requirements"
}

work=$root/work
rm -rf "$work"
mkdir -p "$work/source"
fetch packaging/requirements.txt "$work/libraries"
fetch packaging/requirements-build.txt "$work/tools"
cp -r vaultrelay packaging "$work/source"
# A source tree may have twins for its own Python.
find "$work/source" -name '*.so' -delete
packaging/native.sh "$machine" "$build" "$work"

chroot "$root" env -C /work PYTHONPATH=/work/source:/work/libraries:/work/tools \
    PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 SOURCE_DATE_EPOCH="$epoch" \
    PYI_LOG_LEVEL=WARN PYINSTALLER_CONFIG_DIR=/work/cache LC_ALL=C \
    /opt/relay/bin/python3.13 -m PyInstaller --noconfirm --distpath dist/vaultmesh-relay source/packaging/relay.spec

package=$work/dist/vaultmesh-relay
packaging/documents.sh "$package"
cp -r systemd "$package"
cp packaging/install.sh packaging/uninstall.sh "$package"
cp packaging/launcher.sh "$package/vault-relay"

licences=$package/licences
mkdir "$licences"
cp "$root"/opt/relay/licences/* "$licences"
for about in "$work"/libraries/*.dist-info; do
    name=$(basename "$about")
    find "$about" -type f -ipath '*licen[cs]e*' | while read -r licence; do
        cp "$licence" "$licences/${name%%-*}-$(basename "$licence" .txt).txt"
    done
done
cp "$work"/tools/pyinstaller-*.dist-info/licenses/COPYING.txt "$licences/PyInstaller.txt"

mkdir -p "$(dirname "$archive")"
chmod -R u=rwX,go=rX "$package"
find "$package/lib" -type f ! -name vault-relay -exec chmod 644 {} +
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$epoch" \
    -C "$work/dist" -c vaultmesh-relay | gzip -9n > "$archive.new"
mv "$archive.new" "$archive"
